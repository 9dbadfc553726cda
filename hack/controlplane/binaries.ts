/** Gets every binary that a control plane needs: what is there already, else the envtest archive, else a build with Go. */
import { type BuildRequest, buildAll } from './build.ts';
import { cacheRoot, hasFiles } from './cache.ts';
import type { Component } from './catalog.ts';
import { ENVTEST_BINARIES, fetchEnvtest } from './envtest.ts';
import type { Say } from './log.ts';
import { type FoundBinary, findBinary } from './lookup.ts';

/** A component and those of its binaries that are needed. */
export interface Need {
  readonly component: Component;
  readonly binaries: readonly string[];
}

export interface BinaryOptions {
  readonly say: Say;
  /** Keep Go's build cache after a build, which makes the next one faster and takes several GB. */
  readonly keepGoCache?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

/** The path of every binary by its name, and where it came from. Throws one sentence when there is no way to get one. */
export async function getBinaries(needs: readonly Need[], options: BinaryOptions): Promise<Record<string, FoundBinary>> {
  const { env = process.env, say } = options;
  let missing = await missingOf(needs, env);
  if (missing.some(({ binaries }) => binaries.some((name) => ENVTEST_BINARIES.includes(name)))) {
    const problem = await fetchEnvtest({ env });
    if (problem) say(problem);
    else missing = await missingOf(needs, env);
  }
  if (missing.length > 0) await buildAll(missing, { say, env, keepGoCache: options.keepGoCache ?? false });
  const found: Record<string, FoundBinary> = {};
  for (const { component, binaries } of needs) {
    for (const name of binaries) {
      const binary = await findBinary(component, name, { env });
      if (!binary) throw new Error(`${name} ${component.version} was built but is not in the cache ${cacheRoot(env)}`);
      found[name] = binary;
    }
  }
  return found;
}

async function missingOf(needs: readonly Need[], env: NodeJS.ProcessEnv): Promise<BuildRequest[]> {
  const requests: BuildRequest[] = [];
  for (const { component, binaries } of needs) {
    const missing: string[] = [];
    for (const name of binaries) if (!(await findBinary(component, name, { env }))) missing.push(name);
    if (missing.length > 0 || !hasFiles(component, cacheRoot(env))) requests.push({ component, binaries: missing });
  }
  return requests;
}
