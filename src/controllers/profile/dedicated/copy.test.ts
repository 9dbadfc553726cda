import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDeployment, ModelDeploymentSpec } from '../../../api/model-deployment/index.ts';
import { rules } from '../../../api/model-deployment/rules.ts';
import { isTemporary, temporaryCopy, temporaryName } from '../../deployment/temporary.ts';
import { aDeployment, identifiedModel } from '../../deployment/testing/objects.ts';
import { specOfCopy } from './copy.ts';
import type { Entry } from './entries.ts';
import { flagsOn } from './testing.ts';

const owner = { apiVersion: 'modelwright.dev/v1alpha1', kind: 'ModelProfile', name: 'iris', uid: 'p', controller: true };

function original(spec: Partial<ModelDeploymentSpec> = {}, mode: 'Standard' | 'Knative' = 'Standard'): ModelDeployment {
  return aDeployment({ spec, status: { deploymentMode: mode } }) as ModelDeployment;
}

/** The spec of a copy, which the rules of the API must let through. */
function copyOf(from: ModelDeployment, entry: Partial<Entry>, flags: Record<string, string> | undefined = flagsOn): ModelDeploymentSpec {
  const { spec } = specOfCopy(from, { name: 'x', ...entry }, flags);
  const object = temporaryCopy(aDeployment(), { purpose: 'Benchmark', identity: ['a'], owner, spec });
  assert.deepEqual(
    rules.filter((rule) => !rule.holds(object)).map(({ id }) => id),
    [],
  );
  return spec;
}

describe('the copy of a model', () => {
  it('is the same model, and no entry of the library', () => {
    const inputs = [{ name: 'x', shape: [-1, 4], dataType: 'FP32' as const }];
    const spec = copyOf(original({ model: { ...identifiedModel, inputs } }), {});
    assert.deepEqual(spec.model, { version: 1, inputs });
    assert.deepEqual(spec.source, original().spec.source);
    assert.deepEqual(spec.resources, original().spec.resources);
  });

  it('leaves out how the original changes and stops', () => {
    const spec = copyOf(original({ suspend: true, rollout: { canaryTrafficPercent: 10 } }, 'Knative'), {});
    assert.equal(spec.suspend, undefined);
    assert.equal(spec.rollout, undefined);
  });

  it('keeps the name that a server finds in the package', () => {
    assert.deepEqual(copyOf(original({ runtime: { type: 'Triton' } }), {}).model, { name: 'iris' });
    assert.deepEqual(copyOf(original({ runtime: { type: 'Triton' }, model: { name: 'net' } }), {}).model, { name: 'net' });
  });

  it('leaves out a name that is that of the deployment', () => {
    assert.equal(copyOf(original({ model: { name: 'iris' } }), {}).model, undefined);
  });

  it('runs a fixed number of copies', () => {
    assert.deepEqual(copyOf(original({ scaling: { minReplicas: 2, maxReplicas: 9, metric: 'CPU', target: 50 } }), {}).scaling, {
      minReplicas: 1,
      maxReplicas: 1,
    });
    assert.deepEqual(copyOf(original(), { replicas: 3 }).scaling, { minReplicas: 3, maxReplicas: 3 });
  });

  it('takes resources and batching of the entry before its own', () => {
    const given = original({ batching: { maxBatchSize: 4 } });
    assert.deepEqual(copyOf(given, {}).batching, { maxBatchSize: 4 });
    const spec = copyOf(given, { batching: { maxBatchSize: 32 }, resources: { limits: { cpu: '4' } } });
    assert.deepEqual([spec.batching, spec.resources], [{ maxBatchSize: 32 }, { limits: { cpu: '4' } }]);
  });
});

