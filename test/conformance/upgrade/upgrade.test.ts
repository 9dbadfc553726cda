/**
 * From an earlier chart and operator to today's and back, with models that KServe and Knative serve meanwhile: nothing of them is made anew,
 * changed or restarted. The chart is installed by the real Helm; each operator runs as a process with the permissions that its chart gives it.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { start } from '../../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { kubeconfigOf, OperatorProcess } from '../../integration/deployment/operator-process.ts';
import { apply, eventually, get, kubectl, list } from '../../support/cluster.ts';
import { earlierChart, earlierProgram } from '../../support/earlier/earlier.ts';
import { chartFolder, Helm } from '../../support/helm.ts';
import { modelTraces } from '../../support/model-traces.ts';
import { useControlPlane } from '../../support/shared-plane.ts';

const system = 'modelwright-system';
const models = 'models';
const apiVersion = 'modelwright.dev/v1alpha1';

interface Model {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly { type: string; status: string; reason: string }[];
  };
}

const model = (name: string, spec: object) => ({
  apiVersion,
  kind: 'ModelDeployment',
  metadata: { name, namespace: models },
  spec: { runtime: { type: 'SKLearn' }, deploymentMode: 'Standard', source: { storageUri: 'gs://bucket/iris' }, ...spec },
});

/** One of each sort, and the reason of its Ready. */
const live: readonly (readonly [model: ReturnType<typeof model>, reason: string])[] = [
  [model('plain', {}), 'Serving'],
  [
    model('full', {
      model: { architecture: 'resnet50', framework: 'TensorFlow', task: 'image-classification', dataset: 'imagenet', version: 2 },
      runtime: { type: 'TFServing', version: '2.2.0-gpu' },
      source: { storageUri: 'https://models.blob.core.windows.net/cv/resnet50.zip' },
      resources: { requests: { cpu: '100m' }, limits: { cpu: '1000m', memory: '0.5Gi' } },
      gpu: { count: 1 },
      scaling: { minReplicas: 1, maxReplicas: 2, metric: 'Memory' },
      batching: { maxBatchSize: 16, maxLatencyMilliseconds: 5 },
      scheduling: { nodeSelector: { 'kubernetes.io/os': 'linux' }, tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }] },
      podMetadata: { labels: { team: 'vision' }, annotations: { 'example.com/note': 'a note' } },
      imagePullSecrets: [{ name: 'registry' }],
      transformer: { image: 'registry.example:5000/team/transformer:1', args: ['--size=224'], env: [{ name: 'MODE', value: '' }] },
    }),
    'Serving',
  ],
  [
    model('revisions', {
      runtime: { type: 'Triton', version: '20.10-py3' },
      deploymentMode: 'Knative',
      scaling: { minReplicas: 1, maxReplicas: 2, metric: 'Concurrency', target: 4 },
    }),
    'Serving',
  ],
  [model('suspended', { suspend: true }), 'Suspended'],
  [model('broken', { runtime: { type: 'Triton' }, gpu: { count: 8 } }), 'Unschedulable'],
];

const others = [
  {
    apiVersion,
    kind: 'ServingPlatform',
    metadata: { name: 'default' },
    spec: {
      runtimes: [{ type: 'SKLearn', image: 'registry.example:5000/kserve/sklearnserver', version: 'v0.20.0' }],
      tagResolution: { skipRegistries: ['index.docker.io', 'nvcr.io', 'registry.example:5000'] },
      policy: { imageRegistries: ['registry.example:5000/team'] },
    },
  },
  {
    apiVersion,
    kind: 'ModelProfile',
    metadata: { name: 'later', namespace: models },
    spec: {
      suspend: true,
      target: { modelDeployment: 'plain' },
      sweep: { batchSizes: [1], concurrency: [1, 2] },
      objective: { latency: [{ percentile: 'p99', maxMilliseconds: 100 }] },
    },
  },
];

let plane: ControlPlane;
let helm: Helm;
let operator: OperatorProcess | undefined;
let earlierFile: string;

before(async () => {
  helm = await Helm.get();
  plane = await start({ name: `upgrade-${process.pid}`, nodes: 'fake', kserve: '0.20.0', knative: true });
  useControlPlane(plane);
  earlierFile = await earlierProgram(join(plane.dir, 'earlier'));
  await apply([system, models].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })));
});
after(async () => {
  await operator?.[Symbol.asyncDispose]();
  await plane?.stop();
  helm?.[Symbol.dispose]();
});

const run = (...args: string[]) =>
  helm.run([...args, '--namespace', system, '--wait', '--timeout', '10m'], { kubeconfig: plane.kubeconfig });

