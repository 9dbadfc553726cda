/** A kind of our own on the real API server, and ways to reach it: directly, or through a proxy that records and disturbs. */
import { randomBytes } from 'node:crypto';
import type { KubeClient } from '../../../src/kube/client.ts';
import { type ClusterConfig, loadClusterConfig } from '../../../src/kube/cluster-config.ts';
import type { KubeObject, ResourceType } from '../../../src/kube/object.ts';
import { RestClient } from '../../../src/kube/rest-client.ts';
import type { TransportOptions } from '../../../src/kube/transport.ts';
import { FaultProxy } from '../../faults/proxy/fault-proxy.ts';
import { eventually, kubeconfig } from '../../support/cluster.ts';

export interface Widget extends KubeObject {
  readonly spec?: {
    readonly size?: number;
    readonly color?: string;
    readonly ports?: readonly { readonly port: number; readonly protocol?: string; readonly name?: string }[];
    readonly tags?: readonly string[];
    readonly selector?: Readonly<Record<string, string>>;
    readonly resources?: { readonly limits?: Readonly<Record<string, string>> };
    readonly anything?: unknown;
  };
  readonly status?: { readonly ready?: boolean; readonly observedGeneration?: number };
}

interface Definition extends KubeObject {
  readonly spec: object;
}

const definitions: ResourceType<Definition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

export async function clusterConfig(): Promise<ClusterConfig> {
  return loadClusterConfig({ kubeconfig: kubeconfig() });
}

/** A client that speaks to the API server itself. */
export async function direct(options: TransportOptions = {}): Promise<KubeClient & AsyncDisposable> {
  return disposable(new RestClient(await clusterConfig(), options));
}

/** A client of a user who is a member of nothing but what RBAC says. */
export async function impersonating(user: string): Promise<KubeClient & AsyncDisposable> {
  const config = await clusterConfig();
  const credentials = async () => {
    const { headers, tls } = await config.credentials();
    return { headers: { ...headers, 'impersonate-user': user }, tls };
  };
  return disposable(new RestClient({ ...config, credentials }));
}

/** A client behind a proxy of its own. */
export async function behindProxy(
  options: TransportOptions = {},
): Promise<{ readonly client: KubeClient; readonly unguarded: KubeClient; readonly proxy: FaultProxy } & AsyncDisposable> {
  const { server, namespace, credentials } = await clusterConfig();
  const proxy = await FaultProxy.start({ server, ...(await credentials()) });
  const config = { server: proxy.url, namespace, credentials: async () => ({ headers: {}, tls: {} }) };
  const client = new RestClient(config, options);
  const unguarded = new RestClient(config);
  return {
    client,
    unguarded,
    proxy,
    async [Symbol.asyncDispose]() {
      await Promise.all([client.close(), unguarded.close()]);
      await proxy.close();
    },
  };
}

/** A type that is not served before `install`, in a group that nobody else uses. */
export function widgetType(): ResourceType<Widget> {
  return { group: `g${randomBytes(4).toString('hex')}.kube.test`, version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true };
}

/** Installs the definition and waits until the API server serves it; `remove` takes it away again, with all of its objects. */
export async function install(client: KubeClient, type: ResourceType<Widget>): Promise<{ remove(): Promise<void> } & AsyncDisposable> {
  const name = `${type.plural}.${type.group}`;
  const string = { type: 'string' };
  const strings = { type: 'object', additionalProperties: string };
  const port = {
    type: 'object',
    required: ['port'],
    properties: { port: { type: 'integer' }, protocol: { ...string, default: 'TCP' }, name: string },
  };
  const spec = {
    type: 'object',
    properties: {
      size: { type: 'integer', minimum: 0 },
      color: string,
      ports: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['port', 'protocol'], items: port },
      tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: string },
      selector: { ...strings, 'x-kubernetes-map-type': 'atomic' },
      resources: { type: 'object', properties: { limits: strings } },
      anything: { 'x-kubernetes-preserve-unknown-fields': true },
    },
  };
  const status = { type: 'object', properties: { ready: { type: 'boolean' }, observedGeneration: { type: 'integer' } } };
  await client.create(definitions, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: {
      group: type.group,
      scope: 'Namespaced',
      names: { kind: type.kind, plural: type.plural, singular: 'widget' },
      versions: [
        {
          name: type.version,
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: 'object', properties: { spec, status } } },
        },
      ],
    },
  });
  await eventually(
    () => client.list(type).then(() => 'served', String),
    (answer) => answer === 'served',
  );
  const remove = () => client.delete(definitions, { name });
  return { remove, [Symbol.asyncDispose]: () => remove().catch(() => {}) };
}

export function aWidget(type: ResourceType<Widget>, namespace: string, name: string, spec: NonNullable<Widget['spec']> = {}): Widget {
  return { apiVersion: `${type.group}/${type.version}`, kind: type.kind, metadata: { name, namespace }, spec };
}

function disposable(client: KubeClient): KubeClient & AsyncDisposable {
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}
