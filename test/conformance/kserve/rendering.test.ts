/** What is rendered, put before KServe's real webhooks and controllers: accepted, served as meant, and the same when rendered again. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ModelDeployment } from '../../../src/api/model-deployment/index.ts';
import { type RuntimeType, runtimeTypes } from '../../../src/api/model-deployment/runtime.ts';
import type { DeploymentMode } from '../../../src/api/model-deployment/serving.ts';
import { type Dialect, describeDialect } from '../../../src/kserve/dialect.ts';
import type { ClusterFacts } from '../../../src/kserve/facts.ts';
import { judge } from '../../../src/kserve/judge.ts';
import { readServing } from '../../../src/kserve/read-status.ts';
import { eventually, freshNamespace, get } from '../../support/cluster.ts';
import { KSERVE_VARIABLE, required } from '../../support/environment.ts';
import { clusterDialect, inferenceServices, Served, type StoredService } from './cluster.ts';

const release = required(KSERVE_VARIABLE);
const minor = Number(release.split('.')[1]);
/** KServe before 0.11 asks for an autoscaler API that Kubernetes no longer has, and never says Ready in its raw mode. */
const becomesReady = minor >= 11;

const tags: Partial<Record<RuntimeType, string>> = { TFServing: '2.2.0', Triton: '20.10-py3' };
const gpuRuntimes: readonly RuntimeType[] = ['TFServing', 'TorchServe', 'Triton'];

interface PodTemplate {
  readonly spec: {
    readonly containers: readonly {
      readonly name: string;
      readonly image: string;
      readonly resources?: { readonly limits?: Record<string, string> };
    }[];
  };
}
interface Deployment {
  readonly spec: { readonly template: PodTemplate; readonly strategy?: unknown };
}

let facts: ClusterFacts;
let dialect: Dialect;
let namespace: string;
let dispose: () => Promise<void>;

before(async () => {
  const created = await freshNamespace('rendering');
  namespace = created.name;
  dispose = async () => created[Symbol.asyncDispose]();
  ({ facts, dialect } = await clusterDialect());
});
after(() => dispose());

function example(type: RuntimeType, gpu: boolean): ModelDeployment {
  const tag = tags[type];
  const version = tag !== undefined && gpu && type === 'TFServing' ? `${tag}-gpu` : tag;
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name: `${type.toLowerCase()}${gpu ? '-gpu' : ''}`, namespace },
    spec: {
      model: { architecture: 'resnet50', version: 2 },
      runtime: { type, ...(version !== undefined && { version }) },
      source: { storageUri: 'https://models.blob.core.chinacloudapi.cn/cv-models/resnet50.zip' },
      // Quantities that Go writes otherwise: "1", "512Mi".
      resources: { limits: { cpu: '1000m', memory: '0.5Gi' } },
      ...(gpu && { gpu: { count: 1 } }),
    },
  };
}

/** Every leaf of `wanted` that `actual` does not have. */
function missing(wanted: unknown, actual: unknown, path = ''): string[] {
  if (Array.isArray(wanted)) {
    return Array.isArray(actual) ? wanted.flatMap((item, index) => missing(item, actual[index], `${path}[${index}]`)) : [path];
  }
  if (typeof wanted === 'object' && wanted !== null) {
    const other = typeof actual === 'object' && actual !== null ? (actual as Record<string, unknown>) : {};
    return Object.entries(wanted).flatMap(([key, value]) => missing(value, other[key], `${path}.${key}`));
  }
  return wanted === actual ? [] : [`${path}: ${JSON.stringify(wanted)} is stored as ${JSON.stringify(actual)}`];
}

async function templateOf(served: Served): Promise<PodTemplate> {
  const { name } = served.deployment.metadata;
  const component = minor >= 11 ? `${name}-predictor` : `${name}-predictor-default`;
  const kind = served.mode === 'Standard' ? 'deployment' : 'services.serving.knative.dev';
  const object = await eventually(
    () => get<Deployment>(kind, component, namespace).catch(() => undefined),
    (found) => found !== undefined,
    120, // older managers take their time with the first service
  );
  if (object === undefined) throw new Error(`no ${kind} ${component}`);
  return object.spec.template;
}

/** The image each example must end up with, as the release ships its runtimes. */
function imageOf(type: RuntimeType, gpu: boolean): RegExp {
  const own = `v${release.replaceAll('.', '\\.')}`;
  const torch = minor >= 12 ? '0\\.9\\.0' : minor >= 11 ? '0\\.8\\.2' : minor >= 9 ? '0\\.6\\.0' : '0\\.4\\.1';
  const images: Record<RuntimeType, string> = {
    TFServing: `^tensorflow/serving:2\\.2\\.0${gpu ? '-gpu' : ''}$`,
    TorchServe: `^pytorch/torchserve-kfs:${torch}${gpu ? '-gpu' : ''}$`,
    Triton: '^nvcr\\.io/nvidia/tritonserver:20\\.10-py3$',
    SKLearn: `^kserve/sklearnserver:${own}$`,
    XGBoost: `^kserve/xgbserver:${own}$`,
    LightGBM: `^kserve/lgbserver:${own}$`,
  };
  return new RegExp(images[type]);
}

it(`KServe ${release} is recognised by its CRDs`, () => {
  const atLeast = { 20: 20, 15: 15, 11: 11, 9: 9, 7: 7 }[minor];
  assert.deepEqual(dialect.version, { major: 0, minor: atLeast });
  assert.equal(describeDialect(dialect), `KServe 0.${minor} or newer`);
});

const modes: readonly DeploymentMode[] = minor >= 15 ? ['Standard', 'Knative'] : ['Standard'];

