/** Finds binaries that are there already: KUBEBUILDER_ASSETS, PATH, the cache, an unpacked envtest archive, in this order. */
import { execFile } from 'node:child_process';
import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { cachedBinary, cacheRoot } from './cache.ts';
import type { BinarySource, Component } from './catalog.ts';
import { envtestFolder } from './envtest.ts';

const run = promisify(execFile);

export type Origin = 'KUBEBUILDER_ASSETS' | 'PATH' | 'cache' | 'envtest';

export interface FoundBinary {
  readonly path: string;
  readonly origin: Origin;
  /** Of the catalog, or what a program from outside says about itself: `1.34.4`. */
  readonly version: string;
}

export interface LookupOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly root?: string;
}

/** Undefined when the binary has to be downloaded or built. */
export async function findBinary(component: Component, binary: string, options: LookupOptions = {}): Promise<FoundBinary | undefined> {
  const { env = process.env, root = cacheRoot(env) } = options;
  const outside = component.binaries[binary]?.outside;
  if (outside) {
    const assets = env['KUBEBUILDER_ASSETS'] && executable(join(env['KUBEBUILDER_ASSETS'], binary));
    if (assets) return { path: assets, origin: 'KUBEBUILDER_ASSETS', version: numberOf(await versionLine(assets, outside)) };
    for (const folder of (env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
      const path = executable(join(folder, binary));
      if (!path) continue;
      const line = await versionLine(path, outside);
      // A program of another version is as good as none; one further back on PATH would never be run by its name.
      if (outside.accepts.test(line)) return { path, origin: 'PATH', version: numberOf(line) };
      break;
    }
  }
  const cached = executable(cachedBinary(component, binary, root));
  if (cached) return { path: cached, origin: 'cache', version: component.version };
  const unpacked = outside && executable(join(envtestFolder(root), binary));
  return unpacked ? { path: unpacked, origin: 'envtest', version: numberOf(await versionLine(unpacked, outside)) } : undefined;
}

/** The real path: an instance's own `bin` of links may be on PATH and goes away with the instance. */
function executable(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function numberOf(line: string): string {
  return line.match(/\d+\.\d+\.\d+\S*/)?.[0] ?? line;
}

async function versionLine(path: string, { args }: NonNullable<BinarySource['outside']>): Promise<string> {
  try {
    const { stdout } = await run(path, [...args], { timeout: 10_000 });
    return stdout.split('\n')[0]?.trim() ?? '';
  } catch (error) {
    return `does not run: ${error instanceof Error ? error.message.split('\n')[0] : error}`;
  }
}
