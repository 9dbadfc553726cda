import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ENVTEST_URL_VARIABLE, ENVTEST_VERSION, envtestFolder, fetchEnvtest } from './envtest.ts';

const base = mkdtempSync(join(tmpdir(), 'modelwright-envtest-'));
const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
const file = join(base, 'archive.tar.gz');
const server = createServer((request, response) => {
  if (request.url !== `/releases/envtest-v${ENVTEST_VERSION}-${platform}.tar.gz`) response.statusCode = 404;
  response.end(response.statusCode === 200 ? readFileSync(file) : '');
});
let origin = '';

before(async () => {
  const tree = join(base, 'tree', 'controller-tools', 'envtest');
  mkdirSync(tree, { recursive: true });
  for (const name of ['etcd', 'kube-apiserver', 'kubectl']) writeFileSync(join(tree, name), name, { mode: 0o755 });
  execFileSync('tar', ['-czf', file, '-C', join(base, 'tree'), 'controller-tools']);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(base, { recursive: true, force: true });
});

const checksums = () => ({ [platform]: createHash('sha512').update(readFileSync(file)).digest('hex') });

test('the archive is fetched, verified and unpacked where the lookup finds it', async () => {
  const root = join(base, 'good');
  const env = { [ENVTEST_URL_VARIABLE]: `${origin}/releases/` };
  assert.equal(await fetchEnvtest({ env, root, checksums: checksums() }), undefined);
  assert.deepEqual(readdirSync(envtestFolder(root)).sort(), ['etcd', 'kube-apiserver', 'kubectl']);
  assert.equal(readFileSync(join(envtestFolder(root), 'kubectl'), 'utf8'), 'kubectl');
  assert.equal(readdirSync(join(root, 'envtest')).length, 1);
});

test('an archive with another checksum is not unpacked', async () => {
  const root = join(base, 'bad');
  const problem = await fetchEnvtest({ env: { [ENVTEST_URL_VARIABLE]: `${origin}/releases` }, root });
  assert.match(problem ?? '', /does not have the published checksum and is not used/);
  assert.equal(existsSync(root), false);
});

test('a missing archive, an unreachable server and a silent one are each one sentence', async () => {
  const problem = (url: string) => fetchEnvtest({ env: { [ENVTEST_URL_VARIABLE]: url }, root: base, connectTimeout: 200 });
  assert.match((await problem(`${origin}/elsewhere`)) ?? '', /cannot be fetched from 127\.0\.0\.1:\d+: HTTP status 404$/);
  assert.match((await problem('http://127.0.0.1:1')) ?? '', /cannot be fetched from 127\.0\.0\.1:1: /);
  const silent = createServer(() => {});
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  assert.match((await problem(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`)) ?? '', /no answer within 0\.2 s$/);
  silent.close();
  silent.closeAllConnections();
});

test('it can be switched off', async () => {
  assert.match(
    (await fetchEnvtest({ env: { [ENVTEST_URL_VARIABLE]: 'off' }, root: base })) ?? '',
    /switched off by MODELWRIGHT_ENVTEST_URL/,
  );
});
