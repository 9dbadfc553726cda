/** Objects as KServe 0.20, Knative and the kubelet write them, for tests of reading them. */
import type { ModelDeployment, ModelDeploymentSpec } from '../../api/model-deployment/index.ts';
import type { DeploymentMode } from '../../api/model-deployment/serving.ts';
import { dialectOf } from '../dialect.ts';
import type {
  ContainerStatus,
  EventObject,
  InferenceServiceObject,
  KnativeServiceObject,
  Observation,
  ObservedCondition,
  PodObject,
  RevisionObject,
  WorkloadObject,
} from '../observation.ts';
import { exampleDeployment } from './example.ts';

export const image = 'kserve/sklearnserver:v0.20.0';

export function condition(type: string, status: 'True' | 'False' | 'Unknown', reason = '', message = ''): ObservedCondition {
  return { type, status, ...(reason !== '' && { reason }), ...(message !== '' && { message }) };
}

type Status = NonNullable<InferenceServiceObject['status']>;

export function service(conditions: readonly ObservedCondition[], status: Omit<Status, 'conditions'> = {}): InferenceServiceObject {
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name: 'iris', namespace: 'models', uid: 'isvc' },
    status: { conditions, ...status },
  };
}

export const readyService = (status: Omit<Status, 'conditions'> = {}) =>
  service([condition('IngressReady', 'True'), condition('PredictorReady', 'True'), condition('Ready', 'True')], {
    url: 'http://iris-models.example.com',
    address: { url: 'http://iris-predictor.models.svc.cluster.local' },
    clusterServingRuntimeName: 'kserve-sklearnserver',
    modelStatus: { transitionStatus: 'UpToDate', states: { activeModelState: 'Loaded', targetModelState: 'Loaded' } },
    ...status,
  });

/** As it looks while the first Deployment has no pod that is ready. */
export const waitingService = (
  modelStatus: Status['modelStatus'] = { transitionStatus: 'InProgress', states: { targetModelState: 'Pending' } },
) =>
  service(
    [
      condition('IngressReady', 'False', '', 'Predictor ingress not created'),
      condition('PredictorReady', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.'),
      condition('Ready', 'False', '', 'Predictor ingress not created'),
    ],
    { modelStatus },
  );

interface PodOptions {
  readonly name?: string;
  readonly version?: string;
  readonly mode?: DeploymentMode;
  readonly created?: string;
  readonly component?: 'predictor' | 'transformer';
  readonly init?: Partial<ContainerStatus>;
  readonly main?: Partial<ContainerStatus>;
  readonly conditions?: readonly ObservedCondition[];
  readonly ready?: boolean;
  readonly deleted?: boolean;
  readonly phase?: string;
  readonly reason?: string;
  readonly message?: string;
}

/** A pod that is ready unless something else is given. `version` is its template hash, or its Revision. */
export function pod(options: PodOptions = {}): PodObject {
  const { version = 'v1', mode = 'Standard', component = 'predictor', init, main, phase, reason, message } = options;
  const ready = options.ready ?? (init === undefined && main === undefined && options.conditions === undefined && phase === undefined);
  const scheduled = options.conditions === undefined;
  const initialised: Partial<ContainerStatus> = init ?? { ready: true, state: { terminated: { exitCode: 0, reason: 'Completed' } } };
  const serving: Partial<ContainerStatus> =
    main ?? (init === undefined ? { ready, state: { running: {} } } : { state: { waiting: { reason: 'PodInitializing' } } });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: options.name ?? `iris-${component}-${version}`,
      namespace: 'models',
      creationTimestamp: options.created ?? '2026-01-01T00:00:00Z',
      labels: { component, [mode === 'Standard' ? 'pod-template-hash' : 'serving.knative.dev/revision']: version },
      ...(options.deleted === true && { deletionTimestamp: '2026-01-01T00:01:00Z' }),
    },
    spec: {
      initContainers: [
        { name: 'storage-initializer', image: 'kserve/storage-initializer:v0.20.0', resources: { limits: { memory: '1Gi' } } },
      ],
      containers: [{ name: 'kserve-container', image, resources: { limits: { memory: '2Gi' } } }],
    },
    status: {
      ...(phase !== undefined && { phase }),
      ...(reason !== undefined && { reason }),
      ...(message !== undefined && { message }),
      conditions: options.conditions ?? [condition('PodScheduled', 'True'), condition('Ready', ready ? 'True' : 'False')],
      ...(scheduled && {
        initContainerStatuses: [{ name: 'storage-initializer', restartCount: 0, ...initialised }],
        containerStatuses: [{ name: 'kserve-container', restartCount: 0, ...serving }],
      }),
    },
  };
}

interface WorkloadOptions {
  readonly replicas?: number;
  readonly updated?: number;
  readonly available?: number;
  readonly total?: number;
  readonly generation?: number;
  readonly observed?: number;
  readonly conditions?: readonly ObservedCondition[];
  readonly version?: string;
}

export function deploymentOf({
  replicas = 1,
  updated,
  available,
  total,
  generation = 1,
  observed,
  conditions,
  version,
}: WorkloadOptions = {}): WorkloadObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'iris-predictor',
      namespace: 'models',
      uid: 'deployment',
      generation,
      ...(version !== undefined && { labels: { 'serving.knative.dev/revision': version } }),
    },
    spec: { replicas },
    status: {
      observedGeneration: observed ?? generation,
      replicas: total ?? replicas,
      updatedReplicas: updated ?? replicas,
      availableReplicas: available ?? replicas,
      ...(conditions && { conditions }),
    },
  };
}

export function replicaSet(version: string, created: string, replicas = 1, conditions: readonly ObservedCondition[] = []): WorkloadObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `iris-predictor-${version}`,
      namespace: 'models',
      creationTimestamp: created,
      labels: { 'pod-template-hash': version },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'iris-predictor', uid: 'deployment', controller: true }],
    },
    spec: { replicas },
    status: { conditions },
  };
}

export function revision(name: string, ...conditions: ObservedCondition[]): RevisionObject {
  return { apiVersion: 'serving.knative.dev/v1', kind: 'Revision', metadata: { name, namespace: 'models' }, status: { conditions } };
}

export function knativeService(created: string, ready: string | undefined, ...conditions: ObservedCondition[]): KnativeServiceObject {
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: 'iris-predictor', namespace: 'models', generation: 1 },
    status: {
      observedGeneration: 1,
      latestCreatedRevisionName: created,
      ...(ready !== undefined && { latestReadyRevisionName: ready }),
      conditions,
    },
  };
}

export function event(kind: string, name: string, reason: string, message: string, time = '2026-01-01T00:00:10Z'): EventObject {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${time}`, namespace: 'models' },
    type: 'Warning',
    reason,
    message,
    involvedObject: { kind, name, ...(kind === 'InferenceService' && { uid: 'isvc' }) },
    lastTimestamp: time,
  };
}

/** What is observed; a Standard service in KServe 0.20 unless said otherwise. */
export function observe(parts: Partial<Observation> & { readonly spec?: Partial<ModelDeploymentSpec> } = {}): Observation {
  const { spec, ...rest } = parts;
  const deployment: ModelDeployment = exampleDeployment(spec);
  return { deployment, dialect: dialectOf({ major: 0, minor: 20 }), mode: 'Standard', pods: [], deployments: [], ...rest };
}
