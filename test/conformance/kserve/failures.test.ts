/**
 * Every way in which a model fails to serve, played on fake nodes for KServe's and Knative's real controllers, and read from the real
 * objects: the true cause each time, also where KServe says nothing, and no trace of it after recovery.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ModelDeploymentSpec } from '../../../src/api/model-deployment/index.ts';
import type { DeploymentMode } from '../../../src/api/model-deployment/serving.ts';
import type { Dialect } from '../../../src/kserve/dialect.ts';
import type { Observation } from '../../../src/kserve/observation.ts';
import type { Serving, Stage } from '../../../src/kserve/serving.ts';
import { apply, freshNamespace, kubectl } from '../../support/cluster.ts';
import { KSERVE_VARIABLE, required } from '../../support/environment.ts';
import { clusterDialect, type Predictor, Served } from './cluster.ts';

const minor = Number(required(KSERVE_VARIABLE).split('.')[1]);
/** Releases before 0.15 run without Knative here, and those before 0.11 ask for an autoscaler API that Kubernetes no longer has. */
const modes: readonly DeploymentMode[] = minor >= 15 ? ['Standard', 'Knative'] : minor >= 11 ? ['Standard'] : [];

const plays = 'fake-node.modelwright.dev/plays';
const message = 'fake-node.modelwright.dev/message';
const secret = 'https://a.blob.core.chinacloudapi.cn/m/x.zip?sv=2021&sig=s3cr3t';

let dialect: Dialect;
let namespace: string;
let dispose: () => Promise<void>;

before(async () => {
  const created = await freshNamespace('failures');
  namespace = created.name;
  dispose = async () => created[Symbol.asyncDispose]();
  ({ dialect } = await clusterDialect());
});
after(() => dispose());

let count = 0;
function serve(
  mode: DeploymentMode,
  spec: Partial<ModelDeploymentSpec>,
  alter?: (predictor: Predictor) => object,
  where = namespace,
): Served {
  count += 1;
  const deployment = {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name: `model-${count}`, namespace: where },
    spec: {
      runtime: { type: 'Triton' },
      source: { storageUri: 'https://models.blob.core.chinacloudapi.cn/cv-models/resnet50.zip' },
      resources: { limits: { cpu: '100m', memory: '128Mi' } },
      ...spec,
    },
  } as const;
  return new Served(deployment, dialect, mode, alter);
}

const story = (name: string, says?: string): Partial<ModelDeploymentSpec> => ({
  podMetadata: { annotations: { [plays]: name, ...(says !== undefined && { [message]: says }) } },
});

interface Row {
  readonly name: string;
  readonly spec: Partial<ModelDeploymentSpec>;
  readonly stage: Stage;
  readonly reason: string;
  readonly message: RegExp;
}

/** Failures of a pod, which read the same in both modes. */
const podFailures: readonly Row[] = [
  {
    name: 'more GPUs than any node has',
    spec: { gpu: { count: 8 } },
    stage: 'Scheduling',
    reason: 'Unschedulable',
    message: /Insufficient nvidia\.com\/gpu.*spec\.gpu\.count/s,
  },
  {
    name: 'a download that fails',
    spec: story('init-error', `RuntimeError: HTTP access denied for '${secret}'`),
    stage: 'Download',
    reason: 'DownloadFailed',
    message:
      /HTTP access denied for 'https:\/\/a\.blob\.core\.chinacloudapi\.cn\/m\/x\.zip\?sv=REDACTED&sig=REDACTED'.*right to list and to read/,
  },
  {
    name: "the initializer's image",
    spec: story('init-image-pull'),
    stage: 'ImagePull',
    reason: 'ImagePullFailed',
    message: /storage-initializer:\S+ cannot be pulled: .*not found/,
  },
  {
    name: 'the image',
    spec: story('image-pull', 'Back-off pulling image "x": ErrImagePull: unauthorized'),
    stage: 'ImagePull',
    reason: 'ImagePullFailed',
    message: /tritonserver\S+ cannot be pulled: unauthorized.*spec\.imagePullSecrets/,
  },
  {
    name: 'a crash',
    spec: story('crash', 'failed to load all models'),
    stage: 'Running',
    reason: 'CrashLoop',
    message: /exit code 1: failed to load all models/,
  },
  {
    name: 'want of memory',
    spec: story('oom'),
    stage: 'Running',
    reason: 'OutOfMemory',
    message: /limit of 128Mi.*spec\.resources\.limits\.memory/,
  },
];

