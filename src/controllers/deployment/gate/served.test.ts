import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDeployment, ModelDeploymentSpec } from '../../../api/model-deployment/index.ts';
import { dialectOf } from '../../../kserve/dialect.ts';
import { renderInferenceService } from '../../../kserve/render.ts';
import { parseKServeVersion } from '../../../models/kserve-version.ts';
import { aDeployment } from '../testing/objects.ts';
import { type Served, servedBy, servedHash, serves, serving } from './served.ts';

const versions = ['0.20.0', '0.11.2', '0.7.0'];

function render(version: string, spec: Partial<ModelDeploymentSpec> = {}, secretName?: string) {
  const parsed = parseKServeVersion(version);
  assert.ok(parsed);
  const deployment = aDeployment({ spec }) as ModelDeployment;
  const storageUri = deployment.spec.source.storageUri ?? '';
  return renderInferenceService(deployment, {
    dialect: dialectOf(parsed),
    mode: 'Standard',
    location: { storageUri, ...(secretName !== undefined && { secretName }) },
  });
}

const of = (version: string, spec: Partial<ModelDeploymentSpec>, secretName?: string): Served => {
  const served = servedBy(render(version, spec, secretName).object);
  assert.ok(served);
  return served;
};

const old = { source: { storageUri: 'gs://b/old' }, runtime: { type: 'SKLearn', version: 'v0.19.0' }, model: { version: 1 } } as const;
const fresh = {
  source: { storageUri: 'gs://b/new' },
  runtime: { type: 'SKLearn', version: 'v0.20.0' },
  model: { version: 2 },
  scaling: { minReplicas: 4, maxReplicas: 4 },
} as const;

describe('what a service serves', () => {
  for (const version of versions) {
    it(`is read on KServe ${version}`, () => {
      const { storageUri, runtimeVersion, version: model } = of(version, old);
      assert.deepEqual([storageUri, runtimeVersion, model], ['gs://b/old', 'v0.19.0', '1']);
    });

    it(`can be put into a service that is otherwise as it should be, on KServe ${version}`, () => {
      const before = of(version, old, 'access-old');
      const { object } = serving(render(version, fresh, 'access-new'), before);
      assert.deepEqual(servedBy(object), before);
      assert.equal(object.spec.predictor['minReplicas'], 4);
      const back = serving(serving(render(version, fresh, 'access-new'), before), of(version, fresh, 'access-new'));
      assert.deepEqual(back.object, render(version, fresh, 'access-new').object);
    });
  }

  it('is another with another model, image, tag or version of the model', () => {
    const hashes = [
      {},
      { source: { storageUri: 'gs://b/x' } },
      { runtime: { type: 'SKLearn', version: 'v9' } },
      { runtime: { type: 'SKLearn', version: `sha256:${'a'.repeat(64)}` } },
      { model: { version: 7 } },
    ] as const;
    assert.equal(new Set(hashes.map((spec) => servedHash(of('0.20.0', { ...old, ...spec })))).size, hashes.length);
  });

  it('is the same with other resources, copies and access', () => {
    const other = of('0.20.0', { ...old, scaling: { minReplicas: 3, maxReplicas: 3 }, resources: { limits: { cpu: '4' } } }, 'another');
    assert.equal(servedHash(other), servedHash(of('0.20.0', old)));
  });

  it('counts what a live service has been given by defaults as nothing', () => {
    const wanted = of('0.20.0', { source: old.source });
    assert.ok(serves({ ...wanted, runtimeVersion: 'v0.20.0' }, wanted));
    assert.ok(!serves({ ...wanted, storageUri: 'gs://b/x' }, wanted));
  });

  it('is nothing for a service with containers of its own', () =>
    assert.equal(servedBy({ metadata: { name: 'x' }, spec: { predictor: { containers: [{ image: 'x' }] } } }), undefined));
});
