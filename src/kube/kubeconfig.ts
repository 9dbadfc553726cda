import { readFileSync } from 'node:fs';
import { readFile, realpath, rename, stat, writeFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { ClusterConfig, ClusterConfigOptions, Credentials } from './cluster-config.ts';
import { OidcSession, type OidcSettings, type OidcTokens } from './oidc.ts';

/**
 * A kubeconfig's cluster: contexts, client certificates, tokens, basic auth and exec plugins, as `@kubernetes/client-node` understands them; OIDC as kubectl
 * does. Files that it names are read anew with each call of `credentials`; `renew` reads the kubeconfig itself again and asks plugins afresh.
 */
export function kubeconfigClusterConfig(options: ClusterConfigOptions): ClusterConfig {
  let config = load(options);
  let oidc = oidcSession(config, options, undefined);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error(`the kubeconfig's context "${config.getCurrentContext()}" names no cluster; choose one with --context`);
  return {
    server: cluster.server.replace(/\/+$/, ''),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    ...(cluster.proxyUrl && { proxyUrl: cluster.proxyUrl }),
    async credentials(renew = false) {
      const before = oidc;
      if (renew) reload();
      try {
        return await credentialsOf(config, await oidc?.idToken(renew && oidc === before));
      } catch (error) {
        // Another program may have used our refresh token, and left a new one.
        const failed = oidc;
        if (failed !== undefined) reload();
        if (oidc === failed) throw error;
        return credentialsOf(config, await oidc?.idToken(false));
      }
    },
  };

  function reload(): void {
    config = load(options);
    oidc = oidcSession(config, options, oidc);
  }
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
  tellPlugin(config);
  return config;
}

interface ExecPlugin {
  readonly apiVersion?: string;
  readonly provideClusterInfo?: boolean;
  env?: readonly { readonly name: string; readonly value: string }[];
}

/** Gives an exec plugin what client-go tells it: by which version it is asked, that nobody can answer questions, and the cluster if it wants that. */
function tellPlugin(config: KubeConfig): void {
  const plugin = config.getCurrentUser()?.exec as ExecPlugin | undefined;
  if (plugin === undefined || plugin === null) return;
  const { server, tlsServerName, skipTLSVerify, caData, proxyUrl } = config.getCurrentCluster() ?? {};
  const cluster = {
    server,
    'tls-server-name': tlsServerName,
    'insecure-skip-tls-verify': skipTLSVerify,
    'certificate-authority-data': caData,
    'proxy-url': proxyUrl,
  };
  const spec = { interactive: false, ...(plugin.provideClusterInfo === true && { cluster }) };
  const value = JSON.stringify({ apiVersion: plugin.apiVersion, kind: 'ExecCredential', spec });
  plugin.env = [...(plugin.env ?? []), { name: 'KUBERNETES_EXEC_INFO', value }];
}

/** The session of the current user, where that logs in by OIDC: the one that there is, unless somebody has logged in anew. */
function oidcSession(config: KubeConfig, options: ClusterConfigOptions, held: OidcSession | undefined): OidcSession | undefined {
  const user = config.getCurrentUser();
  const provider = user?.authProvider as { readonly name?: string; readonly config?: Readonly<Record<string, string>> } | undefined;
  if (user === null || provider?.name !== 'oidc') return undefined;
  // Otherwise client-node would try, whose refresh fails with any provider (2.0.1).
  Object.assign(user, { authProvider: undefined });
  const settings: OidcSettings = provider.config ?? {};
  if (held?.covers(settings)) return held;
  const { 'idp-certificate-authority': file, 'idp-certificate-authority-data': data } = provider.config ?? {};
  const ca = file ? readFileSync(file, 'utf8') : data ? Buffer.from(data, 'base64').toString() : undefined;
  const { environment } = options;
  return new OidcSession(settings, {
    ...(ca !== undefined && { ca }),
    ...(environment !== undefined && { environment }),
    keep: (before, after) => keepTokens(filesOf(options), before, after),
  });
}

function filesOf({ kubeconfig }: ClusterConfigOptions): readonly string[] {
  if (kubeconfig !== undefined) return [kubeconfig];
  return process.env['KUBECONFIG'] ? process.env['KUBECONFIG'].split(delimiter).filter(Boolean) : [join(homedir(), '.kube', 'config')];
}

/** Puts new tokens in the place of the old ones, as kubectl does, and leaves the rest of the file as it is. A file that may not be written stays as it is. */
async function keepTokens(files: readonly string[], before: OidcTokens, after: OidcTokens): Promise<void> {
  for (const file of files) {
    try {
      const [path, text] = [await realpath(file), await readFile(file, 'utf8')];
      const replaced = [
        [before.idToken, after.idToken],
        [before.refreshToken, after.refreshToken],
      ].reduce((all, [old, next]) => (old && next ? all.replaceAll(old, next) : all), text);
      if (replaced === text) continue;
      const draft = `${path}.${process.pid}`;
      await writeFile(draft, replaced, { mode: (await stat(path)).mode });
      await rename(draft, path);
    } catch {
      // What was read is in memory; the next program has to log in.
    }
  }
}

async function credentialsOf(config: KubeConfig, idToken: string | undefined): Promise<Credentials> {
  const options: RequestOptions = { headers: {} };
  const cluster = config.getCurrentCluster();
  // client-node refuses plain HTTP unless verification is off; there is nothing to verify on it.
  if (cluster?.server.startsWith('http:')) Object.assign(cluster, { skipTLSVerify: true });
  await config.applyToHTTPSOptions(options);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value);
  if (idToken !== undefined) headers['authorization'] = `Bearer ${idToken}`;
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