const isCause = (row: Pick<Row, 'stage' | 'reason'>) => (serving: Serving) =>
  serving.state === 'Failed' && serving.cause?.stage === row.stage && serving.reason === row.reason;

/** What a kubelet writes of a server that ends long after it was ready. The annotation keeps the fake node from reviving it. */
async function crash({ metadata, status }: Observation['pods'][number]): Promise<void> {
  await kubectl(['annotate', 'pod', metadata.name, '-n', namespace, `${plays}=crash`]);
  const ended = {
    exitCode: 3,
    reason: 'Error',
    message: 'out of CUDA memory',
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: '2026-01-01T00:01:00Z',
  };
  const containerStatuses = (status?.containerStatuses ?? []).map((container, index) =>
    index > 0
      ? container
      : {
          ...container,
          ready: false,
          restartCount: 1,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: ended },
        },
  );
  const conditions = ['Ready', 'ContainersReady'].map((type) => ({ type, status: 'False', reason: 'ContainersNotReady' }));
  const patch = JSON.stringify({ status: { conditions, containerStatuses } });
  await kubectl(['patch', 'pod', metadata.name, '-n', namespace, '--subresource=status', '--type=strategic', '-p', patch]);
}

for (const mode of modes) {
  describe(`a first deployment, ${mode}`, () => {
    for (const row of podFailures) {
      it(`${row.name} is ${row.reason}, and gone after recovery`, async () => {
        await using served = serve(mode, row.spec);
        await served.apply();
        const serving = await served.until(isCause(row));
        assert.match(serving.message, row.message);
        assert.equal(serving.previousServes, false);
        assert.ok(!JSON.stringify(serving).includes('s3cr3t'));
        await served.apply({ podMetadata: { annotations: {} }, gpu: { count: 1 } });
        const recovered = await served.until(({ state }) => state === 'Ready');
        assert.equal(recovered.cause, undefined);
      });
    }

    it('a model that is slow to load is not taken for a failure', async () => {
      await using served = serve(mode, story('never-ready'));
      await served.apply();
      const { loading, cause } = await served.until(({ reason }) => reason === 'Loading');
      assert.deepEqual([loading.state, cause], ['Loading', undefined]);
    });

    it('a long download shows as such', async () => {
      await using served = serve(mode, story('init-running'));
      await served.apply();
      await served.until(({ reason, loading }) => reason === 'Downloading' && loading.state === 'Downloading');
    });
  });

  it(`a model that served and crashes is CrashLoop, and Ready again after recovery, ${mode}`, async () => {
    await using served = serve(mode, {});
    await served.apply();
    await served.until(({ state }) => state === 'Ready');
    const { pods } = await served.observe();
    assert.equal(pods.length, 1);
    for (const pod of pods) await crash(pod);
    const { message: text, previousServes } = await served.until(isCause({ stage: 'Running', reason: 'CrashLoop' }));
    assert.match(text, /exit code 3: out of CUDA memory/);
    assert.equal(previousServes, false);
    for (const { metadata } of pods) await kubectl(['annotate', 'pod', metadata.name, '-n', namespace, `${plays}-`]);
    await served.until(({ state, cause }) => state === 'Ready' && cause === undefined);
  });

  describe(`a rollout over a version that serves, ${mode}`, () => {
    for (const row of podFailures.filter(({ spec }) => spec.gpu === undefined)) {
      it(`${row.name} is ${row.reason} though the old version answers, and gone after recovery`, async () => {
        await using served = serve(mode, {});
        await served.apply();
        await served.until(({ state }) => state === 'Ready');
        await served.apply(row.spec);
        const serving = await served.until(isCause(row));
        assert.equal(serving.previousServes, true);
        assert.match(serving.message, /The version before this one still answers$/);
        await served.apply({ podMetadata: { annotations: {} } });
        await served.until(({ state, cause }) => state === 'Ready' && cause === undefined);
      });
    }
  });
}

