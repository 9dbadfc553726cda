import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';

/** What TLS needs to know of the API server and of us; PEM text. */
export interface TlsIdentity {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface Credentials {
  /** Sent with each request, for example `authorization`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsIdentity;
}

/** Where a cluster is and how to prove who we are, whatever the source of that knowledge. */
export interface ClusterConfig {
  /** URL of the API server, without a trailing slash; may have a path. */
  readonly server: string;
  readonly namespace: string;
  /** A proxy that the kubeconfig asks for; it wins over the environment's. */
  readonly proxyUrl?: string;
  /** The credentials of this moment: files and plugins are asked again. `renew`: the last ones were refused, trust no cache. */
  credentials(renew?: boolean): Promise<Credentials>;
}

export interface ClusterConfigOptions {
  /** A kubeconfig file. @default `KUBECONFIG`, else the pod's service account, else `~/.kube/config` */
  readonly kubeconfig?: string;
  /** A context of the kubeconfig. @default its current context */
  readonly context?: string;
  /** @default `process.env` */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Finds the cluster as other Kubernetes programs do. Throws with the remedy when there is none. */
export async function loadClusterConfig(options: ClusterConfigOptions = {}): Promise<ClusterConfig> {
  const environment = options.environment ?? process.env;
  const chosen = options.kubeconfig !== undefined || options.context !== undefined || Boolean(environment['KUBECONFIG']);
  if (!chosen && environment['KUBERNETES_SERVICE_HOST']) return podClusterConfig(environment);
  // Loaded on demand: a pod never needs it, and it takes 17 MB of memory (bundled, Node 24).
  const { kubeconfigClusterConfig } = await import('./kubeconfig.ts');
  return kubeconfigClusterConfig(options);
}

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The cluster that this pod runs in. Token and CA are read anew each time, since the kubelet rotates both. */
export async function podClusterConfig(
  environment: Readonly<Record<string, string | undefined>>,
  folder = serviceAccountFolder,
): Promise<ClusterConfig> {
  const host = environment['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  const read = async (file: string) => (await readFile(join(folder, file), 'utf8')).trim();
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace: await read('namespace').catch(() => 'default'),
    async credentials() {
      // In order, so that of two missing files it is always the same that is told of.
      const token = await read('token');
      const ca = await read('ca.crt');
      return { headers: { authorization: `Bearer ${token}` }, tls: { ca } };
    },
  };
}
