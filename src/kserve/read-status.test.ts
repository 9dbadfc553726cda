import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { dialectOf } from './dialect.ts';
import type { ContainerStatus, Observation } from './observation.ts';
import { readServing } from './read-status.ts';
import {
  condition,
  deploymentOf,
  event,
  image,
  knativeService,
  observe,
  pod,
  readyService,
  replicaSet,
  revision,
  service,
  waitingService,
} from './testing/observed.ts';

interface Expected {
  readonly state: string;
  readonly reason: string;
  readonly stage?: string;
  readonly message?: RegExp;
  readonly loading?: string;
  readonly previousServes?: boolean;
}

function check(name: string, observation: Observation, expected: Expected): void {
  it(`${name}: ${expected.state}, ${expected.reason}`, () => {
    const serving = readServing(observation);
    assert.deepEqual(
      { state: serving.state, reason: serving.reason, stage: serving.cause?.stage, previousServes: serving.previousServes },
      { state: expected.state, reason: expected.reason, stage: expected.stage, previousServes: expected.previousServes ?? false },
      serving.message,
    );
    if (expected.message !== undefined) assert.match(serving.message, expected.message);
    if (expected.loading !== undefined) assert.equal(`${serving.loading.state} ${serving.loading.summary}`, expected.loading);
  });
}

const waiting = (reason: string, message?: string): Partial<ContainerStatus> => ({
  state: { waiting: { reason, ...(message !== undefined && { message }) } },
});
const ended = (exitCode: number, reason: string, message?: string) => ({ exitCode, reason, ...(message !== undefined && { message }) });
const crashLoop = (exitCode: number, reason: string, message?: string): Partial<ContainerStatus> => ({
  restartCount: 3,
  state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container' } },
  lastState: { terminated: ended(exitCode, reason, message) },
});
const unschedulable = (message: string) => [condition('PodScheduled', 'False', 'Unschedulable', message)];
const noGpu = `0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.`;
const failedLoad = { transitionStatus: 'BlockedByFailedLoad', states: { targetModelState: 'FailedToLoad' } };
const notAvailable = { available: 0, conditions: [condition('Available', 'False', 'MinimumReplicasUnavailable')] };

const first = (main: Partial<ContainerStatus> | undefined, more: Partial<Observation> = {}, init?: Partial<ContainerStatus>): Observation =>
  observe({
    inferenceService: waitingService(),
    pods: [pod({ ...(main && { main }), ...(init && { init }), ready: false })],
    deployments: [deploymentOf(notAvailable)],
    ...more,
  });