describe('without a pod', () => {
  const rows: readonly (Omit<Row, 'spec'> & {
    readonly spec?: Partial<ModelDeploymentSpec>;
    readonly alter?: (predictor: Predictor) => object;
    readonly setup?: (where: string) => object;
  })[] = [
    {
      name: 'a scheme that KServe does not read',
      spec: { source: { storageUri: 'ftp://example.com/x.zip' } },
      stage: 'InferenceService',
      reason: 'StorageUriNotSupported',
      message: /must be one of.*spec\.source\.storageUri/s,
    },
    {
      name: 'a runtime that is not installed',
      alter: (predictor) => ({ ...predictor, model: { ...predictor.model, runtime: 'nowhere' } }),
      stage: 'InferenceService',
      reason: 'RuntimeNotRecognized',
      message: /Waiting for runtime to become available.*installed/,
    },
    {
      name: 'a format that no runtime serves',
      alter: ({ model: { runtime: _, ...model }, ...predictor }) => ({
        ...predictor,
        model: { ...model, modelFormat: { name: 'nonsense' } },
      }),
      stage: 'InferenceService',
      reason: 'NoSupportingRuntime',
      message: /No runtime found.*spec\.runtime\.type/,
    },
    {
      name: 'a service account that is not there',
      spec: { serviceAccountName: 'nobody' },
      stage: 'Startup',
      reason: 'ServiceAccountMissing',
      message: /"nobody" not found.*spec\.serviceAccountName/,
    },
    {
      name: 'a quota',
      setup: (where) => ({
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'team', namespace: where },
        spec: { hard: { 'limits.memory': '1Mi' } },
      }),
      stage: 'Scheduling',
      reason: 'QuotaExceeded',
      message: /exceeded quota: team.*quota team of the namespace/,
    },
    {
      name: 'a Pod Security level',
      setup: (where) => ({
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: where, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
      }),
      stage: 'Startup',
      reason: 'PodRefused',
      message: /PodSecurity.*spec\.storageContainer/s,
    },
  ];
  for (const row of modes.includes('Standard') ? rows : []) {
    it(`${row.name} is ${row.reason}`, async () => {
      await using own = await freshNamespace('failures');
      if (row.setup !== undefined) await apply(row.setup(own.name));
      await using served = serve('Standard', row.spec ?? {}, row.alter, own.name);
      await served.apply();
      const { message: text } = await served.until(isCause(row));
      assert.match(text, row.message);
    });
  }
});

describe('a change that KServe cannot act on, over a version that serves', () => {
  const rows: readonly (Row & { readonly mode: DeploymentMode })[] = [
    {
      name: 'a scheme that it does not read',
      mode: 'Standard',
      spec: { source: { storageUri: 'ftp://example.com/x.zip' } },
      stage: 'InferenceService',
      reason: 'StorageUriNotSupported',
      message: /spec\.source\.storageUri/,
    },
    {
      name: 'a node selector without the feature flag',
      mode: 'Knative',
      spec: { scheduling: { nodeSelector: { 'kubernetes.io/os': 'linux' } } },
      stage: 'Platform',
      reason: 'KnativeFeatureDisabled',
      message: /config-features/,
    },
  ];
  for (const row of rows.filter(({ mode }) => modes.includes(mode))) {
    it(`${row.name} is ${row.reason}, though KServe goes on saying Ready or says no more, and gone after recovery`, async () => {
      await using served = serve(row.mode, {});
      await served.apply();
      await served.until(({ state }) => state === 'Ready');
      const { spec } = served.deployment;
      await served.apply(row.spec);
      const { message: text } = await served.until(isCause(row));
      assert.match(text, row.message);
      served.deployment = { ...served.deployment, spec };
      await served.apply({});
      await served.until(({ state, cause }) => state === 'Ready' && cause === undefined);
    });
  }
});

