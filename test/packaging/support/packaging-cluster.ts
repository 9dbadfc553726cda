/** A control plane with the Job controller, the operator, Azurite, and an InferenceService CRD without KServe behind it. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { installInferenceServices } from '../../integration/deployment/light-kserve.ts';
import { OperatorProcess } from '../../integration/deployment/operator-process.ts';
import { ownPlane } from '../../integration/platform/own-plane.ts';
import { apply, eventually, freshNamespace, get, kubectl, list } from '../../support/cluster.ts';
import { type Azure, account, startAzure } from './azure.ts';

export const systemNamespace = 'modelwright-system';
export const image = 'registry.example.com/modelwright:test';

const root = resolve(import.meta.dirname, '../../..');

export interface PackagedDeployment {
  readonly metadata: { readonly name: string; readonly uid: string; readonly generation: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[];
    readonly package?: {
      readonly storageUri: string;
      readonly sha256: string;
      readonly sizeBytes: number;
      readonly files: number;
      readonly layout: string;
      readonly repository?: string;
      readonly former?: readonly { readonly sha256: string; readonly secretName?: string }[];
      readonly access?: { readonly secretName: string; readonly scope: string; readonly expirationTime: string };
    };
  };
}

export interface Job {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly suspend?: boolean; readonly activeDeadlineSeconds?: number; readonly template: { readonly spec: object } };
}

export class PackagingCluster implements AsyncDisposable {
  readonly azure: Azure;
  readonly plane: ControlPlane;
  /** Two namespaces: the second may use only what is open to all. */
  readonly namespace: string;
  readonly other: string;
  /** What its volumes stand for. */
  readonly work: string;
  operator: OperatorProcess;

  private constructor(parts: Pick<PackagingCluster, 'azure' | 'plane' | 'namespace' | 'other' | 'work' | 'operator'>) {
    this.azure = parts.azure;
    this.plane = parts.plane;
    this.namespace = parts.namespace;
    this.other = parts.other;
    this.work = parts.work;
    this.operator = parts.operator;
  }

  static async start(name: string): Promise<PackagingCluster> {
    const azure = await startAzure({ tls: true });
    await azure.container('models').create();
    // Whoever is started from here sees the names of the accounts.
    const { NODE_OPTIONS, NODE_EXTRA_CA_CERTS, MODELWRIGHT_TEST_ADDRESS } = azure.environment();
    const plane = await ownPlane(name, { nodes: 'fake' });
    await installInferenceServices();
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: systemNamespace } });
    await kubectl(['apply', '--server-side', '-f', join(root, 'manifests/operator/repositories.yaml')]);
    await apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'models-account', namespace: systemNamespace },
      stringData: { AZURE_STORAGE_ACCESS_KEY: azure.key },
    });
    Object.assign(process.env, { NODE_OPTIONS, NODE_EXTRA_CA_CERTS, MODELWRIGHT_TEST_ADDRESS });
    const [namespace, other] = [(await freshNamespace('team-a')).name, (await freshNamespace('team-b')).name];
    const operator = await startOperator([namespace, other]);
    const work = await mkdtemp(join(tmpdir(), 'modelwright-volumes-'));
    return new PackagingCluster({ azure, plane, namespace, other, work, operator });
  }

  /** Ends the operator as a failing node would, and starts another one. */
  async killOperator(): Promise<void> {
    this.operator.kill('SIGKILL');
    await this.operator[Symbol.asyncDispose]();
  }

  async startOperator(): Promise<void> {
    this.operator = await startOperator([this.namespace, this.other]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.operator[Symbol.asyncDispose]();
    await this.plane.stop();
    await this.azure[Symbol.asyncDispose]();
  }
}

function startOperator(namespaces: readonly string[]): Promise<OperatorProcess> {
  return OperatorProcess.start(namespaces, ['--image', image, '--system-namespace', systemNamespace, '--log-level', 'debug']);
}

/** A repository in Azurite for namespaces with these labels. */
export function repository(name: string, allowedNamespaces: object, over: object = {}, azureBlob: object = {}): object {
  return {
    name,
    azureBlob: {
      account,
      container: 'models',
      prefix: `packages/${name}`,
      credentials: { secretRef: { name: 'models-account' } },
      ...azureBlob,
    },
    allowedNamespaces,
    ...over,
  };
}

/**
 * Declares the ServingPlatform. The Jobs ask for more CPU than any of the fake nodes has, so that nobody but the tests' own kubelet plays
 * their Pods.
 */
export async function declarePlatform(spec: object): Promise<void> {
  const resources = { requests: { cpu: '500' }, limits: { cpu: '500', memory: '512Mi' } };
  await apply({
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ServingPlatform',
    metadata: { name: 'default' },
    spec: { packaging: { deadlineSeconds: 600, resources }, ...spec },
  });
}

export async function deploy(name: string, namespace: string, source: object, spec: object = {}): Promise<void> {
  await apply({
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace },
    spec: { runtime: { type: 'SKLearn' }, deploymentMode: 'Standard', source, ...spec },
  });
}

export function deployedWhere(
  name: string,
  namespace: string,
  wanted: (deployment: PackagedDeployment) => boolean,
  seconds = 90,
): Promise<PackagedDeployment> {
  return eventually(() => get<PackagedDeployment>('modeldeployments.modelwright.dev', name, namespace), wanted, seconds);
}

/** Whether the operator has judged the latest spec, and Packaged has this status and reason. */
export function packaged(status: string, reason?: string): (deployment: PackagedDeployment) => boolean {
  return ({ metadata, status: seen }) => {
    const condition = conditionOf(seen, 'Packaged');
    return (
      seen?.observedGeneration === metadata.generation &&
      condition?.status === status &&
      (reason === undefined || condition.reason === reason)
    );
  };
}

export function conditionOf(status: PackagedDeployment['status'], type: string) {
  return status?.conditions?.find((condition) => condition.type === type);
}

export async function jobsOf(name: string, namespace: string): Promise<Job[]> {
  return (await list<Job>('jobs', namespace)).filter(({ metadata }) => metadata.labels?.['modelwright.dev/packaging'] === name);
}
