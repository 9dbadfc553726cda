/** KServe's manager as a process, with its CRDs, webhooks, ConfigMap and runtimes from its own module. */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { cachedFiles } from '../cache.ts';
import { kserve, managerOf } from '../catalog.ts';
import type { Cluster } from '../cluster.ts';
import { FIXED_WEBHOOK_PORT, KSERVE_MODULE, KSERVE_RELEASES, type KServeRelease, type KServeVersion } from '../kserve-releases.ts';
import { answers, listens } from '../probe.ts';

const NAMESPACE = 'kserve';

interface WebhookConfiguration {
  readonly kind: string;
  webhooks?: { clientConfig: { service?: { path?: string }; url?: string; caBundle?: string }; admissionReviewVersions: string[] }[];
}

/** Starts the manager of `version`; returns when its webhooks serve and its runtimes are there. */
export async function startKServe(cluster: Cluster, version: KServeVersion): Promise<void> {
  const release = KSERVE_RELEASES[version];
  const files = cachedFiles(kserve(version), KSERVE_MODULE);
  const webhookPort = release.flags.includes('webhook-port') ? cluster.ports['kserve-webhook'] : FIXED_WEBHOOK_PORT;
  await requireFree(webhookPort, version);
  await Promise.all([applyDefinitions(cluster, join(files, release.folders[0])), applySettings(cluster, files, version)]);
  await runManager(cluster, version, webhookPort);
  await cluster.apply(webhooks(join(files, 'config/webhook/manifests.yaml'), release, webhookPort, cluster.pki.ca));
  await Promise.all(
    release.kustomizations.map(async (folder) => {
      const yaml = await cluster.kubectl(['kustomize', join(files, folder)]);
      await cluster.kubectl(['apply', '--server-side', '-f', '-'], withImages(yaml, version));
    }),
  );
}

/** Names the files one by one: the folders hold kustomizations, which `kubectl apply -f` refuses. */
async function applyDefinitions(cluster: Cluster, folder: string): Promise<void> {
  const files = globSync(['serving.kserve.io_*.yaml', 'clusterstoragecontainer/*_*.yaml'], { cwd: folder }).sort();
  await cluster.applyFiles(files.map((file) => join(folder, file)));
  const names = files.map((file) => {
    const { metadata } = load(readFileSync(join(folder, file), 'utf8')) as { metadata: { name: string } };
    return metadata.name;
  });
  await cluster.untilEstablished(names);
}

async function applySettings(cluster: Cluster, files: string, version: KServeVersion): Promise<void> {
  const text = readFileSync(join(files, 'config/configmap/inferenceservice.yaml'), 'utf8');
  const config = load(withImages(text, version)) as { metadata: Record<string, unknown>; data: Record<string, string> };
  config.metadata['namespace'] = NAMESPACE;
  config.data['deploy'] = changed(config.data['deploy'], { defaultDeploymentMode: KSERVE_RELEASES[version].defaultDeploymentMode });
  config.data['ingress'] = changed(config.data['ingress'], { disableIstioVirtualHost: true });
  await cluster.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }, config]);
}

function changed(json: string | undefined, fields: object): string {
  return JSON.stringify({ ...(JSON.parse(json ?? '{}') as object), ...fields }, null, 2);
}

/** What a release's own packaging fills in: its images by its version, and the gateway's name. */
export function withImages(text: string, version: KServeVersion): string {
  return text
    .replace(/\b(kserve\/[a-z-]+):latest\b/g, `$1:v${version}`)
    .replaceAll('$(ingressGateway)', 'knative-serving/knative-ingress-gateway');
}

/** The module's webhook configurations with addresses on this machine instead of a Service. */
export function webhooks(manifests: string, release: KServeRelease, port: number, ca: string): WebhookConfiguration[] {
  const configurations = (loadAll(readFileSync(manifests, 'utf8')) as WebhookConfiguration[]).filter(Boolean);
  for (const webhook of configurations.flatMap((configuration) => configuration.webhooks ?? [])) {
    const { path = '/' } = webhook.clientConfig.service ?? {};
    webhook.clientConfig = { url: `https://127.0.0.1:${port}${path}`, caBundle: Buffer.from(ca).toString('base64') };
    webhook.admissionReviewVersions = [release.reviewVersion];
  }
  return configurations;
}

async function runManager(cluster: Cluster, version: KServeVersion, webhookPort: number): Promise<void> {
  const { flags } = KSERVE_RELEASES[version];
  const temporary = join(cluster.layout.work, 'kserve');
  // controller-runtime looks for its certificate here; the manager has no flag for it.
  const certificates = join(temporary, 'k8s-webhook-server', 'serving-certs');
  mkdirSync(certificates, { recursive: true });
  const serving = cluster.pki.issue({ commonName: 'kserve-webhook-server', hosts: ['127.0.0.1', 'localhost'] });
  writeFileSync(join(certificates, 'tls.crt'), serving.cert);
  writeFileSync(join(certificates, 'tls.key'), serving.key, { mode: 0o600 });
  const health = `127.0.0.1:${cluster.ports['kserve-health']}`;
  const spec = {
    name: 'kserve-manager',
    command: cluster.binary(managerOf(version)),
    args: [
      `--metrics-addr=127.0.0.1:${cluster.ports['kserve-metrics']}`,
      ...(flags.includes('health-probe-addr') ? [`--health-probe-addr=${health}`] : []),
      ...(flags.includes('webhook-port') ? [`--webhook-port=${webhookPort}`] : []),
    ],
    env: {
      TMPDIR: temporary,
      KUBECONFIG: cluster.kubeconfigFor('kserve-manager'),
      POD_NAMESPACE: NAMESPACE,
      KNATIVE_CONFIG_AUTOSCALER_NAMESPACE: 'knative-serving',
    },
  };
  const healthy = () => (flags.includes('health-probe-addr') ? answers(`http://${health}/readyz`) : listens(webhookPort));
  await cluster.run(spec, async () => (await healthy()) && (await listens(webhookPort)));
}

async function requireFree(port: number, version: KServeVersion): Promise<void> {
  if (port !== FIXED_WEBHOOK_PORT || !(await listens(port))) return;
  throw new Error(
    `KServe ${version} serves its webhooks on port ${port} and on no other, and something else listens there: end that first`,
  );
}
