/**
 * Knative Serving as processes: webhook, controller, autoscaler, and a stand-in for the ingress implementation.
 * CRDs, ConfigMaps and webhooks are those of its own modules. Everything but the ingress is Knative's code; see
 * `modules/knative` for what the controller's and the autoscaler's programs leave out.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { cachedFiles } from '../cache.ts';
import { KNATIVE } from '../catalog.ts';
import type { Cluster } from '../cluster.ts';
import type { PortName } from '../ports.ts';
import { listens, until } from '../probe.ts';
import { INGRESS_CLASS } from './knative-ingress-class.ts';

const NAMESPACE = 'knative-serving';

interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  data?: Record<string, string>;
  webhooks?: { clientConfig: { service: { port?: number }; caBundle?: string } }[];
}

/** Returns when the webhooks serve, and the controller and the autoscaler run. */
export async function startKnative(cluster: Cluster): Promise<void> {
  const serving = cachedFiles(KNATIVE, 'knative.dev/serving');
  const networking = cachedFiles(KNATIVE, 'knative.dev/networking');
  const definitions = [
    ...yamlIn(join(serving, 'config/core/300-resources')),
    ...['certificate', 'domain-claim', 'ingress', 'serverlessservice'].map((name) => join(networking, `config/${name}.yaml`)),
    join(cachedFiles(KNATIVE, 'knative.dev/caching'), 'config/image.yaml'),
  ];
  await cluster.applyFiles(definitions);
  await cluster.untilEstablished(definitions.flatMap((file) => objectsIn(file).map(({ metadata }) => metadata.name)));
  const configMaps = [...yamlIn(join(serving, 'config/core/configmaps')), join(networking, 'config/config-network.yaml')];
  await cluster.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    ...configMaps.flatMap(objectsIn).map(configured),
    ...activator(),
    // kube-apiserver resolves such a Service by name, which needs no kube-proxy.
    { apiVersion: 'v1', kind: 'Service', metadata: inNamespace('webhook'), spec: { type: 'ExternalName', externalName: 'localhost' } },
  ]);
  await startWebhook(cluster, join(serving, 'config/core/webhooks'));
  await Promise.all([startProgram(cluster, 'knative-controller'), startProgram(cluster, 'knative-autoscaler'), startIngress(cluster)]);
}

function inNamespace(name: string): { readonly name: string; readonly namespace: string } {
  return { name, namespace: NAMESPACE };
}

/** What an installation has to fill in; all else stays at Knative's defaults. */
function configured(object: KubernetesObject): KubernetesObject {
  const { name } = object.metadata;
  const data = { ...object.data };
  if (name === 'config-deployment') data['queue-sidecar-image'] = 'gcr.io/knative-releases/knative.dev/serving/cmd/queue:v1.23.0';
  // Without a domain of its own every route is visible inside the cluster only.
  if (name === 'config-domain') data['example.com'] = '';
  if (name === 'config-network') data['ingress-class'] = INGRESS_CLASS;
  return { ...object, data };
}

/** Routes need the activator's endpoints to exist. No request ever goes there. */
function activator(): object[] {
  const ports = [
    { name: 'http', port: 8012 },
    { name: 'http2', port: 8013 },
  ];
  return [
    { apiVersion: 'v1', kind: 'Service', metadata: inNamespace('activator-service'), spec: { clusterIP: 'None', ports } },
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: inNamespace('activator-service'),
      subsets: [{ addresses: [{ ip: '10.200.255.1' }], ports }],
    },
  ];
}

/** The configurations come before the process, which looks for them; it fills in its own authority and rules. */
async function startWebhook(cluster: Cluster, folder: string): Promise<void> {
  const port = cluster.ports['knative-webhook'];
  const objects = yamlIn(folder).flatMap(objectsIn);
  for (const { clientConfig } of objects.flatMap(({ webhooks = [] }) => webhooks)) clientConfig.service.port = port;
  await cluster.apply(objects);
  await startProgram(cluster, 'knative-webhook', { WEBHOOK_NAME: 'webhook', WEBHOOK_PORT: String(port) }, ['--disable-ha']);
  const kinds = 'mutatingwebhookconfigurations,validatingwebhookconfigurations';
  await until(
    async () => {
      const { items } = JSON.parse(await cluster.kubectl(['get', kinds, '-o', 'json'])) as { items: KubernetesObject[] };
      const knative = items.filter(({ metadata }) => metadata.name.endsWith('webhook.serving.knative.dev'));
      const served = knative.flatMap(({ webhooks = [] }) => webhooks).every(({ clientConfig }) => clientConfig.caBundle);
      return served && (await listens(port));
    },
    { seconds: 60, problem: () => 'Knative’s webhook has not put its authority into its configurations' },
  );
}

async function startProgram(
  cluster: Cluster,
  name: 'knative-controller' | 'knative-webhook' | 'knative-autoscaler',
  env: Record<string, string> = {},
  args: readonly string[] = [],
): Promise<void> {
  const profiling = cluster.ports[`${name}-profiling` satisfies PortName];
  const spec = {
    name,
    command: cluster.binary(name),
    args,
    env: {
      KUBECONFIG: cluster.kubeconfigFor(name),
      SYSTEM_NAMESPACE: NAMESPACE,
      POD_NAME: name,
      CONFIG_LOGGING_NAME: 'config-logging',
      CONFIG_OBSERVABILITY_NAME: 'config-observability',
      METRICS_PROMETHEUS_PORT: String(cluster.ports[`${name}-metrics` satisfies PortName]),
      PROFILING_PORT: String(profiling),
      ...env,
    },
  };
  await cluster.run(spec, () => listens(profiling));
}

async function startIngress(cluster: Cluster): Promise<void> {
  await cluster.supervisor.start({
    name: 'knative-ingress',
    command: process.execPath,
    args: [join(import.meta.dirname, 'knative-ingress.ts'), cluster.kubeconfigFor('knative-ingress')],
  });
}

function yamlIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => join(folder, name));
}

function objectsIn(file: string): KubernetesObject[] {
  return (loadAll(readFileSync(file, 'utf8')) as (KubernetesObject | null)[]).filter((object) => object !== null);
}
