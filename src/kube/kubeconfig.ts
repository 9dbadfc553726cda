import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { ClusterConfig, ClusterConfigOptions, Credentials } from './cluster-config.ts';

/**
 * A kubeconfig's cluster: contexts, client certificates, tokens, basic auth, exec and OIDC plugins, as `@kubernetes/client-node` understands them.
 * Files that it names are read anew with each call of `credentials`; `renew` reads the kubeconfig itself again and asks plugins afresh.
 */
export function kubeconfigClusterConfig(options: ClusterConfigOptions): ClusterConfig {
  let config = load(options);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error(`the kubeconfig's context "${config.getCurrentContext()}" names no cluster; choose one with --context`);
  return {
    server: cluster.server.replace(/\/+$/, ''),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    ...(cluster.proxyUrl && { proxyUrl: cluster.proxyUrl }),
    async credentials(renew = false) {
      if (renew) config = load(options);
      return credentialsOf(config);
    },
  };
}

function load(options: ClusterConfigOptions): KubeConfig {
  const config = new KubeConfig();
  if (options.kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(options.kubeconfig);
  if (options.context !== undefined) {
    if (config.getContextObject(options.context) === null) {
      const known = config.getContexts().map((context) => context.name);
      throw new Error(`the kubeconfig has no context "${options.context}"; it has ${known.join(', ') || 'none'}`);
    }
    config.setCurrentContext(options.context);
  }
  return config;
}

async function credentialsOf(config: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = { headers: {} };
  const cluster = config.getCurrentCluster();
  // client-node refuses plain HTTP unless verification is off; there is nothing to verify on it.
  if (cluster?.server.startsWith('http:')) Object.assign(cluster, { skipTLSVerify: true });
  await config.applyToHTTPSOptions(options);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value);
  if (options.auth) headers['authorization'] ??= `Basic ${Buffer.from(options.auth).toString('base64')}`;
  const [ca, cert, key] = [options.ca, options.cert, options.key].map(pem);
  return {
    headers,
    tls: {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(options.servername !== undefined && { servername: options.servername }),
      ...(options.rejectUnauthorized !== undefined && { rejectUnauthorized: options.rejectUnauthorized }),
    },
  };
}

function pem(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : String(value);
}
