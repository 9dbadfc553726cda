import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Observation } from './observation.ts';
import { readServing } from './read-status.ts';
import { check, crashLoop, ended, first, unschedulable, waiting } from './testing/check-serving.ts';
import { condition, deploymentOf, event, observe, pod, readyService, replicaSet, service } from './testing/observed.ts';

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
  check(
    'has an evicted pod beside its successor',
    observe({
      inferenceService: readyService(),
      pods: [pod(), { ...pod({ name: 'evicted', ready: false }), status: { phase: 'Failed', reason: 'Evicted' } }],
      deployments: [deploymentOf()],
    }),
    { state: 'Ready', reason: 'Serving', loading: 'Loaded 1/1' },
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
