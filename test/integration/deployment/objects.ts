import { get, kubectl, list } from '../../support/cluster.ts';

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

export interface Deployed {
  readonly metadata: { readonly name: string; readonly uid: string; readonly generation: number; readonly resourceVersion: string };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly firstReadyTime?: string;
    readonly deploymentMode?: string;
    readonly conditions?: readonly Condition[];
    readonly lastError?: { readonly stage: string; readonly reason: string; readonly message: string };
    readonly addresses?: { readonly external?: { readonly url: string } };
  };
}

export interface Service {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly uid: string; readonly controller?: boolean }[];
  };
  readonly spec: { readonly predictor: Readonly<Record<string, unknown>> & { readonly model: Readonly<Record<string, unknown>> } };
}

/** A sound ModelDeployment, with what a test is about laid over its spec. */
export function aModel(name: string, namespace: string, spec: object = {}): object {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace },
    spec: { runtime: { type: 'SKLearn' }, deploymentMode: 'Standard', source: { storageUri: 'gs://bucket/iris' }, ...spec },
  };
}

export function conditionOf(deployed: Deployed, type: string): Condition | undefined {
  return deployed.status?.conditions?.find((condition) => condition.type === type);
}

/** Whether the operator has judged the latest spec, and the condition has this status and reason. */
export function says(type: string, status: string, reason?: string): (deployed: Deployed) => boolean {
  return (deployed) => {
    const condition = conditionOf(deployed, type);
    const current = deployed.status?.observedGeneration === deployed.metadata.generation;
    return current && condition?.status === status && (reason === undefined || condition.reason === reason);
  };
}

export function deployed(name: string, namespace: string): Promise<Deployed> {
  return get<Deployed>('modeldeployment', name, namespace);
}

export function serviceOf(name: string, namespace: string): Promise<Service> {
  return get<Service>('inferenceservice', name, namespace);
}

/** Who applied fields of an object: `modelwright Apply`. */
export async function managersOf(kind: string, name: string, namespace: string): Promise<string[]> {
  const output = await kubectl(['get', kind, name, '-n', namespace, '--show-managed-fields', '-o', 'json']);
  const { metadata } = JSON.parse(output) as { metadata: { managedFields: { manager: string; operation: string }[] } };
  return metadata.managedFields.map(({ manager, operation }) => `${manager} ${operation}`);
}

/** The service, or undefined where there is none. */
export async function serviceIfAny(name: string, namespace: string): Promise<Service | undefined> {
  return (await list<Service & { metadata: { name: string } }>('inferenceservice', namespace)).find(
    ({ metadata }) => metadata.name === name,
  );
}

export interface Told {
  readonly reason: string;
  readonly message: string;
  readonly type: string;
  readonly involvedObject: { readonly kind: string; readonly name: string };
}

/** Events about a ModelDeployment, as `kubectl get events` shows them. */
export async function eventsOf(name: string, namespace: string): Promise<Told[]> {
  return (await list<Told>('events', namespace)).filter(
    ({ involvedObject }) => involvedObject.kind === 'ModelDeployment' && involvedObject.name === name,
  );
}