describe('where the copy runs', () => {
  const placed: Partial<ModelDeploymentSpec> = {
    gpu: { count: 1, product: 'A100' },
    scheduling: {
      nodeSelector: { zone: 'a' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'b', operator: 'Exists' }] }] },
        },
      },
    },
  };

  it('is where the original runs, unless the entry says otherwise', () => {
    const spec = copyOf(original(placed), {});
    assert.deepEqual([spec.gpu, spec.scheduling], [placed.gpu, placed.scheduling]);
  });

  it('is by the node selector of the entry alone', () => {
    const spec = copyOf(original(placed), { nodeSelector: { 'nvidia.com/gpu.product': 'Tesla-T4' } });
    assert.deepEqual(spec.gpu, { count: 1 });
    assert.deepEqual(spec.scheduling, {
      nodeSelector: { 'nvidia.com/gpu.product': 'Tesla-T4' },
      tolerations: placed.scheduling?.tolerations,
    });
  });

  it('is by the GPU of the entry, and not by a product that the original selects', () => {
    const own = { nodeSelector: { 'nvidia.com/gpu.product': 'A100', zone: 'a' } };
    const spec = copyOf(original({ gpu: { count: 1 }, scheduling: own }), { gpu: { count: 2, product: 'Tesla-T4' } });
    assert.deepEqual(
      [spec.gpu, spec.scheduling],
      [{ count: 2, product: 'Tesla-T4', resourceName: 'nvidia.com/gpu' }, { nodeSelector: { zone: 'a' } }],
    );
  });

  it('is without a GPU where the entry says 0', () => assert.equal(copyOf(original(placed), { gpu: { count: 0 } }).gpu, undefined));

  const tags: readonly (readonly [version: string, gpu: Entry['gpu'], tag: string])[] = [
    ['2.6.2', { count: 0 }, '2.6.2'],
    ['2.6.2', { count: 1 }, '2.6.2-gpu'],
    ['2.6.2-gpu', { count: 1 }, '2.6.2-gpu'],
    ['2.6.2-gpu', { count: 0 }, '2.6.2'],
    [`sha256:${'a'.repeat(64)}`, { count: 1 }, `sha256:${'a'.repeat(64)}`],
  ];
  for (const [version, gpu, tag] of tags) {
    it(`makes ${tag.slice(0, 12)} of TFServing ${version.slice(0, 12)} with ${gpu?.count} GPU`, () => {
      const of = original({ runtime: { type: 'TFServing' } });
      assert.equal(copyOf(of, { ...(gpu && { gpu }), runtimeVersion: version }).runtime.version, tag);
    });
  }
});

describe('the mode of a copy', () => {
  const knative = original({ scaling: { minReplicas: 0, maxReplicas: 5, containerConcurrency: 8, metric: 'RPS', target: 100 } }, 'Knative');

  it('is that of the original', () => {
    const spec = copyOf(knative, { nodeSelector: { zone: 'a' } });
    assert.equal(spec.deploymentMode, 'Knative');
    assert.deepEqual(spec.scaling, { minReplicas: 1, maxReplicas: 1, containerConcurrency: 8 });
  });

  for (const [what, flags] of [
    ['are off', {}],
    ['are not known', undefined],
  ] as const) {
    it(`is Standard where Knative's flags ${what} and a node is chosen, and says so`, () => {
      const { spec, note } = specOfCopy(knative, { name: 'x', nodeSelector: { zone: 'a' } }, flags);
      assert.equal(spec.deploymentMode, 'Standard');
      assert.deepEqual(spec.scaling, { minReplicas: 1, maxReplicas: 1 });
      assert.match(
        note ?? '',
        /^The copy runs in Standard mode: spec\.scheduling\.nodeSelector: Knative refuses it while its feature flag kubernetes\.podspec-nodeselector is off$/,
      );
    });
    it(`stays Knative where the flags ${what} and no node is chosen`, () =>
      assert.equal(specOfCopy(knative, { name: 'x' }, flags).spec.deploymentMode, 'Knative'));
  }
});

describe('a temporary ModelDeployment', () => {
  it('goes with its owner, says when it ends, and is known as what it is', () => {
    const { metadata } = temporaryCopy(aDeployment(), {
      purpose: 'Benchmark',
      identity: ['a'],
      owner,
      deadline: Date.UTC(2026, 0, 2),
      spec: original().spec,
    });
    assert.deepEqual(metadata.ownerReferences, [owner]);
    assert.deepEqual(metadata.annotations, { 'modelwright.dev/deadline': '2026-01-02T00:00:00Z' });
    assert.ok(isTemporary({ metadata }));
    assert.ok(!isTemporary(aDeployment()));
  });

  it('has a name that fits every KServe and host name', () => {
    for (const [name, namespace] of [
      ['iris', 'models'],
      ['a'.repeat(48), 'n'.repeat(20)],
      [`${'a-'.repeat(20)}b`, 'n'.repeat(50)],
    ] as const) {
      const made = temporaryName(name, namespace, ['x']);
      assert.match(made, /^[a-z]([-a-z0-9]*[a-z0-9])?$/);
      assert.ok(made.length <= 40, made);
      assert.ok(`${made}-${namespace}`.length <= 63, `${made}-${namespace}`);
    }
  });

  it('has another name for whatever is another copy', () =>
    assert.notEqual(temporaryName('iris', 'models', ['a', 'b']), temporaryName('iris', 'models', ['ab'])));
});
