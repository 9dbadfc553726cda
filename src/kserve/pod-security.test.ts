import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PodSecurity } from '../api/pod-security.ts';
import { dialectOf } from './dialect.ts';
import { enforceLabel, isRestricted, restrictedServer } from './pod-security.ts';
import { renderInferenceService } from './render.ts';
import { exampleDeployment } from './testing/example.ts';

const enforcing = { namespaceLabels: { [enforceLabel]: 'restricted' } };

describe('the security context of a model', () => {
  const rows: readonly [model: PodSecurity | undefined, platform: PodSecurity | undefined, level: string | undefined, wanted: boolean][] = [
    [undefined, undefined, undefined, false],
    [undefined, undefined, 'restricted', true],
    [undefined, undefined, 'baseline', false],
    [undefined, 'Auto', 'restricted', true],
    [undefined, 'Restricted', undefined, true],
    [undefined, 'Unset', 'restricted', false],
    ['Unset', 'Restricted', 'restricted', false],
    ['Restricted', 'Unset', undefined, true],
    ['Auto', 'Restricted', undefined, false],
    ['Auto', 'Unset', 'restricted', true],
  ];
  for (const [model, platform, level, wanted] of rows) {
    it(`model ${model ?? 'says nothing'}, platform ${platform ?? 'says nothing'}, namespace enforces ${level ?? 'nothing'}: ${wanted}`, () => {
      const context = {
        ...(platform !== undefined && { platform }),
        ...(level !== undefined && { namespaceLabels: { [enforceLabel]: level } }),
      };
      assert.equal(isRestricted(exampleDeployment(model === undefined ? {} : { podSecurity: model }), context), wanted);
    });
  }

  it('is not made up where nothing is known of the namespace', () => {
    assert.equal(isRestricted(exampleDeployment()), false);
    assert.equal(isRestricted(exampleDeployment(), { namespaceLabels: {} }), false);
  });

  for (const mode of ['Standard', 'Knative'] as const) {
    it(`stands at both containers in ${mode} mode, and nowhere else`, () => {
      const deployment = exampleDeployment({ transformer: { image: 'ghcr.io/acme/resize:1' } });
      const dialect = dialectOf({ major: 0, minor: 20 });
      const render = (restricted: boolean) => renderInferenceService(deployment, { dialect, mode, restricted }).object.spec;
      const { predictor, transformer } = render(isRestricted(deployment, enforcing));
      assert.deepEqual((predictor['model'] as Record<string, unknown>)['securityContext'], restrictedServer);
      const [container] = (transformer?.['containers'] ?? []) as object[];
      assert.deepEqual(container, {
        name: 'kserve-container',
        image: 'ghcr.io/acme/resize:1',
        securityContext: restrictedServer,
      });
      assert.equal(predictor['securityContext'], undefined);
      assert.ok(!JSON.stringify(render(false)).includes('securityContext'));
    });
  }
});
