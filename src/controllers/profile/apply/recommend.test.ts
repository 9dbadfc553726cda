import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ModelDeployment, ModelDeploymentSpec, ModelDeploymentStatus } from '../../../api/model-deployment/index.ts';
import { rules } from '../../../api/model-deployment/rules.ts';
import { aDeployment } from '../../deployment/testing/objects.ts';
import type { Entry } from '../dedicated/entries.ts';
import { type Json, mergePatch } from './merge-patch.ts';
import { type Best, patchHash, recommendationOf } from './recommend.ts';

const best = (over: Partial<Best> = {}): Best => ({
  id: 'b1-c16',
  batchSize: 1,
  concurrency: 16,
  p99Microseconds: 9,
  p99: '9 µs',
  samplesPerSecond: '1',
  summary: '1 × 16',
  reason: 'x',
  ...over,
});

function model(spec: Partial<ModelDeploymentSpec> = {}, status: Partial<ModelDeploymentStatus> = {}): ModelDeployment {
  return aDeployment({
    spec,
    status: { deploymentMode: 'Standard', ...status },
  }) as ModelDeployment;
}
const two = { minReplicas: 2, maxReplicas: 2 };
const knative = (spec: Partial<ModelDeploymentSpec> = {}) => model({ scaling: two, ...spec }, { deploymentMode: 'Knative' });

/** What the patch makes of the spec: RFC 7386. */
function patched(target: Json | undefined, patch: Json): Json {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const object = typeof target === 'object' && target !== null && !Array.isArray(target) ? (target as Record<string, Json>) : {};
  const result: Record<string, Json> = { ...object };
  for (const [name, value] of Object.entries(patch as Record<string, Json>)) {
    if (value === null) delete result[name];
    else result[name] = patched(result[name], value);
  }
  return result;
}

function recommend(deployment: ModelDeployment, entry?: Entry, of = best(), verdicts = {}) {
  const recommendation = recommendationOf({ best: of, deployment, entry }, verdicts);
  const patch = JSON.parse(recommendation.patch ?? '{}') as Json;
  const spec = (patched({ spec: deployment.spec } as unknown as Json, patch) as unknown as { spec: ModelDeploymentSpec }).spec;
  assert.deepEqual(
    rules.filter((rule) => !rule.holds({ ...deployment, spec })).map(({ id }) => id),
    [],
  );
  return { ...recommendation, spec };
}

describe('what the best setting means for the running service', () => {
  it('is how many requests a copy is given at a time, in Knative mode', () => {
    const { changes, spec, message } = recommend(knative());
    assert.deepEqual(spec.scaling, { ...two, containerConcurrency: 8 });
    assert.deepEqual(changes, [
      {
        field: 'spec.scaling',
        current: '{"minReplicas":2,"maxReplicas":2}',
        recommended: '{"minReplicas":2,"maxReplicas":2,"containerConcurrency":8}',
        why: '16 requests at once on 2 copies were measured to be best',
      },
    ]);
    assert.equal(message, 'Set up like b1-c16: spec.scaling');
  });
  it('is nothing where it is so already', () => {
    const { changes, verdict, patch } = recommend(knative({ scaling: { ...two, containerConcurrency: 8 } }));
    assert.deepEqual([changes, verdict, patch], [[], 'Nothing', undefined]);
  });
  it('is no field in Standard mode, and says so', () => {
    const { verdict, message } = recommend(model({ scaling: two }));
    assert.equal(verdict, 'Nothing');
    assert.equal(
      message,
      'Nothing of b1-c16 can be set in the ModelDeployment. It keeps the objective with 16 requests at once on 2 copies; Standard mode has no field that holds more of them back. To have hardware, resources, copies or batching compared, and set, measure with mode: Dedicated',
    );
  });
  it('is no field of a rate, in whatever mode', () => {
    const { concurrency: _, ...rate } = best({ id: 'b1-r50', requestsPerSecond: '50' });
    for (const deployment of [knative(), model()]) {
      const { verdict, message } = recommend(deployment, undefined, rate);
      assert.equal(verdict, 'Nothing');
      assert.match(message, /^Nothing of b1-r50 can be set in the ModelDeployment\. How many requests come in a second is up to clients/);
    }
  });
  it('does not let more requests to a copy than it was given while it was measured', () => {
    const { verdict, message } = recommend(knative({ scaling: { ...two, containerConcurrency: 4 } }));
    assert.equal(verdict, 'Nothing');
    assert.match(message, /Each copy was given at most 4 requests at a time while it was measured/);
    const wide = recommend(knative({ scaling: { ...two, containerConcurrency: 32 } }));
    assert.equal(wide.spec.scaling?.containerConcurrency, 8);
    const without = recommend(knative({ scaling: { ...two, containerConcurrency: 0 } }));
    assert.equal(without.spec.scaling?.containerConcurrency, 8);
  });
  it('is not guessed from copies that come and go', () => {
    for (const scaling of [{ minReplicas: 1, maxReplicas: 5 }, { minReplicas: 0, maxReplicas: 1 }, {}]) {
      const { verdict, message } = recommend(knative({ scaling }));
      assert.equal(verdict, 'Nothing');
      assert.match(message, /how many copies there were is not known/);
    }
  });
  it('says how many samples to send', () =>
    assert.match(recommend(model(), undefined, best({ batchSize: 8 })).message, /Send 8 samples in one request/));
  it('is nothing of an open loop, whose rate no field holds', () => {
    const { concurrency: _concurrency, ...open } = best({ requestsPerSecond: '50' });
    assert.equal(recommend(knative(), undefined, open).verdict, 'Nothing');
  });
});