if (modes.includes('Knative')) describe('of Knative alone', ofKnative);

function ofKnative(): void {
  it('a tag that cannot be resolved is TagNotResolved, with the registry to add', async () => {
    await using served = serve('Knative', {}, (predictor) => ({
      ...predictor,
      model: { ...predictor.model, image: 'registry.invalid/triton:1' },
    }));
    await served.apply();
    const { message: text } = await served.until(isCause({ stage: 'ImageResolution', reason: 'TagNotResolved' }));
    assert.match(
      text,
      /registry\.invalid\/triton:1.*failed to resolve image to digest.*registry\.invalid added to registries-skipping-tag-resolving/s,
    );
  });

  it('a rollout whose tag cannot be resolved leaves the old version serving', async () => {
    await using served = serve('Knative', { runtime: { type: 'Triton', version: '1' } }, (predictor) =>
      predictor.model['runtimeVersion'] === '2'
        ? { ...predictor, model: { ...predictor.model, image: 'registry.invalid/triton' } }
        : predictor,
    );
    await served.apply();
    await served.until(({ state }) => state === 'Ready');
    await served.apply({ runtime: { type: 'Triton', version: '2' } });
    const { previousServes } = await served.until(isCause({ stage: 'ImageResolution', reason: 'TagNotResolved' }));
    assert.equal(previousServes, true);
    await served.apply({ runtime: { type: 'Triton', version: '3' } });
    await served.until(({ state, cause }) => state === 'Ready' && cause === undefined);
  });

  it('a node selector without the feature flag is KnativeFeatureDisabled', async () => {
    await using served = serve('Knative', { scheduling: { nodeSelector: { 'kubernetes.io/os': 'linux' } } });
    await served.apply();
    const { message: text } = await served.until(isCause({ stage: 'Platform', reason: 'KnativeFeatureDisabled' }));
    assert.match(text, /must not set the field\(s\).*feature flag for nodeSelector in ConfigMap knative-serving\/config-features/s);
  });

  it('a rollout that waits for the GPU of the old version says so, and suspending frees it', async () => {
    await using served = serve('Knative', { gpu: { count: 3 } });
    await served.apply();
    await served.until(({ state }) => state === 'Ready');
    await served.apply({ podMetadata: { labels: { changed: 'yes' } } });
    const { message: text, previousServes } = await served.until(isCause({ stage: 'Rollout', reason: 'RolloutCannotBePlaced' }));
    assert.equal(previousServes, true);
    assert.match(text, /waits for nvidia\.com\/gpu.*set spec\.suspend to true and back to false/s);
    if (dialect.features.stopAnnotation) {
      await served.apply({ suspend: true });
      await served.until(({ state }) => state === 'Suspended');
    } else await served.remove();
    await served.apply({ suspend: false });
    await served.until(({ state, cause }) => state === 'Ready' && cause === undefined);
  });

  it('a model that did not load keeps its cause when Knative has given it up', async () => {
    await using served = serve('Knative', {
      podMetadata: { annotations: { [plays]: 'crash', [message]: 'failed to load', 'serving.knative.dev/progress-deadline': '10s' } },
    });
    await served.apply();
    await served.until(isCause({ stage: 'Running', reason: 'CrashLoop' }));
    const isGivenUp = async () => {
      const { revisions = [] } = await served.observe();
      return revisions.some(({ status }) => status?.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'False'));
    };
    const deadline = Date.now() + 90_000;
    while (!(await isGivenUp())) assert.ok(Date.now() < deadline, 'Knative did not give the revision up');
    const { state, message: text } = await served.until(({ state: now }) => now === 'Failed');
    assert.equal(state, 'Failed');
    assert.match(text, /failed to load/);
  });
}