describe('a first deployment in Standard mode', () => {
  check('not made yet', observe(), { state: 'Unknown', reason: 'Pending' });
  check('KServe has not acted', observe({ inferenceService: service([]) }), {
    state: 'Progressing',
    reason: 'Pending',
    loading: 'Pending 0/1',
  });
  check('downloading', first(undefined, {}, { state: { running: {} } }), {
    state: 'Progressing',
    reason: 'Downloading',
    loading: 'Downloading 0/1',
  });
  check('loading', first({ ready: false, state: { running: {} } }), { state: 'Progressing', reason: 'Loading', loading: 'Loading 0/1' });
  check('being set up', first(waiting('ContainerCreating')), { state: 'Progressing', reason: 'Pending' });
  check('serving', observe({ inferenceService: readyService(), pods: [pod()], deployments: [deploymentOf()] }), {
    state: 'Ready',
    reason: 'Serving',
    message: /1 copy/,
    loading: 'Loaded 1/1',
  });
  check(
    '8 GPUs of 4',
    observe({
      inferenceService: waitingService(),
      pods: [pod({ conditions: unschedulable(noGpu) })],
      deployments: [deploymentOf(notAvailable)],
    }),
    {
      state: 'Failed',
      reason: 'Unschedulable',
      stage: 'Scheduling',
      message: /1 Insufficient nvidia\.com\/gpu.*To solve it: lower spec\.gpu\.count.*nodeSelector/s,
      loading: 'Pending 0/1',
    },
  );
  check(
    'initializer stopped with an error',
    first(undefined, {}, { state: { terminated: ended(1, 'Error', 'Failed to fetch model. No model found in https://x/y.') } }),
    {
      state: 'Failed',
      reason: 'DownloadFailed',
      stage: 'Download',
      message: /No model found.*correct spec\.source\.storageUri/,
      loading: 'Failed 0/1',
    },
  );
  check(
    'initializer in CrashLoopBackOff',
    first(undefined, { inferenceService: waitingService(failedLoad) }, crashLoop(1, 'Error', 'Access denied to Azure resource')),
    {
      state: 'Failed',
      reason: 'DownloadFailed',
      stage: 'Download',
      message: /right to list and to read/,
    },
  );
  check(
    'initializer tries again',
    first(undefined, {}, { restartCount: 1, ready: false, state: { running: {} }, lastState: { terminated: ended(1, 'Error', 'boom') } }),
    {
      state: 'Failed',
      reason: 'DownloadFailed',
      stage: 'Download',
    },
  );
  check('initializer out of memory', first(undefined, {}, crashLoop(137, 'OOMKilled')), {
    state: 'Failed',
    reason: 'OutOfMemory',
    stage: 'Download',
    message: /limit of 1Gi.*storageInitializer/,
  });
  check('initializer image', first(undefined, {}, waiting('ImagePullBackOff', 'Back-off pulling image "x": ErrImagePull: not found')), {
    state: 'Failed',
    reason: 'ImagePullFailed',
    stage: 'ImagePull',
    message: /storage-initializer:v0\.20\.0 cannot be pulled: not found\. .*the image of the storage initializer/,
  });
  check(
    'image',
    first(waiting('ErrImagePull', `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": not found`)),
    {
      state: 'Failed',
      reason: 'ImagePullFailed',
      stage: 'ImagePull',
      message:
        /sklearnserver:v0\.20\.0 cannot be pulled: not found\. To solve it: the tag or image does not exist: correct spec\.runtime\.version/,
    },
  );
  check(
    'image of a private registry',
    first(waiting('ErrImagePull', 'pull access denied, repository does not exist or may require authorization')),
    {
      state: 'Failed',
      reason: 'ImagePullFailed',
      stage: 'ImagePull',
      message: /spec\.imagePullSecrets/,
    },
  );
  check('stopped with an error', first({ state: { terminated: ended(1, 'Error', 'ValueError: bad model') } }), {
    state: 'Failed',
    reason: 'ContainerFailed',
    stage: 'Running',
    message: /exit code 1: ValueError: bad model/,
  });
  check('CrashLoopBackOff', first(crashLoop(1, 'Error', 'ValueError: bad model')), {
    state: 'Failed',
    reason: 'CrashLoop',
    stage: 'Running',
    message: /ValueError: bad model/,
  });
  check(
    'CrashLoopBackOff, between two starts',
    first({ ...crashLoop(1, 'Error', 'ValueError: bad model'), ready: false, state: { running: {} } }),
    {
      state: 'Failed',
      reason: 'CrashLoop',
      stage: 'Running',
    },
  );
  check('OOMKilled', first(crashLoop(137, 'OOMKilled')), {
    state: 'Failed',
    reason: 'OutOfMemory',
    stage: 'Running',
    message: /more memory than its limit of 2Gi.*raise spec\.resources\.limits\.memory/,
  });
  check(
    'never ready',
    first(
      { ready: false, state: { running: {} } },
      {
        deployments: [
          deploymentOf({
            ...notAvailable,
            conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded', 'ReplicaSet "x" has timed out progressing.')],
          }),
        ],
      },
    ),
    { state: 'Failed', reason: 'NotReadyInTime', stage: 'Startup', message: /timed out progressing.*read its log/ },
  );
  check('a Secret that is missing', first(waiting('CreateContainerConfigError', 'secret "storage" not found')), {
    state: 'Failed',
    reason: 'ContainerNotCreated',
    stage: 'Startup',
    message: /secret "storage" not found.*make what is missing/,
  });
  check(
    'evicted',
    first(undefined, {
      pods: [
        { ...pod({ ready: false }), status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' } },
      ],
    }),
    {
      state: 'Failed',
      reason: 'Evicted',
      stage: 'Running',
    },
  );
});

describe('a first deployment without pods', () => {
  const noPods = (message: string): Partial<Observation> => ({
    inferenceService: waitingService(),
    deployments: [
      deploymentOf({ ...notAvailable, total: 0, updated: 0, conditions: [condition('ReplicaFailure', 'True', 'FailedCreate', message)] }),
    ],
  });
  check(
    'quota',
    observe(noPods('pods "iris-x" is forbidden: exceeded quota: team, requested: limits.memory=8Gi, used: 0, limited: limits.memory=1Gi')),
    {
      state: 'Failed',
      reason: 'QuotaExceeded',
      stage: 'Scheduling',
      message: /quota team of the namespace/,
    },
  );
  check(
    'service account',
    observe(noPods('pods "iris-x" is forbidden: error looking up service account models/sa: serviceaccount "sa" not found')),
    {
      state: 'Failed',
      reason: 'ServiceAccountMissing',
      stage: 'Startup',
      message: /spec\.serviceAccountName/,
    },
  );
  check(
    'Pod Security',
    observe(noPods('pods "iris-x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false')),
    {
      state: 'Failed',
      reason: 'PodRefused',
      stage: 'Startup',
      message: /Pod Security level/,
    },
  );
  const unknown = service([condition('IngressReady', 'Unknown'), condition('PredictorReady', 'Unknown'), condition('Ready', 'Unknown')]);
  check(
    'a storageUri that KServe does not read',
    observe({
      inferenceService: unknown,
      events: [
        event(
          'InferenceService',
          'iris',
          'InternalError',
          'fails to reconcile predictor: StorageURI not supported: storageUri, must be one of: [gs://, s3://] or match …',
        ),
      ],
    }),
    { state: 'Failed', reason: 'StorageUriNotSupported', stage: 'InferenceService', message: /spec\.source\.storageUri/ },
  );
  check(
    'the newest of several events',
    observe({
      inferenceService: unknown,
      events: [
        event('InferenceService', 'iris', 'InternalError', 'fails to reconcile: newer', '2026-01-01T00:00:20Z'),
        event('InferenceService', 'iris', 'InternalError', 'fails to reconcile: older', '2026-01-01T00:00:10Z'),
        event('InferenceService', 'other', 'InternalError', 'of another', '2026-01-01T00:00:30Z'),
      ],
    }),
    { state: 'Failed', reason: 'ReconcileFailed', stage: 'InferenceService', message: /newer/ },
  );
  const invalid = (reason: string, message: string) => ({
    transitionStatus: 'InvalidSpec',
    states: { targetModelState: 'FailedToLoad' },
    lastFailureInfo: { reason, message },
  });
  check(
    'no runtime for the format',
    observe({
      inferenceService: service([], {
        modelStatus: invalid('NoSupportingRuntime', 'No runtime found to support specified framework/version'),
      }),
    }),
    {
      state: 'Failed',
      reason: 'NoSupportingRuntime',
      stage: 'InferenceService',
      message: /No runtime found.*spec\.runtime\.type/,
    },
  );
  check(
    'a runtime that is not there',
    observe({ inferenceService: service([], { modelStatus: invalid('RuntimeNotRecognized', 'Waiting for runtime to become available') }) }),
    {
      state: 'Failed',
      reason: 'RuntimeNotRecognized',
      stage: 'InferenceService',
    },
  );
  check(
    'an ingress that fails',
    observe({
      inferenceService: service([
        condition('PredictorReady', 'True'),
        condition('IngressReady', 'False', 'IngressFailed', 'no gateway'),
        condition('Ready', 'False', 'IngressFailed', 'no gateway'),
      ]),
      pods: [pod()],
      deployments: [deploymentOf()],
    }),
    { state: 'Failed', reason: 'IngressFailed', stage: 'Ingress', message: /no gateway/ },
  );
});

describe('a rollout over a version that serves, Standard', () => {
  const rollout = (newer: Parameters<typeof pod>[0], more: Partial<Observation> = {}): Observation =>
    observe({
      inferenceService: readyService(),
      pods: [pod({ version: 'old' }), pod({ version: 'new', created: '2026-01-01T01:00:00Z', ready: false, ...newer })],
      deployments: [
        deploymentOf({
          total: 2,
          updated: 1,
          available: 1,
          generation: 2,
          conditions: [condition('Available', 'True'), condition('Progressing', 'True', 'ReplicaSetUpdated')],
        }),
      ],
      replicaSets: [replicaSet('old', '2026-01-01T00:00:00Z'), replicaSet('new', '2026-01-01T01:00:00Z')],
      ...more,
    });
  check('image, of which KServe says nothing at all', rollout({ main: waiting('ImagePullBackOff', 'Back-off pulling image "x"') }), {
    state: 'Failed',
    reason: 'ImagePullFailed',
    stage: 'ImagePull',
    previousServes: true,
    message: /still answers$/,
    loading: 'Failed 0/1',
  });
  check('download', rollout({ init: crashLoop(1, 'Error', 'HTTP resource not found') }), {
    state: 'Failed',
    reason: 'DownloadFailed',
    stage: 'Download',
    previousServes: true,
  });
  check('crash', rollout({ main: crashLoop(2, 'Error') }), {
    state: 'Failed',
    reason: 'CrashLoop',
    stage: 'Running',
    previousServes: true,
  });
  check(
    'a GPU that the old version holds',
    rollout({ conditions: unschedulable('0/1 nodes are available: 1 Insufficient nvidia.com/gpu.') }),
    {
      state: 'Failed',
      reason: 'RolloutCannotBePlaced',
      stage: 'Rollout',
      previousServes: true,
      message: /waits for nvidia\.com\/gpu.*spec\.suspend/,
    },
  );
  check('under way', rollout({ main: { ready: false, state: { running: {} } } }), {
    state: 'Progressing',
    reason: 'Loading',
    previousServes: true,
    message: /answers until then/,
  });
  check('moving requests', rollout({ ready: true }), { state: 'Progressing', reason: 'RollingOut', previousServes: true });
  check(
    'done, the old pod going away',
    rollout(
      { ready: true },
      { pods: [pod({ version: 'old', deleted: true }), pod({ version: 'new' })], deployments: [deploymentOf({ generation: 2 })] },
    ),
    {
      state: 'Ready',
      reason: 'Serving',
    },
  );
  check(
    'not seen by the controller of Deployments',
    rollout(
      {},
      {
        pods: [pod({ version: 'old' })],
        deployments: [deploymentOf({ generation: 2, observed: 1 })],
        replicaSets: [replicaSet('old', '2026-01-01T00:00:00Z')],
      },
    ),
    {
      state: 'Progressing',
      reason: 'RollingOut',
    },
  );
  check(
    'quota keeps the new version from any pod',
    rollout(
      {},
      {
        pods: [pod({ version: 'old' })],
        deployments: [deploymentOf({ total: 1, updated: 0, available: 1, generation: 2 })],
        replicaSets: [
          replicaSet('old', '2026-01-01T00:00:00Z'),
          replicaSet('new', '2026-01-01T01:00:00Z', 1, [
            condition('ReplicaFailure', 'True', 'FailedCreate', 'exceeded quota: team, requested: pods=1'),
          ]),
        ],
      },
    ),
    { state: 'Failed', reason: 'QuotaExceeded', stage: 'Scheduling', previousServes: true },
  );
  it('back to a version of before is told by the revision number, not by age', () => {
    const numbered = (version: string, created: string, number: string) => {
      const set = replicaSet(version, created);
      return { ...set, metadata: { ...set.metadata, annotations: { 'deployment.kubernetes.io/revision': number } } };
    };
    const owner = deploymentOf({ total: 2, updated: 1, available: 1, generation: 3 });
    const serving = readServing(
      rollout(
        {},
        {
          pods: [pod({ version: 'bad', created: '2026-01-01T01:00:00Z', main: crashLoop(1, 'Error') }), pod({ version: 'good' })],
          deployments: [{ ...owner, metadata: { ...owner.metadata, annotations: { 'deployment.kubernetes.io/revision': '3' } } }],
          replicaSets: [numbered('bad', '2026-01-01T01:00:00Z', '2'), numbered('good', '2026-01-01T00:00:00Z', '3')],
        },
      ),
    );
    assert.deepEqual([serving.state, serving.cause, serving.loading.state], ['Progressing', undefined, 'Loaded']);
  });
});

describe('a service that had served', () => {
  check(
    'recovers, though lastFailureInfo stays',
    observe({
      inferenceService: readyService({
        modelStatus: {
          transitionStatus: 'UpToDate',
          states: { targetModelState: 'Loaded' },
          lastFailureInfo: { reason: 'ModelLoadFailed', message: 'old', exitCode: 1 },
        },
      }),
      pods: [
        pod({
          main: { ready: true, restartCount: 4, state: { running: {} }, lastState: { terminated: ended(1, 'Error', 'old') } },
          ready: true,
        }),
      ],
      deployments: [deploymentOf()],
    }),
    { state: 'Ready', reason: 'Serving' },
  );
  check(
    'crashes',
    first(crashLoop(1, 'Error', 'late'), {
      deployments: [deploymentOf({ available: 0, conditions: [condition('Progressing', 'True', 'NewReplicaSetAvailable')] })],
    }),
    {
      state: 'Failed',
      reason: 'CrashLoop',
      stage: 'Running',
    },
  );
  check(
    'cannot add a copy',
    observe({
      inferenceService: readyService(),
      pods: [pod({ name: 'a' }), pod({ name: 'b', conditions: unschedulable('0/1 nodes are available: 1 Insufficient cpu.') })],
      deployments: [
        deploymentOf({
          replicas: 2,
          available: 1,
          conditions: [condition('Available', 'True'), condition('Progressing', 'True', 'NewReplicaSetAvailable')],
        }),
      ],
    }),
    {
      state: 'Ready',
      reason: 'Serving',
      stage: 'Scheduling',
      message: /one of its copies does not start.*Insufficient cpu/,
      loading: 'Pending 1/2',
    },
  );
  check('is stopped', observe({ spec: { suspend: true }, inferenceService: service([condition('Stopped', 'True')]) }), {
    state: 'Suspended',
    reason: 'Suspended',
  });
  check('is being stopped', observe({ spec: { suspend: true }, inferenceService: readyService(), pods: [pod({ deleted: true })] }), {
    state: 'Progressing',
    reason: 'Suspending',
  });
  check('is stopped by being deleted', observe({ spec: { suspend: true } }), { state: 'Suspended', reason: 'Suspended' });
  const deleting = readyService();
  check(
    'is being deleted',
    observe({
      inferenceService: { ...deleting, metadata: { ...deleting.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
      pods: [pod()],
      deployments: [deploymentOf()],
    }),
    {
      state: 'Progressing',
      reason: 'Deleting',
    },
  );
});

describe('a change that KServe has not acted on', () => {
  const server = {
    modelFormat: { name: 'sklearn' },
    storageUri: 'https://x/new.zip',
    runtimeVersion: '2',
    resources: { limits: { memory: '2Gi' } },
  };
  const changed = { ...readyService(), spec: { predictor: { model: server } } };
  const template = (uri: string) => ({
    metadata: { annotations: { 'internal.serving.kserve.io/storage-initializer-sourceuri': uri } },
    spec: { containers: [{ name: 'kserve-container', image: 'x/y:2', resources: { limits: { memory: '2Gi' } } }] },
  });
  const deployed = (uri: string) => ({ ...deploymentOf(), spec: { replicas: 1, template: template(uri) } });
  const refused = event('InferenceService', 'iris', 'InternalError', 'fails to reconcile predictor: StorageURI not supported: …');
  const conflict = event(
    'InferenceService',
    'iris',
    'InternalError',
    'Operation cannot be fulfilled on deployments.apps "x": the object has been modified',
  );

  check(
    'is not Ready, whatever KServe goes on saying',
    observe({ inferenceService: changed, pods: [pod()], deployments: [deployed('https://x/old.zip')], events: [conflict] }),
    {
      state: 'Progressing',
      reason: 'WaitingForKServe',
      previousServes: true,
      message: /has not acted on the change of storageUri yet.*answers until then/,
    },
  );
  check(
    'is Ready once it shows',
    observe({ inferenceService: changed, pods: [pod()], deployments: [deployed('https://x/new.zip')], events: [refused] }),
    { state: 'Ready', reason: 'Serving' },
  );
  check(
    'and cannot be acted on',
    observe({ inferenceService: changed, pods: [pod()], deployments: [deployed('https://x/old.zip')], events: [refused] }),
    {
      state: 'Failed',
      reason: 'StorageUriNotSupported',
      stage: 'InferenceService',
      previousServes: true,
      message: /still answers$/,
    },
  );
});

describe('Knative mode', () => {
  const one = 'iris-predictor-00001';
  const two = 'iris-predictor-00002';
  const failing = (message: string) =>
    condition('ConfigurationsReady', 'False', 'RevisionFailed', `Revision "${one}" failed with message: ${message}.`);
  const notReady = (message: string) =>
    service(
      [
        condition('PredictorConfigurationReady', 'False', 'RevisionFailed', `Revision "${one}" failed with message: ${message}.`),
        condition('PredictorReady', 'False', 'RevisionMissing', 'Configuration "iris-predictor" does not have any ready Revision.'),
        condition('Ready', 'False', 'RevisionMissing', 'Configuration "iris-predictor" does not have any ready Revision.'),
      ],
      { modelStatus: failedLoad, components: { predictor: { latestCreatedRevision: one } } },
    );
  const unresolved =
    'Unable to fetch image "nvcr.io/nvidia/tritonserver:23.05-py3": failed to resolve image to digest: Get "https://nvcr.io/v2/": dial tcp: lookup nvcr.io: no such host';
  const knative = (more: Partial<Observation>): Observation => observe({ mode: 'Knative', ...more });
  const unresolvedImage = {
    state: 'Failed',
    reason: 'TagNotResolved',
    stage: 'ImageResolution',
    message: /nvcr\.io added to registries-skipping-tag-resolving.*knative-serving\/config-deployment/,
  };

  check(
    'a tag that cannot be resolved, by the Revision',
    knative({
      inferenceService: notReady(unresolved),
      knativeServices: [knativeService(one, undefined, failing(unresolved))],
      revisions: [
        revision(
          one,
          condition('ContainerHealthy', 'False', 'ContainerMissing', unresolved),
          condition('Ready', 'False', 'ContainerMissing', unresolved),
        ),
      ],
    }),
    unresolvedImage,
  );
  check('the same, by the InferenceService alone', knative({ inferenceService: notReady(unresolved) }), unresolvedImage);
  check(
    'a tag that does not exist',
    knative({
      inferenceService: notReady(
        'Unable to fetch image "kserve/x:9": failed to resolve image to digest: HEAD https://index.docker.io/v2/kserve/x/manifests/9: unexpected status code 404 Not Found (MANIFEST_UNKNOWN)',
      ),
    }),
    {
      state: 'Failed',
      reason: 'TagNotResolved',
      stage: 'ImageResolution',
      message: /correct spec\.runtime\.version/,
    },
  );
  check(
    'Docker Hub by its name in the list',
    knative({ inferenceService: notReady('Unable to fetch image "kserve/x:9": failed to resolve image to digest: dial tcp: i/o timeout') }),
    {
      state: 'Failed',
      reason: 'TagNotResolved',
      stage: 'ImageResolution',
      message: /have index\.docker\.io added/,
    },
  );
  check(
    'unschedulable',
    knative({
      inferenceService: notReady(noGpu),
      revisions: [revision(one, condition('ResourcesAvailable', 'False', 'Unschedulable', noGpu))],
    }),
    {
      state: 'Failed',
      reason: 'Unschedulable',
      stage: 'Scheduling',
      message: /spec\.gpu\.count/,
    },
  );
  check(
    'image, long before the progress deadline',
    knative({
      inferenceService: service([condition('Ready', 'Unknown')], { components: { predictor: { latestCreatedRevision: one } } }),
      pods: [
        pod({
          mode: 'Knative',
          version: one,
          main: waiting('ImagePullBackOff', 'Back-off pulling image "x": ErrImagePull: unauthorized'),
          ready: false,
        }),
      ],
      revisions: [revision(one, condition('ResourcesAvailable', 'Unknown', 'Deploying'))],
    }),
    { state: 'Failed', reason: 'ImagePullFailed', stage: 'ImagePull', message: /imagePullSecrets/ },
  );
  check(
    'download, of which only the pod speaks',
    knative({
      inferenceService: service([condition('Ready', 'Unknown')], { components: { predictor: { latestCreatedRevision: one } } }),
      pods: [pod({ mode: 'Knative', version: one, init: crashLoop(1, 'Error', 'Failed to fetch model. No model found in gs://x.') })],
    }),
    { state: 'Failed', reason: 'DownloadFailed', stage: 'Download' },
  );
  check(
    'given up, its pods taken away',
    knative({
      inferenceService: service([condition('Ready', 'False', 'RevisionMissing')], {
        modelStatus: { ...failedLoad, lastFailureInfo: { reason: 'ModelLoadFailed', message: 'ValueError: bad model', exitCode: 1 } },
        components: { predictor: { latestCreatedRevision: one } },
      }),
    }),
    { state: 'Failed', reason: 'ModelLoadFailed', stage: 'Running', message: /exit code 1\): ValueError: bad model/ },
  );
  check('given up without a word', knative({ inferenceService: notReady('Initial scale was never achieved') }), {
    state: 'Failed',
    reason: 'NotReadyInTime',
    stage: 'Startup',
    message: /progress-deadline/,
  });
  check(
    'a node selector without the feature flag',
    knative({
      inferenceService: service([
        condition(
          'PredictorReady',
          'False',
          'ReconcileFailed',
          'fails to reconcile knative service: admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed: must not set the field(s): spec.template.spec.nodeSelector',
        ),
        condition('Ready', 'False', 'ReconcileFailed'),
      ]),
    }),
    { state: 'Failed', reason: 'KnativeFeatureDisabled', stage: 'Platform', message: /feature flag for nodeSelector.*config-features/ },
  );
  check(
    'work of Knative under way (OutOfDate)',
    knative({
      inferenceService: service([
        condition(
          'PredictorConfigurationReady',
          'Unknown',
          'OutOfDate',
          'The Configuration is still working to reflect the latest desired specification.',
        ),
        condition('Ready', 'Unknown', 'OutOfDate', 'The Configuration is still working'),
      ]),
    }),
    { state: 'Progressing', reason: 'Pending', message: /KServe says: The Configuration is still working/ },
  );
  check(
    'digests being resolved',
    knative({
      inferenceService: service([condition('Ready', 'Unknown')], { components: { predictor: { latestCreatedRevision: one } } }),
      revisions: [
        revision(
          one,
          condition('ContainerHealthy', 'Unknown', 'ResolvingDigests'),
          condition('ResourcesAvailable', 'Unknown', 'ResolvingDigests'),
        ),
      ],
    }),
    { state: 'Progressing', reason: 'Pending' },
  );

  const serving = readyService({ components: { predictor: { latestCreatedRevision: one, latestReadyRevision: one } } });
  check(
    'serving',
    knative({ inferenceService: serving, pods: [pod({ mode: 'Knative', version: one })], knativeServices: [knativeService(one, one)] }),
    { state: 'Ready', reason: 'Serving', loading: 'Loaded 1/1' },
  );
  check('scaled to zero', knative({ inferenceService: serving, knativeServices: [knativeService(one, one)] }), {
    state: 'Ready',
    reason: 'ScaledToZero',
    message: /next request starts a copy/,
    loading: 'Pending 0/0',
  });

  const next = readyService({ components: { predictor: { latestCreatedRevision: two, latestReadyRevision: one } } });
  const rollout = (newer: Parameters<typeof pod>[0], more: Partial<Observation> = {}) =>
    knative({
      inferenceService: next,
      knativeServices: [knativeService(two, one)],
      pods: [pod({ mode: 'Knative', version: one }), pod({ mode: 'Knative', version: two, ready: false, ...newer })],
      ...more,
    });
  check('a rollout whose image cannot be pulled', rollout({ main: waiting('ErrImagePull', 'not found') }), {
    state: 'Failed',
    reason: 'ImagePullFailed',
    stage: 'ImagePull',
    previousServes: true,
    message: /still answers$/,
  });
  check('a rollout that waits for the GPU of the old one', rollout({ conditions: unschedulable(noGpu) }), {
    state: 'Failed',
    reason: 'RolloutCannotBePlaced',
    stage: 'Rollout',
    previousServes: true,
  });
  check(
    'a rollout whose tag cannot be resolved',
    rollout(
      {},
      {
        pods: [pod({ mode: 'Knative', version: one })],
        revisions: [revision(two, condition('ContainerHealthy', 'False', 'ContainerMissing', unresolved))],
      },
    ),
    {
      ...unresolvedImage,
      previousServes: true,
    },
  );
  check('a rollout under way', rollout({ main: { ready: false, state: { running: {} } } }), {
    state: 'Progressing',
    reason: 'Loading',
    previousServes: true,
  });
});

describe('a transformer', () => {
  const spec = { transformer: { image: 'acme/pre:1' } };
  check(
    'that fails is the cause',
    observe({
      spec,
      inferenceService: waitingService(),
      pods: [pod(), pod({ component: 'transformer', version: 't', main: crashLoop(1, 'Error', 'ImportError'), ready: false })],
      deployments: [deploymentOf()],
    }),
    { state: 'Failed', reason: 'CrashLoop', stage: 'Running', message: /ImportError/ },
  );
  check(
    'has its memory in a field of its own',
    observe({
      spec,
      inferenceService: waitingService(),
      pods: [pod(), pod({ component: 'transformer', version: 't', main: crashLoop(137, 'OOMKilled'), ready: false })],
      deployments: [deploymentOf()],
    }),
    { state: 'Failed', reason: 'OutOfMemory', stage: 'Running', message: /raise spec\.transformer\.resources\.limits\.memory/ },
  );
});

describe('the words of a container', () => {
  const uri = 'https://a.blob.core.chinacloudapi.cn/m/x.zip?sv=2021&sig=s3cr3t%3D';
  const failed = first(undefined, {}, crashLoop(1, 'Error', `Traceback\nRuntimeError: HTTP access denied for '${uri}'`));
  it('are shown without the signature that KServe prints', () => {
    const { cause } = readServing(failed);
    const text = JSON.stringify(cause);
    assert.ok(!text.includes('s3cr3t') && !text.includes('2021'), text);
    assert.match(cause?.message ?? '', /HTTP access denied for 'https:\/\/a\.blob\.core\.chinacloudapi\.cn\/m\/x\.zip\?/);
  });
  it('are asked for once: of the run before where the container waits', () => {
    const wanted = readServing(failed).wantsLogsOf;
    assert.deepEqual(wanted, [{ pod: 'iris-predictor-v1', container: 'storage-initializer', previous: true }]);
    const fetched = wanted.map((request) => ({ ...request, text: 'line 1\nline 2 token=abc\n' }));
    const again = readServing({ ...failed, logs: fetched });
    assert.deepEqual([again.wantsLogsOf, again.cause?.logTail], [[], 'line 1\nline 2 token=REDACTED']);
  });
  it('are those of the present run where it has just ended, or has used up its time', () => {
    const now = readServing(first({ state: { terminated: ended(1, 'Error') } }));
    assert.deepEqual(now.wantsLogsOf, [{ pod: 'iris-predictor-v1', container: 'kserve-container', previous: false }]);
    const late = first(
      { ready: false, state: { running: {} } },
      {
        deployments: [
          deploymentOf({ ...notAvailable, conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded', 'late')] }),
        ],
      },
    );
    const request = { pod: 'iris-predictor-v1', container: 'kserve-container', previous: false };
    assert.deepEqual(readServing(late).wantsLogsOf, [request]);
    assert.equal(
      readServing({ ...late, logs: [{ ...request, text: 'No versions of servable found' }] }).cause?.logTail,
      'No versions of servable found',
    );
  });
});

describe('an image pull', () => {
  const why = 'rpc error: code = Unknown desc = failed to pull and unpack image "x": no such host';
  const events = [event('Pod', 'iris-predictor-v1', 'Failed', `Failed to pull image "x": ${why}`)];
  it('has the same words while it is tried and while it waits', () => {
    const texts = [
      first(waiting('ErrImagePull', why)),
      first(waiting('ImagePullBackOff', `Back-off pulling image "x": ErrImagePull: ${why}`)),
      first(waiting('ImagePullBackOff', 'Back-off pulling image "x"'), { events }),
    ].map((observation) => readServing(observation).message);
    assert.match(texts[0] ?? '', /cannot be pulled: no such host\. To solve it: the node cannot reach docker\.io/);
    assert.deepEqual(new Set(texts).size, 1, texts.join('\n'));
  });
});

describe('what is served', () => {
  const digest = `sha256:${'cd'.repeat(32)}`;
  it('is told with its addresses, image and digest', () => {
    const serving = readServing(
      observe({
        inferenceService: readyService(),
        pods: [pod({ main: { ready: true, state: { running: {} }, imageID: `docker.io/kserve/sklearnserver@${digest}` }, ready: true })],
        deployments: [deploymentOf()],
      }),
    );
    assert.deepEqual(serving.addresses, {
      external: {
        url: 'http://iris-models.example.com',
        host: 'iris-models.example.com',
        predictUrl: 'http://iris-models.example.com/v1/models/iris:predict',
      },
      internal: {
        url: 'http://iris-predictor.models.svc.cluster.local',
        predictUrl: 'http://iris-predictor.models.svc.cluster.local/v1/models/iris:predict',
      },
    });
    assert.deepEqual(serving.runtime, { name: 'kserve-sklearnserver', image, digest, managedVia: 'ClusterServingRuntime', protocol: 'V1' });
  });
  it('has the path of its protocol and the name of its package', () => {
    const of = (spec: Parameters<typeof observe>[0]) =>
      readServing(observe({ inferenceService: readyService(), ...spec })).addresses.external?.predictUrl;
    assert.equal(
      of({ spec: { runtime: { type: 'Triton' }, model: { name: 'resnet50' } } }),
      'http://iris-models.example.com/v2/models/resnet50/infer',
    );
    assert.equal(of({ spec: { runtime: { type: 'Triton', protocol: 'GRPCV2' } } }), undefined);
    assert.equal(
      of({ spec: {}, inferenceService: readyService({ url: 'https://example.com:8443/serving/models/iris/' }) }),
      'https://example.com:8443/serving/models/iris/v1/models/iris:predict',
    );
  });
  it('has its path once on KFServing 0.6, which gives one itself', () => {
    const inferenceService = readyService({ address: { url: 'http://iris.models.svc.cluster.local/v1/models/iris:predict' } });
    const serving = readServing(observe({ inferenceService, dialect: dialectOf('kfserving-0.6'), mode: 'Knative' }));
    assert.deepEqual(serving.addresses.internal, {
      url: 'http://iris.models.svc.cluster.local',
      predictUrl: 'http://iris.models.svc.cluster.local/v1/models/iris:predict',
    });
    assert.equal(serving.runtime.managedVia, 'ConfigMap');
  });
});

describe('anything else', () => {
  const word = fc.constantFrom(
    'True',
    'False',
    'Ready',
    'PodScheduled',
    'Unschedulable',
    'CrashLoopBackOff',
    'ErrImagePull',
    'OOMKilled',
    'Progressing',
    '',
  );
  const condition = fc.record({ type: word, status: word, reason: word, message: fc.string() }, { requiredKeys: [] });
  const terminated = fc.record({ reason: word, message: fc.string(), exitCode: fc.nat(255) }, { requiredKeys: [] });
  const waitingState = fc.record({ reason: word, message: fc.string() }, { requiredKeys: [] });
  const state = fc.record({ waiting: waitingState, terminated, running: fc.constant({}) }, { requiredKeys: [] });
  const container = fc.record(
    {
      name: fc.constantFrom('kserve-container', 'storage-initializer'),
      ready: fc.boolean(),
      restartCount: fc.nat(3),
      state,
      lastState: fc.record({ terminated }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  );
  const status = fc.record(
    { phase: word, conditions: fc.array(condition), initContainerStatuses: fc.array(container), containerStatuses: fc.array(container) },
    { requiredKeys: [] },
  );
  const pods = fc.array(
    status.map((podStatus) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, status: podStatus })),
    { maxLength: 3 },
  );
  const conditions = fc.array(condition, { maxLength: 4 });
  it('is read without an error, the same way each time, and every failure has a sentence with a remedy', () => {
    fc.assert(
      fc.property(pods, conditions, conditions, fc.constantFrom('Standard', 'Knative'), (somePods, ofService, ofDeployment, mode) => {
        const observation = observe({
          mode,
          inferenceService: service(ofService, { components: { predictor: { latestCreatedRevision: 'r' } } }),
          pods: somePods,
          deployments: [
            { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'iris-predictor' }, status: { conditions: ofDeployment } },
          ],
          revisions: [revision('r', ...ofDeployment)],
        });
        const serving = readServing(observation);
        assert.deepEqual(readServing(observation), serving);
        assert.notEqual(serving.message, '');
        if (serving.state === 'Failed')
          assert.ok(serving.cause?.message !== undefined && /To solve it: |if it happens again/.test(serving.cause.message));
      }),
    );
  });
});
