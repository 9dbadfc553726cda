import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { cachedBinary } from './cache.ts';
import { ETCD, KNATIVE, KUBERNETES } from './catalog.ts';
import { envtestFolder } from './envtest.ts';
import { findBinary } from './lookup.ts';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'modelwright-lookup-')));
after(() => rmSync(base, { recursive: true, force: true }));

/** A program that prints one line, whatever it is asked. */
function program(path: string, prints: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho '${prints}'\n`);
  chmodSync(path, 0o755);
  return path;
}

const root = join(base, 'cache');
const assets = join(base, 'assets');
const path = join(base, 'path');
const system = '/usr/bin:/bin';
const everywhere = { KUBEBUILDER_ASSETS: assets, PATH: `${path}${delimiter}${system}` };

program(join(assets, 'kube-apiserver'), 'Kubernetes v1.30.0');
program(join(path, 'kube-apiserver'), 'Kubernetes v1.34.9');
program(cachedBinary(KUBERNETES, 'kube-apiserver', root), 'never asked');
program(join(envtestFolder(root), 'kube-apiserver'), 'Kubernetes v1.34.1');

test('KUBEBUILDER_ASSETS comes first, whatever version it has', async () => {
  const found = await findBinary(KUBERNETES, 'kube-apiserver', { env: everywhere, root });
  assert.deepEqual(found, { path: join(assets, 'kube-apiserver'), origin: 'KUBEBUILDER_ASSETS', version: '1.30.0' });
});

test('then PATH, if the version fits', async () => {
  const found = await findBinary(KUBERNETES, 'kube-apiserver', { env: { PATH: everywhere.PATH }, root });
  assert.deepEqual(found, { path: join(path, 'kube-apiserver'), origin: 'PATH', version: '1.34.9' });
});

test('a program of another version on PATH is passed over for the cache', async () => {
  const old = join(base, 'old');
  program(join(old, 'kube-apiserver'), 'Kubernetes v1.29.3');
  const found = await findBinary(KUBERNETES, 'kube-apiserver', { env: { PATH: `${old}${delimiter}${system}` }, root });
  assert.deepEqual(found, { path: cachedBinary(KUBERNETES, 'kube-apiserver', root), origin: 'cache', version: KUBERNETES.version });
});

test('kubectl may be one minor version away from the server, and not two', async () => {
  const folder = join(base, 'kubectls');
  const options = { env: { PATH: `${folder}${delimiter}${system}` }, root: join(base, 'empty') };
  program(join(folder, 'kubectl'), 'Client Version: v1.33.2');
  assert.equal((await findBinary(KUBERNETES, 'kubectl', options))?.origin, 'PATH');
  program(join(folder, 'kubectl'), 'Client Version: v1.32.4');
  assert.equal(await findBinary(KUBERNETES, 'kubectl', options), undefined);
});

test('an unpacked envtest archive is used when nothing else is there', async () => {
  const only = join(base, 'only-envtest');
  program(join(envtestFolder(only), 'etcd'), 'etcd Version: 3.6.4');
  const found = await findBinary(ETCD, 'etcd', { env: { PATH: system }, root: only });
  assert.deepEqual(found, { path: join(envtestFolder(only), 'etcd'), origin: 'envtest', version: '3.6.4' });
});

test('a link in an instance’s bin is followed to what stays when the instance goes', async () => {
  const bin = join(base, 'bin');
  mkdirSync(bin);
  const target = program(join(base, 'elsewhere', 'etcd'), 'etcd Version: 3.6.14');
  symlinkSync(target, join(bin, 'etcd'));
  assert.equal((await findBinary(ETCD, 'etcd', { env: { PATH: `${bin}${delimiter}${system}` }, root }))?.path, target);
});

test('a program that only shares its name with one of ours is never taken from PATH', async () => {
  program(join(path, 'knative-webhook'), 'v0.50.0');
  assert.equal(await findBinary(KNATIVE, 'knative-webhook', { env: everywhere, root }), undefined);
});

test('nothing anywhere is undefined', async () => {
  assert.equal(await findBinary(ETCD, 'etcd', { env: { PATH: system }, root: join(base, 'nothing') }), undefined);
});
