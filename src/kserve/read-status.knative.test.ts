import { describe } from 'node:test';
import type { Observation } from './observation.ts';
import { check, crashLoop, failedLoad, noGpu, unschedulable, waiting } from './testing/check-serving.ts';
import { condition, knativeService, observe, pod, readyService, revision, service } from './testing/observed.ts';

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
  for (const [field, remedy] of [
    ['spec.template.spec.securityContext.seccompProfile', /"kubernetes\.podspec-securitycontext": "enabled"/],
    ['spec.template.spec.containers[0].securityContext.seccompProfile', /upgrade Knative, or set spec\.podSecurity to Unset/],
  ] as const) {
    check(
      `a field that this Knative does not let through: ${field}`,
      knative({
        inferenceService: service([
          condition('PredictorReady', 'False', 'ReconcileFailed', `validation failed: must not set the field(s): ${field}`),
          condition('Ready', 'False', 'ReconcileFailed'),
        ]),
      }),
      { state: 'Failed', reason: 'KnativeFeatureDisabled', stage: 'Platform', message: remedy },
    );
  }
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

  check(
    'every copy crashes, and Knative has not said so yet',
    knative({
      inferenceService: serving,
      pods: [pod({ mode: 'Knative', version: one, main: crashLoop(1, 'Error', 'late'), ready: false })],
      knativeServices: [knativeService(one, one)],
    }),
    { state: 'Failed', reason: 'CrashLoop', stage: 'Running' },
  );
  check(
    'a copy starts after scale to zero',
    knative({
      inferenceService: serving,
      pods: [pod({ mode: 'Knative', version: one, main: { ready: false, state: { running: {} } } })],
      knativeServices: [knativeService(one, one)],
    }),
    { state: 'Ready', reason: 'Serving', loading: 'Loading 0/1', message: /is starting; requests wait/ },
  );

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
