/** ModelDeployments of the end-to-end tests, small enough that a node of two cores carries several. */
import { apply, eventually, get } from '../../support/cluster.ts';

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

export interface Wanted {
  readonly storageUri: string;
  /** Default SKLearn, asked by V1; Triton is asked by V2. */
  readonly runtime?: 'SKLearn' | 'Triton';
  /** Of the server's image; default the platform's. */
  readonly version?: string;
  /** Limit of the server; default what it needs. */
  readonly memory?: string;
}

/** Applies a ModelDeployment of its own identity. */
export async function deploy(namespace: string, name: string, wanted: Wanted): Promise<void> {
  const { storageUri, runtime = 'SKLearn', version, memory = '512Mi' } = wanted;
  const framework = runtime === 'Triton' ? 'PyTorch' : 'SKLearn';
  await apply({
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace },
    spec: {
      model: { architecture: 'linear', framework, task: 'tabular-classification', dataset: name },
      runtime: { type: runtime, protocol: runtime === 'Triton' ? 'V2' : 'V1', ...(version && { version }) },
      deploymentMode: 'Standard',
      source: { storageUri },
      resources: { requests: { cpu: '50m', memory: memory === '512Mi' ? '256Mi' : memory }, limits: { cpu: '500m', memory } },
      scaling: { minReplicas: 1, maxReplicas: 1 },
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
