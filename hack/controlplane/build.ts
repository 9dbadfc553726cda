/** Builds binaries from the pinned Go modules below `modules/`, and copies the YAML that those modules carry. */
import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cachedBinary, cachedFiles, cacheRoot, hasFiles, wrapperOf } from './cache.ts';
import type { Component } from './catalog.ts';
import { withLock } from './lock.ts';
import { elapsed, type Say } from './log.ts';
import { findBinary } from './lookup.ts';

const run = promisify(execFile);

export interface BuildRequest {
  readonly component: Component;
  /** May be empty: then only the YAML is copied. */
  readonly binaries: readonly string[];
}

export interface BuildOptions {
  readonly say: Say;
  readonly env: NodeJS.ProcessEnv;
  readonly keepGoCache: boolean;
}

/** One build at a time on this machine: two at once would only take each other's cores, and share one Go build cache. */
export async function buildAll(requests: readonly BuildRequest[], options: BuildOptions): Promise<void> {
  const { env, say } = options;
  const root = cacheRoot(env);
  const wanted = requests.map(({ component, binaries }) => `${binaries.join(', ') || `YAML of ${component.name}`} ${component.version}`);
  await requireGo(wanted, env);
  await withLock(join(root, 'build.lock'), say, async () => {
    const goCache = join(root, 'go-build');
    const goEnv = { ...env, GOCACHE: goCache, GOFLAGS: `${env['GOFLAGS'] ?? ''} -buildvcs=false`.trim(), GOWORK: 'off', CGO_ENABLED: '0' };
    try {
      const total = requests.reduce((sum, { binaries }) => sum + binaries.length, 0);
      let count = 0;
      for (const { component, binaries } of requests) {
        for (const binary of binaries) {
          count += 1;
          // Another process may have built it while this one waited for the lock.
          if (await findBinary(component, binary, { env, root })) continue;
          await buildOne(component, binary, { root, env: goEnv, say, label: `[${count}/${total}]` });
        }
        if (!hasFiles(component, root)) await copyFiles(component, root, goEnv);
      }
    } finally {
      if (!options.keepGoCache) rmSync(goCache, { recursive: true, force: true });
    }
  });
}

async function requireGo(wanted: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await run('go', ['version'], { env });
  } catch {
    throw new Error(
      `${wanted.join(', ')}: not found and cannot be built, because the tool "go" is not on PATH: install Go 1.26 or newer, ` +
        'or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl',
    );
  }
}

interface BuildContext {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly say: Say;
  readonly label: string;
}

async function buildOne(component: Component, binary: string, { root, env, say, label }: BuildContext): Promise<void> {
  const source = component.binaries[binary];
  if (!source) throw new Error(`${component.name} has no program ${binary}`);
  const target = cachedBinary(component, binary, root);
  const part = join(dirname(target), `.${basename(target)}.${process.pid}`);
  mkdirSync(dirname(target), { recursive: true });
  // What a build left that was interrupted; under the lock nobody else writes here.
  for (const left of readdirSync(dirname(target)).filter((name) => name.startsWith('.'))) rmSync(join(dirname(target), left));
  const started = Date.now();
  say(`${label} building ${binary} ${component.version} with Go`);
  const progress = setInterval(() => say(`${label} building ${binary} ${component.version}: ${elapsed(started)}`), 15_000);
  try {
    const flags = ['-trimpath', '-ldflags', `-s -w ${component.ldflags ?? ''}`.trim()];
    await go(['build', ...flags, '-o', part, source.package], wrapperOf(component), env);
    renameSync(part, target);
    say(`${label} built ${binary} ${component.version} in ${elapsed(started)}`);
  } finally {
    clearInterval(progress);
    rmSync(part, { force: true });
  }
}

/** Each module's files are copied beside the target and renamed: what is there is whole. */
async function copyFiles(component: Component, root: string, env: NodeJS.ProcessEnv): Promise<void> {
  for (const { module, paths } of component.files ?? []) {
    const target = cachedFiles(component, module, root);
    const part = `${target}.${process.pid}`;
    const { stdout } = await run('go', ['mod', 'download', '-json', await versionedModule(component, module, env)], {
      cwd: wrapperOf(component),
      env,
    });
    const { Dir: source } = JSON.parse(stdout) as { Dir: string };
    rmSync(part, { recursive: true, force: true });
    for (const path of paths) cpSync(join(source, path), join(part, path), { recursive: true, mode: 0 });
    // Go's module cache is read-only, and so would be its copy.
    await run('chmod', ['-R', 'u+w', part]);
    rmSync(target, { recursive: true, force: true });
    renameSync(part, target);
  }
}

async function versionedModule(component: Component, module: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await run('go', ['list', '-m', module], { cwd: wrapperOf(component), env });
  return stdout.trim().replace(' ', '@');
}

function go(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn('go', args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let tail = '';
    child.stderr.on('data', (chunk: Buffer) => {
      tail = (tail + chunk).slice(-4_000);
    });
    // A build that outlives the person who gave up on it would hold the machine for minutes.
    const stop = () => child.kill('SIGTERM');
    process.once('exit', stop);
    child.once('error', fail);
    child.once('exit', (code) => {
      process.off('exit', stop);
      if (code === 0) done();
      else fail(new Error(`go ${args[0]} failed in ${cwd}:\n${tail.trim()}`));
    });
  });
}
