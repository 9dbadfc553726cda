/** ModelDeployments of the end-to-end tests, small enough that a node of two cores carries several. */
import { apply, eventually, get, list } from '../../support/cluster.ts';

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

export interface ModelStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly addresses?: { readonly internal?: { readonly url?: string; readonly predictUrl?: string } };
}

interface Model {
  readonly metadata: { readonly generation: number };
  readonly status?: ModelStatus;
}

/** Framework and protocol of what the tests serve with each server. */
const servers = {
  SKLearn: { framework: 'SKLearn', protocol: 'V1' },
  Triton: { framework: 'PyTorch', protocol: 'V2' },
  TorchServe: { framework: 'PyTorch', protocol: 'V1' },
  TFServing: { framework: 'TensorFlow', protocol: 'V1' },
} as const;

export interface Wanted {
  /** Where the model is; or in a volume of the namespace, which the operator packages. */
  readonly storageUri?: string;
  readonly volume?: { readonly claimName: string; readonly path?: string; readonly repository: string };
  /** Default SKLearn. */
  readonly runtime?: keyof typeof servers;
  /** Of the server's image; default the platform's. */
  readonly version?: string;
  /** Limit of the server; default what it needs. */
  readonly memory?: string;
  readonly gpus?: number;
  /** Any other field of the spec. */
  readonly more?: object;
}

/** Applies a ModelDeployment of its own identity. */
export async function deploy(namespace: string, name: string, wanted: Wanted): Promise<void> {
  const { storageUri, volume, runtime = 'SKLearn', version, memory = '512Mi', gpus, more } = wanted;
  const { framework, protocol } = servers[runtime];
  await apply({
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace },
    spec: {
      model: { architecture: 'linear', framework, task: 'tabular-classification', dataset: name },
      runtime: { type: runtime, protocol, ...(version && { version }) },
      deploymentMode: 'Standard',
      source: volume === undefined ? { storageUri } : { volume },
      resources: { requests: { cpu: '50m', memory: memory === '512Mi' ? '256Mi' : memory }, limits: { cpu: '500m', memory } },
      ...(gpus !== undefined && { gpu: { count: gpus } }),
      scaling: { minReplicas: 1, maxReplicas: 1 },
      ...more,
    },
  });
}

/** Waits until the model serves what its spec says now. */
export async function untilReady(namespace: string, name: string, seconds = 300): Promise<ModelStatus> {
  const { status } = await eventually(
    () => get<Model>('modeldeployment', name, namespace),
    (model) => ready(model)?.status === 'True',
    seconds,
  );
  return status ?? {};
}

/** Waits until Ready is as wanted for the present spec, and gives it. */
export async function readyReason(
  namespace: string,
  name: string,
  wanted: (condition: Condition) => boolean,
  seconds = 300,
): Promise<Condition> {
  const model = await eventually(
    () => get<Model>('modeldeployment', name, namespace),
    (seen) => {
      const condition = ready(seen);
      return condition !== undefined && wanted(condition);
    },
    seconds,
  );
  return ready(model) as Condition;
}

function ready({ metadata, status }: Model): Condition | undefined {
  if (status?.observedGeneration !== metadata.generation) return undefined;
  return status.conditions?.find(({ type }) => type === 'Ready');
}

interface ContainerStatus {
  readonly name: string;
  readonly imageID: string;
  readonly ready: boolean;
  readonly restartCount: number;
}

export interface PredictorPod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly initContainers?: readonly PodContainer[]; readonly containers: readonly PodContainer[] };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

interface PodContainer {
  readonly name: string;
  readonly image: string;
  readonly securityContext?: object;
}

/** The pods that serve a model, without those that are on their way out. */
export async function predictors(namespace: string, name: string): Promise<PredictorPod[]> {
  const pods = await list<PredictorPod>('pods', namespace);
  return pods.filter(({ metadata }) => metadata.labels?.['serving.kserve.io/inferenceservice'] === name && !metadata.deletionTimestamp);
}
