import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { createAuthority, issue } from '../../hack/controlplane/x509.ts';
import { loadClusterConfig, podClusterConfig } from './cluster-config.ts';

async function folder(files: Readonly<Record<string, string>>) {
  const path = await mkdtemp(join(tmpdir(), 'cluster-config-'));
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  return { path, file: (name: string) => join(path, name), [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const kubeconfig = (user: object, cluster: object = {}) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'one',
    clusters: [
      { name: 'c1', cluster: { server: 'https://one.example.com:6443/', ...cluster } },
      { name: 'c2', cluster: { server: 'https://two.example.com' } },
    ],
    users: [
      { name: 'u1', user },
      { name: 'u2', user: { token: 'two' } },
    ],
    contexts: [
      { name: 'one', context: { cluster: 'c1', user: 'u1', namespace: 'team' } },
      { name: 'two', context: { cluster: 'c2', user: 'u2' } },
    ],
  });

describe('in a pod', () => {
  const files = { token: 'first\n', 'ca.crt': 'CA', namespace: 'modelwright-system' };

  it('server, namespace, CA and token come from the service account', async () => {
    await using mount = await folder(files);
    const config = await podClusterConfig({ KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' }, mount.path);
    assert.equal(config.server, 'https://10.96.0.1:443');
    assert.equal(config.namespace, 'modelwright-system');
    assert.deepEqual(await config.credentials(), { headers: { authorization: 'Bearer first' }, tls: { ca: 'CA' } });
  });

  it('a rotated token is read anew', async () => {
    await using mount = await folder(files);
    const config = await podClusterConfig({ KUBERNETES_SERVICE_HOST: '10.96.0.1' }, mount.path);
    await config.credentials();
    await writeFile(mount.file('token'), 'second');
    assert.deepEqual((await config.credentials()).headers, { authorization: 'Bearer second' });
  });

  it('an IPv6 address gets its brackets', async () => {
    await using mount = await folder(files);
    const config = await podClusterConfig({ KUBERNETES_SERVICE_HOST: 'fd00::1' }, mount.path);
    assert.equal(config.server, 'https://[fd00::1]:443');
  });

  it('without a token says which file is missing', async () => {
    await using mount = await folder({});
    const config = await podClusterConfig({ KUBERNETES_SERVICE_HOST: '10.96.0.1' }, mount.path);
    assert.equal(config.namespace, 'default');
    await assert.rejects(config.credentials(), /token/);
  });
});

describe('a kubeconfig', () => {
  it('gives server, namespace and token of its current context', async () => {
    await using home = await folder({ config: kubeconfig({ token: 'one' }) });
    const config = await loadClusterConfig({ kubeconfig: home.file('config') });
    assert.equal(config.server, 'https://one.example.com:6443');
    assert.equal(config.namespace, 'team');
    assert.deepEqual((await config.credentials()).headers, { authorization: 'Bearer one' });
  });

  it('gives those of another context when asked', async () => {
    await using home = await folder({ config: kubeconfig({}) });
    const config = await loadClusterConfig({ kubeconfig: home.file('config'), context: 'two' });
    assert.equal(config.server, 'https://two.example.com');
    assert.equal(config.namespace, 'default');
  });

  it('without the context that was asked for names those it has', async () => {
    await using home = await folder({ config: kubeconfig({}) });
    await assert.rejects(loadClusterConfig({ kubeconfig: home.file('config'), context: 'three' }), /no context "three"; it has one, two/);
  });

  it('gives client certificates, and new ones after their files changed', async () => {
    await using home = await folder({ 'tls.crt': 'CERT 1', 'tls.key': 'KEY 1', 'ca.crt': 'CA' });
    const user = { 'client-certificate': 'tls.crt', 'client-key': 'tls.key' };
    await writeFile(home.file('config'), kubeconfig(user, { 'certificate-authority': 'ca.crt', 'tls-server-name': 'apiserver' }));
    const config = await loadClusterConfig({ kubeconfig: home.file('config') });
    assert.deepEqual((await config.credentials()).tls, { ca: 'CA', cert: 'CERT 1', key: 'KEY 1', servername: 'apiserver' });
    await writeFile(home.file('tls.crt'), 'CERT 2');
    assert.equal((await config.credentials()).tls.cert, 'CERT 2');
  });

  it('gives data from within, basic authentication, and no verification where it says so', async () => {
    const encoded = (text: string) => Buffer.from(text).toString('base64');
    await using home = await folder({
      config: kubeconfig(
        { username: 'me', password: 'secret' },
        { 'certificate-authority-data': encoded('CA'), 'insecure-skip-tls-verify': true },
      ),
    });
    const { headers, tls } = await (await loadClusterConfig({ kubeconfig: home.file('config') })).credentials();
    assert.deepEqual(headers, { authorization: `Basic ${encoded('me:secret')}` });
    assert.deepEqual(tls, { ca: 'CA', rejectUnauthorized: false });
  });

  it('asks an exec plugin, once while its token lasts, and again when that was refused', async () => {
    await using home = await folder({ count: '0' });
    const script = `const { readFileSync, writeFileSync } = require('fs'); const n = Number(readFileSync(${JSON.stringify(home.file('count'))}, 'utf8')) + 1; writeFileSync(${JSON.stringify(home.file('count'))}, String(n)); console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'token-' + n } }))`;
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', script],
      interactiveMode: 'Never',
    };
    await writeFile(home.file('config'), kubeconfig({ exec }));
    const config = await loadClusterConfig({ kubeconfig: home.file('config') });
    const token = async (renew?: boolean) => (await config.credentials(renew)).headers['authorization'];
    assert.equal(await token(), 'Bearer token-1');
    assert.equal(await token(), 'Bearer token-1');
    assert.equal(await token(true), 'Bearer token-2');
  });

  it('tells an exec plugin by which version it is asked, and of the cluster where it wants to know', async () => {
    await using home = await folder({});
    const script =
      "console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: Buffer.from(process.env.KUBERNETES_EXEC_INFO).toString('base64') } }))";
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', script],
      provideClusterInfo: true,
    };
    await writeFile(home.file('config'), kubeconfig({ exec }, { 'tls-server-name': 'apiserver' }));
    const { headers } = await (await loadClusterConfig({ kubeconfig: home.file('config') })).credentials();
    const told = JSON.parse(Buffer.from((headers['authorization'] ?? '').slice('Bearer '.length), 'base64').toString());
    assert.deepEqual(told, {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: {
        interactive: false,
        cluster: { server: 'https://one.example.com:6443', 'tls-server-name': 'apiserver', 'insecure-skip-tls-verify': false },
      },
    });
  });

  it('asks an OIDC provider for a new token when the old one has ended, and not before', async () => {
    await using provider = await identityProvider();
    const config = {
      ...loginOf(provider),
      'id-token': provider.token(-60),
    };
    await using home = await folder({ config: `# mine\n${kubeconfig({ 'auth-provider': { name: 'oidc', config } })}` });
    const cluster = await loadClusterConfig({ kubeconfig: home.file('config') });
    const header = async (renew = false) => (await cluster.credentials(renew)).headers['authorization'];
    const first = await header();
    assert.equal(first, `Bearer ${provider.issued[0]}`);
    assert.equal(await header(), first);
    assert.deepEqual(provider.refreshed, ['refresh-0']);
    // Refused by the API server, however long it would last; the provider takes each refresh token once.
    assert.equal(await header(true), `Bearer ${provider.issued[1]}`);
    assert.deepEqual(provider.refreshed, ['refresh-0', 'refresh-1']);
    // The next program finds the new tokens, and everything else as it was.
    const kept = await readFile(home.file('config'), 'utf8');
    assert.match(kept, /^# mine\n/);
    assert.ok(kept.includes('refresh-2') && kept.includes(provider.issued[1] ?? '-'));
    const next = await loadClusterConfig({ kubeconfig: home.file('config') });
    assert.deepEqual((await next.credentials()).headers, { authorization: `Bearer ${provider.issued[1]}` });
    assert.equal(provider.refreshed.length, 2);
  });

  it('finds the OIDC token that another program has got for the refresh token that both had', async () => {
    await using provider = await identityProvider();
    const config = loginOf(provider);
    await using home = await folder({
      config: kubeconfig({ 'auth-provider': { name: 'oidc', config: { ...config, 'id-token': provider.token(-60) } } }),
    });
    const load = () => loadClusterConfig({ kubeconfig: home.file('config') });
    const [one, other] = [await load(), await load()];
    const headers = [(await one.credentials()).headers, (await other.credentials()).headers];
    assert.deepEqual(headers[0], { authorization: `Bearer ${provider.issued[0]}` });
    assert.deepEqual(headers[1], headers[0]);
    assert.deepEqual(provider.refreshed, ['refresh-0']);
  });

  it('takes over from a login that somebody made meanwhile', async () => {
    const fresh = jwt({ exp: Math.floor(Date.now() / 1000) + 600, jti: 'fresh' });
    const oidc = (tokens: object) => kubeconfig({ 'auth-provider': { name: 'oidc', config: tokens } });
    const old = jwt({ exp: Math.floor(Date.now() / 1000) + 600 });
    await using home = await folder({ config: oidc({ 'id-token': old, 'refresh-token': 'a' }) });
    const cluster = await loadClusterConfig({ kubeconfig: home.file('config') });
    await cluster.credentials();
    await writeFile(home.file('config'), oidc({ 'id-token': fresh, 'refresh-token': 'b' }));
    assert.deepEqual((await cluster.credentials(true)).headers, { authorization: `Bearer ${fresh}` });
  });

  it('says what to do about an OIDC login that has ended, and no token', async () => {
    await using provider = await identityProvider();
    provider.refuses = true;
    const config = {
      'idp-issuer-url': provider.url,
      'idp-certificate-authority-data': Buffer.from(provider.authority).toString('base64'),
      'client-id': 'modelwright',
      'client-secret': 'canary-secret',
      'refresh-token': 'canary-refresh',
    };
    await using home = await folder({
      ended: kubeconfig({ 'auth-provider': { name: 'oidc', config } }),
      bare: kubeconfig({ 'auth-provider': { name: 'oidc', config: { 'id-token': provider.token(-60) } } }),
    });
    const failure = async (file: string) => {
      const cluster = await loadClusterConfig({ kubeconfig: home.file(file) });
      return cluster.credentials().then(() => 'no failure', String);
    };
    assert.match(await failure('ended'), /answered 400 at https:.*\/token: invalid_grant; log in again/);
    assert.doesNotMatch(await failure('ended'), /canary/);
    assert.match(await failure('bare'), /has ended.*log in again/);
    const basic = `Basic ${Buffer.from('modelwright:canary-secret').toString('base64')}`;
    assert.deepEqual(provider.authorizations, [basic, basic]);
  });

  it('uses an OIDC token that has not ended without asking anybody', async () => {
    const token = jwt({ exp: Math.floor(Date.now() / 1000) + 600 });
    await using home = await folder({ config: kubeconfig({ 'auth-provider': { name: 'oidc', config: { 'id-token': token } } }) });
    const cluster = await loadClusterConfig({ kubeconfig: home.file('config') });
    assert.deepEqual((await cluster.credentials()).headers, { authorization: `Bearer ${token}` });
  });

  it('may name a plain HTTP server and a proxy', async () => {
    await using home = await folder({
      config: kubeconfig({ token: 'one' }, { server: 'http://127.0.0.1:8001', 'proxy-url': 'http://proxy:3128' }),
    });
    const config = await loadClusterConfig({ kubeconfig: home.file('config') });
    assert.equal(config.server, 'http://127.0.0.1:8001');
    assert.equal(config.proxyUrl, 'http://proxy:3128');
    assert.deepEqual((await config.credentials()).headers, { authorization: 'Bearer one' });
  });
});

describe('which one is used', () => {
  it('in a pod it is the pod’s, unless a kubeconfig is named', async () => {
    await using home = await folder({ config: kubeconfig({ token: 'one' }) });
    const environment = { KUBERNETES_SERVICE_HOST: '10.96.0.1' };
    assert.equal((await loadClusterConfig({ environment })).server, 'https://10.96.0.1:443');
    assert.equal((await loadClusterConfig({ environment, kubeconfig: home.file('config') })).server, 'https://one.example.com:6443');
  });
});

/** A token that nobody signed: clients look at its claims only. */
function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2ln`;
}

/** What a kubeconfig keeps of an OIDC login, without the token of it. */
function loginOf({ url, authority }: { readonly url: string; readonly authority: string }) {
  return {
    'idp-issuer-url': url,
    'idp-certificate-authority-data': Buffer.from(authority).toString('base64'),
    'client-id': 'modelwright',
    'refresh-token': 'refresh-0',
  };
}

/** An OpenID provider that gives a new token for each refresh token, and takes each only once, as many do. */
async function identityProvider() {
  const authority = { ...createAuthority('identity'), commonName: 'identity' };
  const { cert, key } = issue(authority, { commonName: 'provider', hosts: ['127.0.0.1'] });
  const issued: string[] = [];
  const refreshed: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const provider = {
    url: '',
    authority: authority.cert,
    issued,
    refreshed,
    authorizations,
    refuses: false,
    token(seconds: number): string {
      const now = Math.floor(Date.now() / 1000);
      return jwt({ iss: provider.url, aud: 'modelwright', sub: 'me', iat: now, exp: now + seconds, jti: String(issued.length) });
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createServer({ cert, key }, async (request, response) => {
    const json = (value: object, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (request.url?.startsWith('/.well-known/')) return json({ issuer: provider.url, token_endpoint: `${provider.url}/token` });
    const form = new URLSearchParams(await text(request));
    authorizations.push(request.headers.authorization);
    if (provider.refuses || refreshed.includes(form.get('refresh_token') ?? ''))
      return json({ error: 'invalid_grant', error_description: form.get('refresh_token') }, 400);
    refreshed.push(form.get('refresh_token') ?? '');
    issued.push(provider.token(3600));
    return json({ token_type: 'Bearer', id_token: issued.at(-1), refresh_token: `refresh-${issued.length}` });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  provider.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return provider;
}
