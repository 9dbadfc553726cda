import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
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
