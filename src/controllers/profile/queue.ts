/** Whose turn it is: how many runs there may be at once, and in which order they go. */
import { type GpuClaim, rivalFor } from './dedicated/gpu-claim.ts';

/** A run that loads its target now. */
export interface Active {
  /** Namespace and name of the profile. */
  readonly key: string;
  readonly namespace: string;
  /** What it loads, as `targetKeyOf` writes it. */
  readonly target: string;
  /** GPUs that it measures on, and `node/NAME` of nodes whose GPUs several Pods may have. */
  readonly gpus?: readonly string[];
  /** GPUs that the copy takes which it measures. */
  readonly claim?: GpuClaim;
}

/** A run that could start. */
export interface Contender extends Active {
  readonly queuedTime: string;
}

export type Turn =
  | { readonly kind: 'Go' }
  /** `ahead`: runs that go first. */
  | { readonly kind: 'Wait'; readonly ahead: number; readonly message: string };

/**
 * Whether `self` may start. Namespaces take turns: of each, the run that was asked for first; one that has a run under way already comes
 * after those that have none. A run whose target is loaded by another holds nobody up, and one that waits for GPUs only those who want the same.
 */
export function turnOf(self: Contender, waiting: readonly Contender[], active: readonly Active[], limit: number): Turn {
  const rivals = active.filter(({ key }) => key !== self.key);
  const blocker = rivals.find(({ target }) => target === self.target);
  // One that has just begun may be said to wait by its status still: it is counted once, or whoever is behind it shows a place too far back.
  const queue = inOrder([self, ...waiting.filter(({ key }) => key !== self.key && !rivals.some((rival) => rival.key === key))], rivals);
  const before = queue.slice(
    0,
    queue.findIndex(({ key }) => key === self.key),
  );
  if (blocker !== undefined) {
    const sameTarget = before.filter(({ target }) => target === self.target).length;
    return { kind: 'Wait', ahead: sameTarget + 1, message: `ModelProfile ${blocker.key} measures the same target` };
  }
  const neighbour = rivals.find(({ gpus }) => gpus?.some((gpu) => self.gpus?.includes(gpu)));
  if (neighbour !== undefined) {
    const gpu = neighbour.gpus?.find((one) => self.gpus?.includes(one)) ?? '';
    return {
      kind: 'Wait',
      ahead: 1,
      message: `ModelProfile ${neighbour.key} measures on the same ${gpu.replace(/^node\//, 'GPUs of node ')}`,
    };
  }
  const targets = new Set(rivals.map(({ target }) => target));
  const able = before.filter(({ target }) => !targets.has(target));
  const first = able.find(({ target }) => target === self.target);
  const free = limit - rivals.length;
  const rooms = self.claim && waitForGpus(self.claim, rivals, able);
  const next = able.filter(({ claim }) => claim === undefined || rivalFor(claim, rivals) === undefined);
  if (first === undefined && rooms === undefined && next.length < free) return { kind: 'Go' };
  const full: Turn = {
    kind: 'Wait',
    ahead: Math.max(1, next.length + Math.max(0, rivals.length - limit + 1)),
    message: `${limit} ${limit === 1 ? 'run' : 'runs'} at once, as spec.benchmark.maxConcurrentRuns of the ServingPlatform says`,
  };
  return rooms !== undefined && next.length < free ? rooms : full;
}

/** The wait of a copy for GPUs that copies of other runs have, or are to have first. */
function waitForGpus(claim: GpuClaim, rivals: readonly Active[], before: readonly Contender[]): Turn | undefined {
  const found = rivalFor(claim, [...rivals, ...before]);
  if (found === undefined) return undefined;
  const { key, node } = found;
  const isUnderWay = rivals.some((rival) => rival.key === key);
  const first = before.filter((one) => one.claim?.nodes.some(({ name }) => name === node)).length;
  const wanted = `${claim.each * claim.pods} ${claim.resource}`;
  return {
    kind: 'Wait',
    ahead: Math.max(1, first + (isUnderWay ? 1 : 0)),
    message: `ModelProfile ${key} ${isUnderWay ? 'measures' : 'is to measure'} on GPUs of node ${node}${isUnderWay ? '' : ' first'}, and there is no room beside it for ${wanted}`,
  };
}

function inOrder(contenders: readonly Contender[], active: readonly Active[]): Contender[] {
  const byTime = contenders.toSorted((a, b) => compare(`${a.queuedTime} ${a.key}`, `${b.queuedTime} ${b.key}`));
  const turns = new Map<string, number>();
  for (const { namespace } of active) turns.set(namespace, (turns.get(namespace) ?? 0) + 1);
  const ranked = byTime.map((contender) => {
    const turn = turns.get(contender.namespace) ?? 0;
    turns.set(contender.namespace, turn + 1);
    return { contender, turn };
  });
  return ranked.sort((a, b) => a.turn - b.turn).map(({ contender }) => contender);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A position as the status shows it: coarse when it is far, so that not every run that ends is a write for all that wait. */
export function shownPosition(ahead: number): number {
  if (ahead <= 10) return ahead;
  const step = ahead <= 100 ? 10 : 100;
  return Math.ceil(ahead / step) * step;
}