describe('what the best setting means on the hardware that it was measured on', () => {
  const t4: Entry = {
    name: 't4.v2',
    gpu: { count: 1, product: 'Tesla-T4' },
    resources: { limits: { cpu: '4' } },
    replicas: 3,
    runtimeVersion: 'v0.20.0',
  };

  it('is the hardware, the version and the copies', () => {
    const { spec, changes } = recommend(
      model({ gpu: { count: 2 }, scaling: { minReplicas: 1, maxReplicas: 2, metric: 'CPU', target: 50 } }),
      t4,
    );
    const gpu = { count: 1, product: 'Tesla-T4', resourceName: 'nvidia.com/gpu' };
    assert.deepEqual([spec.gpu, spec.resources, spec.runtime], [gpu, t4.resources, { type: 'SKLearn', version: 'v0.20.0' }]);
    assert.deepEqual(spec.scaling, { minReplicas: 3, maxReplicas: 3, metric: 'CPU', target: 50 });
    assert.deepEqual(
      changes.map(({ field }) => field),
      ['spec.runtime', 'spec.gpu', 'spec.resources', 'spec.scaling'],
    );
  });
  it('is nothing once it is set, with what the API server adds', () => {
    const set = { gpu: { count: 1, product: 'Tesla-T4', resourceName: 'nvidia.com/gpu' }, resources: { limits: { cpu: '4' } } };
    const deployment = model({ ...set, runtime: { type: 'SKLearn', version: 'v0.20.0' }, scaling: { minReplicas: 3, maxReplicas: 3 } });
    assert.equal(recommend(deployment, t4).verdict, 'Nothing');
  });
  it('takes away what would contradict it', () => {
    const { spec, patch } = recommend(model({ gpu: { count: 1 }, scheduling: { nodeSelector: { zone: 'a' } } }), {
      name: 'cpu',
      gpu: { count: 0 },
      nodeSelector: { pool: 'cpu' },
    });
    assert.deepEqual([spec.gpu, spec.scheduling], [undefined, { nodeSelector: { pool: 'cpu' } }]);
    assert.match(patch ?? '', /"gpu":null/);
  });
  it('leaves alone what no entry can set', () => {
    const given = { model: { version: 3 }, podMetadata: { labels: { team: 'a' } }, rollout: {}, suspend: false };
    const { spec } = recommend(model(given), t4);
    assert.deepEqual(
      [spec.model, spec.podMetadata, spec.rollout, spec.suspend, spec.source],
      [given.model, given.podMetadata, given.rollout, false, model().spec.source],
    );
  });
});

describe('the verdict of the API server', () => {
  const deployment = knative();
  const { patch = '' } = recommend(deployment);
  const id = patchHash(deployment, patch);
  for (const [said, verdict, message] of [
    [undefined, 'Unchecked', /^Set up like/],
    [null, 'Accepted', /^Set up like/],
    ['quota', 'Refused', /^The API server would refuse the patch: quota/],
  ] as const) {
    it(`is ${verdict}`, () => {
      const recommendation = recommend(deployment, undefined, best(), said === undefined ? {} : { [id]: said });
      assert.equal(recommendation.verdict, verdict);
      assert.match(recommendation.message, message);
    });
  }
  it('is of one state of the deployment', () =>
    assert.notEqual(patchHash({ ...deployment, metadata: { ...deployment.metadata, generation: 9 } }, patch), id));
});

describe('a merge patch', () => {
  const { json } = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<Json>(1, 'a', true),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('json'), { maxKeys: 3, noNullPrototype: true }),
    ),
  }));
  it('makes the one of the other, and is nothing between equals', () => {
    fc.assert(
      fc.property(json, json, (from, to) => {
        const patch = mergePatch(from, to);
        assert.deepEqual(patch === undefined ? from : patched(from, patch), to);
        assert.equal(mergePatch(to, to), undefined);
      }),
    );
  });
});
