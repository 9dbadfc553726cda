/** An operator with nothing left to do: it writes nothing, and its caches hold what a fresh list gives. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from './instrumented.ts';
import { isEvent, type Lane } from './lane.ts';
import { isWork } from './oracles.ts';
import { clear, type Outcome } from './trial.ts';
import type { Workload } from './workload.ts';

/** How long nothing may be written. */
const restMilliseconds = 2500;
/** Longer than an event waits between two attempts to write it. */
const eventPauseMilliseconds = 5000;
/** How long a cache may take to hear of the last change. */
const catchUpMilliseconds = 10_000;

/** Looks at each lane's operator once all is done. */
export async function atRest(lane: Lane, after: string): Promise<Outcome> {
  const started = performance.now();
  const violations: string[] = [];
  if (!(await lane.quiet(1000, 30_000)))
    violations.push(`at rest: it goes on writing: ${recentWrites(lane, lane.proxy.record.length - 20)}`);
  const mark = lane.proxy.record.length;
  await sleep(restMilliseconds);
  const requests = lane.requestsSince(mark);
  const writes = requests.filter(isWork);
  if (writes.length > 0) violations.push(`at rest: ${writes.length} writes in ${restMilliseconds} ms: ${recentWrites(lane, mark)}`);
  // Events that could not be written during the faults are written after them, one by one; they must come to an end.
  if (requests.some(isEvent) && !(await lane.quiet(eventPauseMilliseconds, 60_000)))
    violations.push(`at rest: it goes on writing events: ${recentWrites(lane, mark)}`);
  violations.push(...(await cacheDifferences(lane)));
  return {
    family: 'rest',
    name: `${lane.namespace} after ${after}`,
    converged: violations.length === 0,
    violations,
    seconds: (performance.now() - started) / 1000,
  };
}

function recentWrites(lane: Lane, mark: number): string {
  return lane
    .requestsSince(Math.max(0, mark))
    .filter((request) => isWork(request) || isEvent(request))
    .slice(-5)
    .map(({ method, path, status }) => `${method} ${path.split('?')[0]} (${status})`)
    .join(', ');
}

/** What the caches hold against fresh lists of the same selections; looked at until they agree, or time is up. */
async function cacheDifferences(lane: Lane): Promise<string[]> {
  const deadline = performance.now() + catchUpMilliseconds;
  for (;;) {
    const digests = await lane.operator.digest();
    const found = digests === undefined ? ['caches: the operator did not tell what they hold'] : await compare(lane, digests);
    if (found.length === 0 || performance.now() > deadline) return found;
    await sleep(250);
  }
}

async function compare(lane: Lane, digests: readonly Digest[]): Promise<string[]> {
  const cached = new Map<string, Map<string, string>>();
  for (const { group, plural, objects } of digests) {
    const kind = `${group}/${plural}`;
    const known = cached.get(kind) ?? new Map<string, string>();
    cached.set(kind, known);
    for (const [key, version] of Object.entries(objects)) known.set(key, version);
  }
  const fresh = new Map<string, Map<string, string>>();
  for (const { kind, path } of selections(lane)) {
    const known = fresh.get(kind) ?? new Map<string, string>();
    fresh.set(kind, known);
    const { status, body } = await lane.world.api.request('GET', path);
    if (status === 404) continue;
    for (const { metadata } of body.items)
      known.set(`${metadata.namespace ?? ''}/${metadata.name}`, `${metadata.uid}@${metadata.resourceVersion}`);
  }
  const found: string[] = [];
  for (const kind of new Set([...cached.keys(), ...fresh.keys()])) {
    const [ours, theirs] = [cached.get(kind) ?? new Map(), fresh.get(kind) ?? new Map()];
    for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
      // In other lanes work goes on between the two looks.
      if (key.startsWith('lane-') && !key.startsWith(`${lane.namespace}/`)) continue;
      if (ours.get(key) !== theirs.get(key))
        found.push(`caches: ${kind} ${key} is ${ours.get(key) ?? 'missing'}, a fresh list has ${theirs.get(key) ?? 'nothing'}`);
    }
  }
  return found;
}

/** What the operator follows, read from the watches it opened. */
function selections(lane: Lane): { readonly kind: string; readonly path: string }[] {
  const paths = new Map<string, string>();
  for (const { path, watch } of lane.proxy.record) {
    if (!watch) continue;
    const url = new URL(path, 'http://api');
    const kept = new URLSearchParams();
    for (const name of ['labelSelector', 'fieldSelector']) {
      const value = url.searchParams.get(name);
      if (value !== null) kept.set(name, value);
    }
    const parts = url.pathname.split('/').filter(Boolean);
    const group = parts[0] === 'api' ? '' : (parts[1] ?? '');
    const query = kept.toString();
    paths.set(url.pathname + (query && `?${query}`), `${group}/${parts.at(-1)}`);
  }
  return [...paths].map(([path, kind]) => ({ path, kind }));
}

/** An operator that starts on a cluster where everything is as it should be has nothing to write. */
export async function restartAtRest(lane: Lane, workload: Workload): Promise<Outcome> {
  const started = performance.now();
  const trial = lane.trial();
  const violations: string[] = [];
  for (const step of workload.steps) {
    await step.act(trial);
    await trial.history.until(() => step.done(trial), lane.patience * 1000);
  }
  await lane.quiet(1000, 30_000);
  await lane.operator.kill();
  const mark = lane.proxy.record.length;
  lane.restart();
  // Its caches answer for themselves; afterwards its first pass over all objects is a matter of milliseconds.
  violations.push(...(await cacheDifferences(lane)));
  await sleep(restMilliseconds);
  const writes = lane.requestsSince(mark).filter((request) => isWork(request) || isEvent(request));
  if (writes.length > 0) violations.push(`restart at rest: ${writes.length} writes on unchanged objects: ${recentWrites(lane, mark)}`);
  violations.push(...(await clear(trial)));
  return {
    family: 'restart at rest',
    name: workload.name,
    converged: violations.length === 0,
    violations,
    seconds: (performance.now() - started) / 1000,
  };
}
