import { describe } from 'node:test';
import type { Observation } from './observation.ts';
import { check, crashLoop, ended, failedLoad, first, noGpu, notAvailable, unschedulable, waiting } from './testing/check-serving.ts';
import { condition, deploymentOf, event, image, observe, pod, readyService, service, waitingService } from './testing/observed.ts';

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
    'initializer of ours that reaches nobody',
    first(
      undefined,
      {},
      { state: { terminated: ended(1, 'Error', 'models/iris: the storage service failed (ECONNREFUSED). Run the command again.') } },
    ),
    { state: 'Failed', reason: 'DownloadFailed', stage: 'Download', message: /ECONNREFUSED.*cannot be reached from the node/ },
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
    'an image that runs as root',
    first(
      waiting(
        'CreateContainerConfigError',
        'container has runAsNonRoot and image will run as root (pod: "iris-x", container: kserve-container)',
      ),
    ),
    {
      state: 'Failed',
      reason: 'ContainerNotCreated',
      stage: 'Startup',
      message: /user is a number other than 0.*spec\.podSecurity to Unset/,
    },
  );
  check('a command that is not in the image', first(crashLoop(128, 'StartError', 'exec: "serve": executable file not found in $PATH')), {
    state: 'Failed',
    reason: 'ContainerNotCreated',
    stage: 'Startup',
    message: /executable file not found.*check the image and its command/,
  });
  check(
    'a node that no longer reports',
    first(undefined, {
      pods: [
        {
          ...pod({ conditions: [condition('PodScheduled', 'True'), condition('ContainersReady', 'True'), condition('Ready', 'False')] }),
          spec: { nodeName: 'node-7' },
        },
      ],
    }),
    { state: 'Failed', reason: 'NodeNotReady', stage: 'Running', message: /Node node-7 no longer reports/ },
  );
  check(
    'a readiness gate that is closed is none of a node',
    first(undefined, {
      pods: [
        pod({
          conditions: [
            condition('PodScheduled', 'True'),
            condition('ContainersReady', 'True'),
            condition('Ready', 'False', 'ReadinessGatesNotReady', 'the status of pod readiness gate "mesh" is not "True", but False'),
          ],
        }),
      ],
    }),
    { state: 'Progressing', reason: 'Pending' },
  );
  check(
    'a server that is started again after its node was',
    first({
      ready: false,
      restartCount: 1,
      state: { running: {} },
      lastState: { terminated: { exitCode: 255, reason: 'Unknown' } },
    }),
    { state: 'Progressing', reason: 'Loading' },
  );
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
  for (const [container, remedy] of [
    ['kserve-container', /set spec\.podSecurity to Restricted/],
    ['storage-initializer', /modelwright push.*spec\.storageContainer/],
  ] as const) {
    check(
      `Pod Security, for ${container}`,
      observe(
        noPods(
          `pods "iris-x" is forbidden: violates PodSecurity "restricted:latest": seccompProfile (container "${container}" must set …)`,
        ),
      ),
      { state: 'Failed', reason: 'PodRefused', stage: 'Startup', message: remedy },
    );
  }
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
