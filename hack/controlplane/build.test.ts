import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { getBinaries } from './binaries.ts';
import { buildAll } from './build.ts';
import { cachedBinary, cachedFiles, cacheRoot } from './cache.ts';
import type { Component } from './catalog.ts';

const base = mkdtempSync(join(tmpdir(), 'modelwright-build-'));
after(() => {
  chmodSync(join(module, 'config'), 0o755);
  rmSync(base, { recursive: true, force: true });
});

const COMPONENT: Component = {
  name: 'thing',
  version: '1.2.3',
  module: 'etcd',
  binaries: { thing: { package: 'example.com/thing' }, other: { package: 'example.com/other' } },
  ldflags: '-X a.b=1.2.3',
  files: [{ module: 'example.com/thing', paths: ['config', 'one.yaml'] }],
};

// Go's module cache is read-only.
const module = join(base, 'module');
mkdirSync(join(module, 'config'), { recursive: true });
writeFileSync(join(module, 'config', 'crd.yaml'), 'kind: CRD\n', { mode: 0o444 });
writeFileSync(join(module, 'one.yaml'), 'kind: One\n', { mode: 0o444 });
chmodSync(join(module, 'config'), 0o555);

/** Stands in for the Go tool: writes down how it was called, and does what `script` says for `build`. */
function environment(name: string, script: string): NodeJS.ProcessEnv {
  const bin = join(base, name, 'bin');
  mkdirSync(bin, { recursive: true });
  const text = `#!/bin/sh
echo "$PWD GOCACHE=$GOCACHE GOWORK=$GOWORK CGO_ENABLED=$CGO_ENABLED $*" >> '${join(base, name, 'calls')}'
case "$1" in
  build) mkdir -p "$GOCACHE" && echo x > "$GOCACHE/x"; while [ "$1" != -o ]; do shift; done; ${script} ;;
  list) echo "$3 v1.2.3" ;;
  mod) echo '{"Dir": "${module}"}' ;;
esac
`;
  writeFileSync(join(bin, 'go'), text, { mode: 0o755 });
  return { PATH: `${bin}:/usr/bin:/bin`, XDG_CACHE_HOME: join(base, name, 'cache'), MODELWRIGHT_ENVTEST_URL: 'off' };
}

const works = 'echo built > "$2"; chmod +x "$2"';

test('what is missing is built into the cache with its YAML, and Go’s build cache goes', async () => {
  const env = environment('works', works);
  const said: string[] = [];
  const say = (line: string) => said.push(line);
  const found = await getBinaries([{ component: COMPONENT, binaries: ['thing'] }], { env, say });
  const root = cacheRoot(env);
  assert.deepEqual(found['thing'], { path: cachedBinary(COMPONENT, 'thing', root), origin: 'cache', version: '1.2.3' });
  assert.equal(existsSync(cachedBinary(COMPONENT, 'other', root)), false);
  const files = cachedFiles(COMPONENT, 'example.com/thing', root);
  assert.equal(readFileSync(join(files, 'config/crd.yaml'), 'utf8'), 'kind: CRD\n');
  assert.equal(readFileSync(join(files, 'one.yaml'), 'utf8'), 'kind: One\n');
  assert.ok(statSync(join(files, 'config')).mode & 0o200, 'a cache can be deleted');
  assert.deepEqual(readdirSync(root), ['thing']);
  assert.match(said[0] ?? '', /^\[1\/1\] building thing 1\.2\.3 with Go$/);
  assert.match(said[1] ?? '', /^\[1\/1\] built thing 1\.2\.3 in \d+\.\d s$/);
  const calls = readFileSync(join(base, 'works', 'calls'), 'utf8');
  assert.match(
    calls,
    /modules\/etcd GOCACHE=\S+\/go-build GOWORK=off CGO_ENABLED=0 build -trimpath -ldflags -s -w -X a\.b=1\.2\.3 -o \S+ example\.com\/thing\n/,
  );
  assert.match(calls, /mod download -json example\.com\/thing@v1\.2\.3\n/);
});

test('the second time nothing is asked of Go', async () => {
  const env = { ...environment('works', works), PATH: '/usr/bin:/bin' };
  const found = await getBinaries([{ component: COMPONENT, binaries: ['thing'] }], { env, say: assert.fail });
  assert.equal(found['thing']?.origin, 'cache');
});

test('Go’s build cache stays when asked to', async () => {
  const env = environment('keeps', works);
  await buildAll([{ component: COMPONENT, binaries: ['thing'] }], { env, say: () => {}, keepGoCache: true });
  assert.equal(existsSync(join(cacheRoot(env), 'go-build', 'x')), true);
});

test('a build that fails shows Go’s words and leaves no program', async () => {
  const env = environment('fails', 'echo half > "$2"; echo "go: module needs go 1.99" >&2; exit 1');
  const failed = getBinaries([{ component: COMPONENT, binaries: ['thing', 'other'] }], { env, say: () => {} });
  await assert.rejects(failed, /go build failed in .*modules\/etcd:\ngo: module needs go 1\.99/);
  const root = cacheRoot(env);
  assert.deepEqual(readdirSync(join(cachedBinary(COMPONENT, 'thing', root), '..')), []);
  assert.deepEqual(readdirSync(root), ['thing']);
});

test('without Go one sentence says what is missing and what to do', async () => {
  const env = { ...environment('without', works), PATH: '/nowhere' };
  const failed = getBinaries([{ component: COMPONENT, binaries: ['thing'] }], { env, say: () => {} });
  await assert.rejects(
    failed,
    /^Error: thing 1\.2\.3: not found and cannot be built, because the tool "go" is not on PATH: install Go .* or set KUBEBUILDER_ASSETS/,
  );
});