/** Ends the operator that runs, and starts one with what the chart installed now gives it. */
async function operate(program?: string): Promise<void> {
  await operator?.[Symbol.asyncDispose]();
  const args = ['--manage-platform', '--system-namespace', system, '--image', 'modelwright:test'];
  operator = await OperatorProcess.startAs(await kubeconfigOf('modelwright', system), [], args, program);
}

/** Has the operator judge every model again by a change that no pod sees, and waits until it has. */
async function judgedAgain(mark: string): Promise<void> {
  const patch = JSON.stringify({ spec: { model: { description: mark } } });
  for (const [{ metadata }] of live) await kubectl(['patch', 'modeldeployment', metadata.name, '-n', models, '--type=merge', '-p', patch]);
  await settled();
}

/** Waits until every model is as it should be, in the words of the operator that runs. */
async function settled(): Promise<void> {
  await eventually(
    async () =>
      Object.fromEntries(
        (await list<Model>('modeldeployment', models)).map(({ metadata, status }) => {
          const ready = status?.conditions?.find(({ type }) => type === 'Ready');
          return [metadata.name, status?.observedGeneration === metadata.generation ? ready?.reason : 'not judged'];
        }),
      ),
    (reasons) => live.every(([{ metadata }, reason]) => reasons[metadata.name] === reason),
    300,
  );
}

/** Everything that must stay as it is. */
async function traces(): Promise<object> {
  const [configMaps, runtimes] = await Promise.all([
    Promise.all(
      [
        ['inferenceservice-config', 'kserve'],
        ['config-deployment', 'knative-serving'],
      ].map(([name = '', namespace]) => get<{ metadata: { name: string; resourceVersion: string } }>('configmap', name, namespace)),
    ),
    list<{ metadata: { name: string; uid: string; generation: number } }>('clusterservingruntimes.serving.kserve.io'),
  ]);
  return {
    models: await modelTraces(models, { knative: true }),
    settings: Object.fromEntries(configMaps.map(({ metadata }) => [metadata.name, metadata.resourceVersion])),
    runtimes: Object.fromEntries(runtimes.map(({ metadata: { name, uid, generation } }) => [name, { uid, generation }])),
    profile: (await get<{ metadata: { uid: string } }>('modelprofile', 'later', models)).metadata.uid,
  };
}

describe('an upgrade with models that serve', { timeout: 1_500_000 }, () => {
  let earlier: object;

  it('begins with an earlier chart, and models that its operator made', async () => {
    await run('install', 'modelwright', earlierChart);
    await operate(earlierFile);
    await apply(others);
    await kubectl(['wait', '--for=condition=Ready', '--timeout=120s', 'servingplatform/default']);
    await apply(live.map(([object]) => object));
    await settled();
    earlier = await traces();
    const pods = Object.keys((earlier as { models: object }).models).filter((name) => name.startsWith('Pod '));
    assert.ok(pods.length >= 3, `${pods.length} pods`);
  });

  it('today’s chart and operator take over, and nothing of a model changes', async () => {
    await run('upgrade', 'modelwright', chartFolder, '--reset-then-reuse-values');
    assert.deepEqual(await traces(), earlier, 'with the new CRDs, roles and policies');
    await operate();
    await judgedAgain('today');
    assert.deepEqual(await traces(), earlier);
    assert.deepEqual(operator?.errors(), []);
  });

  it('a rollback gives them back to the earlier one, and nothing of a model changes', async () => {
    await run('rollback', 'modelwright', '1');
    await operate(earlierFile);
    await judgedAgain('earlier');
    assert.deepEqual(await traces(), earlier);
  });

  it('helm uninstall leaves every model as it is; installed again, the operator goes on', async () => {
    await run('upgrade', 'modelwright', chartFolder, '--reset-then-reuse-values');
    await operate();
    await judgedAgain('before');
    await operator?.[Symbol.asyncDispose]();
    await run('uninstall', 'modelwright');
    assert.deepEqual(await traces(), earlier);
    await run('install', 'modelwright', chartFolder);
    await operate();
    await judgedAgain('again');
    assert.deepEqual(await traces(), earlier);
  });

  it('with crds.keep=false it removes models and all, and the settings are as they were before', async () => {
    await kubectl(['delete', 'servingplatform', 'default', '--timeout=120s']);
    await run('upgrade', 'modelwright', chartFolder, '--reuse-values', '--set', 'crds.keep=false');
    await run('uninstall', 'modelwright');
    await eventually(
      async () => Object.keys(await modelTraces(models, { knative: true })),
      (left) => left.length === 0,
      180,
    );
    const { data } = await get<{ data?: Record<string, string> }>('configmap', 'config-deployment', 'knative-serving');
    assert.equal(data?.['registries-skipping-tag-resolving'], undefined);
  });
});
