/** Small, valid objects for the tests of this folder, with what a test is about laid over them. */
import type { ModelProfile, ModelProfileSpec, ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { Cached } from '../../../kube/store.ts';
import type { Load } from '../../../load/point.ts';
import { type CompactPoint, encodePoint } from '../../../load/point-code.ts';
import { indexLabel, loadContainer, profileLabel, runLabel } from '../labels.ts';
import type { Leg, Observed } from '../observed.ts';
import type { JobObject, LoadPodObject, NodeObject } from '../resources.ts';
import type { ReadyTarget, TargetPod } from '../target/target.ts';
import { rfc3339 } from '../times.ts';

/** 12:00 of some day, when all tests begin. */
export const noon = Date.parse('2026-11-21T12:00:00Z');

export function aProfile(spec: Partial<ModelProfileSpec> = {}, status?: ModelProfileStatus, metadata: object = {}): Cached<ModelProfile> {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: {
      name: 'iris',
      namespace: 'models',
      uid: '7d0f6a52-0000-4000-8000-000000000001',
      resourceVersion: '1',
      creationTimestamp: rfc3339(noon),
      generation: 1,
      ...metadata,
    },
    spec: { target: { modelDeployment: 'iris' }, sweep: { batchSizes: [1, 2], concurrency: [1, 4] }, ...spec },
    ...(status !== undefined && { status }),
  };
}

export function aTargetPod(change: Partial<TargetPod> = {}): TargetPod {
  return {
    name: 'iris-0',
    uid: 'pod-0',
    ready: true,
    restarts: 0,
    images: ['server@sha256:1'],
    node: 'cpu-1',
    ip: '10.0.0.7',
    gpus: 0,
    ...change,
  };
}

export function aTarget(change: Partial<ReadyTarget> = {}): ReadyTarget {
  return {
    url: 'http://iris-predictor.models.svc.cluster.local',
    protocol: 'V2',
    modelName: 'iris',
    podLabel: { key: 'serving.kserve.io/inferenceservice', value: 'iris' },
    pods: [aTargetPod()],
    provenance: { target: 'modeldeployment/iris', targetUid: 'deployment-uid' },
    ...change,
  };
}

export function aLeg(pods: readonly TargetPod[] = [aTargetPod()]): Leg {
  return { state: { kind: 'Ready', label: 'modeldeployment/iris', target: aTarget({ pods }) }, pods };
}

export function observed(profile: Cached<ModelProfile>, change: Partial<Observed> = {}): Observed {
  return {
    profile,
    legs: [aLeg()],
    jobs: [],
    pods: [],
    nodes: new Map([['cpu-1', aNode('cpu-1')]]),
    mayMeasure: true,
    settings: { image: 'modelwright:test', cpus: 2, maxConcurrentRuns: 1 },
    turn: { kind: 'Go' },
    sameTarget: [profile],
    version: '0.1.0',
    now: noon,
    ...change,
  };
}

export function aNode(name: string, ready = true, since = noon): Cached<NodeObject> {
  const condition = { type: 'Ready', status: ready ? 'True' : 'Unknown', lastTransitionTime: rfc3339(since) };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: `node-${name}`, resourceVersion: '1', creationTimestamp: rfc3339(noon) },
    status: { conditions: [condition] },
  };
}

/** A Job as the API server has it after it was made. `ended`: complete or failed. */
export function stored(job: JobObject, ended?: 'Complete' | 'Failed', change: object = {}): Cached<JobObject> {
  const conditions = ended === undefined ? [] : [{ type: ended, status: 'True', lastTransitionTime: rfc3339(noon + 60_000) }];
  return {
    ...job,
    metadata: { ...job.metadata, uid: `uid-${job.metadata.name}`, resourceVersion: '1', creationTimestamp: rfc3339(noon), ...change },
    status: { conditions },
  } as Cached<JobObject>;
}

interface PodEnd {
  readonly message?: string;
  readonly exitCode?: number;
}

/** A pod of a Job's index: running, or ended with a message. */
export function aPod(job: Cached<JobObject>, index: number, end?: PodEnd, change: object = {}): Cached<LoadPodObject> {
  const { labels, name, namespace = '', uid } = job.metadata;
  const state =
    end === undefined
      ? { running: { startedAt: rfc3339(noon) } }
      : {
          terminated: {
            exitCode: end.exitCode ?? 0,
            message: end.message ?? '',
            reason: (end.exitCode ?? 0) === 0 ? 'Completed' : 'Error',
          },
        };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${index}-abcde`,
      namespace,
      uid: `pod-of-${name}-${index}`,
      resourceVersion: '1',
      creationTimestamp: rfc3339(noon),
      labels: { [profileLabel]: labels?.[profileLabel] ?? '', [runLabel]: labels?.[runLabel] ?? '', [indexLabel]: String(index) },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true }],
      ...change,
    },
    spec: { nodeName: 'cpu-1' },
    status: { phase: end === undefined ? 'Running' : 'Succeeded', containerStatuses: [{ name: loadContainer, state }] },
  } as Cached<LoadPodObject>;
}

/** A point as a load pod tells it; by default a sound one. */
export function compactPoint(run: string, batchSize: number, load: Load, change: Partial<CompactPoint> = {}): CompactPoint {
  return {
    run,
    index: 0,
    batchSize,
    load,
    durationMilliseconds: 30_000,
    requests: 3000,
    succeeded: 3000,
    notSent: 0,
    errors: {},
    throughputMilliPerSecond: 100_000 * batchSize,
    throughputLowMilliPerSecond: 99_000 * batchSize,
    throughputHighMilliPerSecond: 101_000 * batchSize,
    latencyMicroseconds: { min: 4000, mean: 5000, p50: 5000, p90: 6000, p95: 7000, p99: 9000, p999: 12_000, max: 15_000 },
    p99LowMicroseconds: 8500,
    p99HighMicroseconds: 9500,
    coldStartMicroseconds: 50_000,
    sendLagP99Microseconds: null,
    serverQueueMicroseconds: null,
    serverPreprocessMicroseconds: null,
    serverInferMicroseconds: null,
    serverPostprocessMicroseconds: null,
    gpuUtilisationPermille: null,
    gpuUtilisationActivePermille: null,
    gpuUtilisationMaxPermille: null,
    gpuMemoryUsedMebibytes: null,
    gpuMemoryTotalMebibytes: null,
    gpuPowerMilliwatts: null,
    scenario: null,
    accuracy: null,
    completedAtSeconds: noon / 1000 + 40,
    invalidReasons: [],
    ...change,
  };
}

export const closed = (concurrency: number): Load => ({ loop: 'closed', concurrency });

export function messageOf(points: readonly CompactPoint[]): string {
  return points.map((point) => `${encodePoint(point)}\n`).join('');
}

/** The run that a Job is of. */
export function labelledRun({ metadata }: JobObject): string {
  return metadata.labels?.[runLabel] ?? '';
}
