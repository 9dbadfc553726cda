import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDeployment, ModelDeploymentSpec } from '../../../api/model-deployment/index.ts';
import { rules } from '../../../api/model-profile/rules.ts';
import type { StatusDraft } from '../status.ts';
import { copiedSpec } from '../temporary.ts';
import { aDeployment } from '../testing/objects.ts';
import { autoProfileOf } from './decide.ts';

const template = { sweep: { concurrency: [1, 4] }, objective: { latency: [{ percentile: 'p99', maxMilliseconds: 100 }] } } as const;
const asked = (spec: Partial<ModelDeploymentSpec> = {}) =>
  aDeployment({ spec: { profile: { auto: true, template: template as never }, ...spec } });
const says = (
  status: 'True' | 'False',
  runtime: StatusDraft['runtime'] = { image: 'kserve/sklearnserver:v0.20.0', digest: `sha256:${'a'.repeat(64)}` },
): StatusDraft => ({
  conditions: [{ type: 'Ready', status, reason: 'X', message: 'x' }],
  ...(runtime && { runtime }),
});
const runIdOf = (deployment = asked(), status = says('True')) => autoProfileOf(deployment, status)?.spec.runId;

describe('the profile that follows a deployment', () => {
  const made = autoProfileOf(asked(), says('True'));

  it('is made when the model serves: owned, as the template says, with the deployment as its target', () => {
    assert.ok(made);
    assert.equal(made.metadata.name, 'iris-auto');
    assert.deepEqual(
      (made.metadata as { ownerReferences?: { uid: string }[] }).ownerReferences?.map(({ uid }) => uid),
      ['uid-of-iris'],
    );
    assert.deepEqual(made.spec, { ...template, target: { modelDeployment: 'iris' }, runId: made.spec.runId });
    assert.deepEqual(
      rules.filter((rule) => !rule.holds(made)).map(({ id }) => id),
      [],
    );
    assert.match(made.spec.runId ?? '', /^auto-[0-9a-f]{12}$/);
  });

  const absent: readonly (readonly [string, ReturnType<typeof autoProfileOf>])[] = [
    ['the model does not serve', autoProfileOf(asked(), says('False'))],
    ['nobody asked', autoProfileOf(aDeployment(), says('True'))],
    ['it is switched off', autoProfileOf(asked({ profile: { auto: false, template: template as never } }), says('True'))],
    ['the image is not known', autoProfileOf(asked(), { conditions: says('True').conditions })],
    [
      'the deployment is being deleted',
      autoProfileOf(
        aDeployment({ spec: asked().spec as ModelDeploymentSpec, metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
        says('True'),
      ),
    ],
  ];
  for (const [what, profile] of absent) it(`is left alone while ${what}`, () => assert.equal(profile, undefined));

  it('is begun anew for another model and another image', () => {
    const ids = [
      runIdOf(),
      runIdOf(asked({ source: { storageUri: 'gs://b/other' } })),
      runIdOf(asked(), says('True', { image: 'x', digest: `sha256:${'b'.repeat(64)}` })),
    ];
    assert.equal(new Set(ids).size, 3);
    const packaged = (sha256: string) => ({
      ...says('True'),
      package: { storageUri: 'x', sha256, sizeBytes: 1, files: 1, layout: 'SKLearn', source: 's' },
    });
    assert.notEqual(runIdOf(asked(), packaged('a')), runIdOf(asked(), packaged('b')));
  });

  it('is not for other copies, resources, or another tag of the same image', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    assert.equal(runIdOf(asked({ scaling: { minReplicas: 3, maxReplicas: 3 }, resources: { limits: { cpu: '9' } } })), runIdOf());
    assert.equal(runIdOf(asked(), says('True', { image: 'mirror.example/sklearnserver:v0.20.0', digest })), runIdOf());
  });

  it('is none of a temporary copy', () => assert.equal(copiedSpec(asked() as ModelDeployment).profile, undefined));
});