for (const mode of modes) {
  describe(`KServe ${release}, ${mode}`, () => {
    for (const type of runtimeTypes) {
      for (const gpu of gpuRuntimes.includes(type) ? [false, true] : [false]) {
        it(`serves ${type} on the ${gpu ? 'GPU' : 'CPU'}`, async () => {
          const deployment = example(type, gpu);
          assert.deepEqual(judge(deployment, { dialect, mode, facts, policy: {} }), []);
          await using served = new Served(deployment, dialect, mode);
          await served.apply();
          const template = await templateOf(served);
          const container = template.spec.containers.find(({ name }) => name === 'kserve-container');
          assert.match(container?.image ?? '', imageOf(type, gpu));
          assert.deepEqual(container?.resources?.limits, { cpu: '1', memory: '512Mi', ...(gpu && { 'nvidia.com/gpu': '1' }) });
          if (becomesReady) {
            const { runtime, loading, addresses, cause } = await served.until(
              // KServe's word and the list of pods are two reads: the copy may be counted a moment after Ready.
              ({ state, loading }) => state === 'Ready' && loading.summary === '1/1',
            );
            assert.equal(cause, undefined);
            assert.match(runtime.image ?? '', imageOf(type, gpu));
            assert.match(runtime.digest ?? '', /^sha256:[0-9a-f]{64}$/);
            assert.equal(loading.summary, '1/1');
            assert.match(
              addresses.external?.predictUrl ?? '',
              type === 'Triton' ? /\/v2\/models\/triton(-gpu)?\/infer$/ : /\/v1\/models\/[a-z-]+:predict$/,
            );
            assert.match(addresses.internal?.url ?? '', new RegExp(`^http://[a-z-]+\\.${namespace}\\.svc\\.cluster\\.local$`));
          }
          await unchanged(served);
        });
      }
    }
  });
}

/** What is stored has all that was rendered, word for word, and applying it again writes nothing. */
async function unchanged(served: Served): Promise<void> {
  const { name } = served.deployment.metadata;
  const stored = await get<StoredService>(inferenceServices, name, namespace);
  const { object } = served.rendered;
  const { features } = served.dialect;
  assert.deepEqual(features.predictorModel ? missing(object, stored) : [], []);
  const again = await served.apply();
  assert.equal(again.metadata.generation, stored.metadata.generation);
}

if (minor === 20) {
  describe('every field', () => {
    for (const mode of modes) {
      it(`is accepted and stored as rendered, ${mode}`, async () => {
        const { spec, ...rest } = example('TFServing', true);
        await using served = new Served(
          {
            ...rest,
            metadata: { name: `full-${mode.toLowerCase()}`, namespace },
            spec: {
              ...spec,
              scaling: {
                minReplicas: mode === 'Knative' ? 0 : 1,
                maxReplicas: 2,
                metric: mode === 'Knative' ? 'Concurrency' : 'Memory',
                ...(mode === 'Knative' && { target: 4, containerConcurrency: 8 }),
              },
              batching: { maxBatchSize: 16, maxLatencyMilliseconds: 5 },
              // Knative refuses these while its feature flags are off.
              ...(mode === 'Standard' && {
                gpu: { count: 1, product: 'Tesla-T4' },
                scheduling: {
                  nodeSelector: { 'kubernetes.io/os': 'linux' },
                  tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
                  affinity: {
                    nodeAffinity: {
                      requiredDuringSchedulingIgnoredDuringExecution: {
                        nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'Exists' }] }],
                      },
                    },
                  },
                },
              }),
              podMetadata: { labels: { team: 'vision' }, annotations: { 'example.com/note': 'a note' } },
              imagePullSecrets: [{ name: 'registry' }],
              serviceAccountName: 'default',
              transformer: {
                image: 'kserve/image-transformer:v0.20.0',
                args: ['--size=224'],
                env: [{ name: 'MODE', value: '' }],
                resources: { limits: { memory: '512Mi' } },
              },
              ...(mode === 'Knative' && { rollout: { canaryTrafficPercent: 10 } }),
            },
          },
          dialect,
          mode,
        );
        await served.apply();
        const { runtime } = await served.until(({ state }) => state === 'Ready');
        assert.equal(runtime.name, 'kserve-tensorflow-serving');
        await unchanged(served);
        await served.apply({ suspend: true });
        await served.until(({ state }) => state === 'Suspended');
        await served.apply({ suspend: false });
        await served.until(({ state }) => state === 'Ready');
      });
    }

    it('keeps a digest, also with a GPU', async () => {
      const { spec, ...rest } = example('TFServing', true);
      const digest = `sha256:${'ab'.repeat(32)}`;
      await using served = new Served(
        { ...rest, metadata: { name: 'pinned', namespace }, spec: { ...spec, runtime: { type: 'TFServing', version: digest } } },
        dialect,
        'Standard',
      );
      await served.apply();
      const { runtime } = await served.until(({ state }) => state === 'Ready');
      assert.deepEqual([runtime.image, runtime.managedVia], [`tensorflow/serving@${digest}`, 'InferenceService']);
    });

    it('gives a GPU up before it takes another: a change goes through with all GPUs in use', async () => {
      const { spec, ...rest } = example('Triton', true);
      await using served = new Served(
        { ...rest, metadata: { name: 'greedy', namespace }, spec: { ...spec, gpu: { count: 4 } } },
        dialect,
        'Standard',
      );
      await served.apply();
      await served.until(({ state }) => state === 'Ready');
      await served.apply({ podMetadata: { labels: { changed: 'yes' } } });
      await eventually(
        () => served.observe(),
        (seen) => seen.pods.every(({ metadata }) => metadata.labels?.['changed'] === 'yes') && readServing(seen).state === 'Ready',
      );
    });
  });
}
