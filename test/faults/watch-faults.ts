/** Faults on watches: events late, twice or never, the stream cut, ended, refused, or silent without a word. */
import type { Lane } from './lane.ts';
import type { Reference } from './oracles.ts';
import type { ProxiedRequest, RequestFault } from './proxy/fault-proxy.ts';
import type { ProxiedWatch, WatchFault } from './proxy/proxied-watch.ts';
import type { Random } from './random.ts';
import { type FaultCounts, status } from './request-faults.ts';
import { disturbedRun, type Outcome } from './trial.ts';
import type { Workload } from './workload.ts';

interface EventFault {
  readonly make: (random: Random) => WatchFault;
  /** The reflector waits before it goes on, longer each time: only a few of these per watch and life of an operator, or a trial takes minutes. */
  readonly waits: boolean;
}

const expired = { code: 410, reason: 'Expired', message: 'too old resource version: 1 (2)' };

const eventFaults: Readonly<Record<string, EventFault>> = {
  'watch: event held back': { make: (random) => ({ kind: 'hold', milliseconds: random.between(20, 800) }), waits: false },
  'watch: event twice': { make: () => ({ kind: 'duplicate' }), waits: false },
  'watch: object of another kind': { make: () => ({ kind: 'stranger' }), waits: false },
  'watch: ended by the server': { make: () => ({ kind: 'end' }), waits: true },
  'watch: connection reset': { make: () => ({ kind: 'cut' }), waits: true },
  'watch: event cut short': { make: () => ({ kind: 'truncate' }), waits: true },
  'watch: 410 in the stream': { make: () => ({ kind: 'error', ...expired }), waits: true },
  'watch: 500 in the stream': {
    make: () => ({ kind: 'error', code: 500, reason: 'InternalError', message: 'etcdserver: no leader' }),
    waits: true,
  },
  'watch: 429 in the stream': {
    make: () => ({ kind: 'error', code: 429, reason: 'TooManyRequests', message: 'too many requests' }),
    waits: true,
  },
};

const connectFaults: Readonly<Record<string, () => RequestFault>> = {
  'watch: refused with 410': () => status(410, 'Expired', expired.message),
  'watch: refused with 429': () => status(429, 'TooManyRequests', 'too many requests'),
  'watch: refused with 500': () => status(500, 'InternalError', 'Internal error occurred'),
  'watch: very short': () => ({ kind: 'answer', status: 200, headers: { 'content-type': 'application/json' }, body: '' }),
  'watch: connection refused': () => ({ kind: 'reset', phase: 'before' }),
};

/** Faults with waits that one watch meets in one life of an operator. */
const waitsPerWatch = 2;

export interface WatchFaultPlan {
  readonly name: string;
  readonly workload: Workload;
  readonly reference: Reference;
}

/** One run of a workload on an operator whose watches are disturbed from its start on. */
export async function watchFaultTrial(
  lane: Lane,
  plan: WatchFaultPlan,
  options: { readonly random: Random; readonly counts: FaultCounts },
): Promise<Outcome> {
  const { random, counts } = options;
  const waits = new Map<string, number>();
  const count = (name: string) => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
  const mayWait = (path: string) => {
    const key = path.split('?')[0] ?? path;
    if ((waits.get(key) ?? 0) >= waitsPerWatch) return false;
    waits.set(key, (waits.get(key) ?? 0) + 1);
    return true;
  };
  lane.proxy.onRequest = (request: ProxiedRequest) => {
    if (!request.watch || !random.chance(0.15) || !mayWait(request.path)) return undefined;
    const name = random.pick(Object.keys(connectFaults) as [string, ...string[]]);
    count(name);
    return connectFaults[name]?.();
  };
  lane.proxy.onWatchEvent = (watch: ProxiedWatch, event) => {
    if (event.type === 'BOOKMARK') {
      if (watch.isFilling || !random.chance(0.5)) return undefined;
      count('watch: bookmark withheld');
      return { kind: 'withhold' };
    }
    if (!random.chance(0.3)) return undefined;
    const name = random.pick(Object.keys(eventFaults) as [string, ...string[]]);
    const fault = eventFaults[name];
    if (fault === undefined || (fault.waits && !mayWait(watch.path))) return undefined;
    count(name);
    return fault.make(random);
  };
  // A life of its own for each trial: what a reflector has waited does not count for the next.
  await lane.operator.kill();
  lane.restart();
  const calm = () => {
    lane.proxy.onRequest = undefined;
    lane.proxy.onWatchEvent = undefined;
  };
  return disturbedRun(lane, { family: 'watch faults', ...plan }, { calm });
}

/**
 * All watches of the operator become half-open at once: the connections stand, and nothing comes. It has to notice by itself, by the rule that a watch
 * without so much as a bookmark for 90 s is dead.
 */
export async function halfOpenTrial(lane: Lane, plan: WatchFaultPlan, counts: FaultCounts): Promise<Outcome> {
  let silenced = false;
  const silence = () => {
    for (const watch of lane.proxy.watches) {
      watch.silence();
      counts['watch: half-open'] = (counts['watch: half-open'] ?? 0) + 1;
    }
  };
  const first = plan.workload.steps[0];
  const workload: Workload = {
    name: plan.workload.name,
    steps: plan.workload.steps.map((step) =>
      step === first
        ? step
        : {
            ...step,
            async act(trial) {
              if (!silenced) silence();
              silenced = true;
              await step.act(trial);
            },
          },
    ),
  };
  return disturbedRun(lane, { family: 'half-open watches', ...plan, workload }, { stepSeconds: 150 });
}

/** Watches that never see a bookmark: the operator must not fall behind, nor read everything anew. */
export async function withoutBookmarksTrial(lane: Lane, plan: WatchFaultPlan, counts: FaultCounts): Promise<Outcome> {
  lane.proxy.onWatchEvent = (watch, event) => {
    if (event.type !== 'BOOKMARK' || watch.isFilling) return undefined;
    counts['watch: bookmark withheld'] = (counts['watch: bookmark withheld'] ?? 0) + 1;
    return { kind: 'withhold' };
  };
  await lane.operator.kill();
  lane.restart();
  const waiting: Workload = {
    name: plan.workload.name,
    steps: plan.workload.steps.map((step, index) =>
      index === 0
        ? step
        : {
            ...step,
            async act(trial) {
              // Longer than a watch may be silent before it is taken for dead.
              await new Promise((resolve) => setTimeout(resolve, 100_000));
              await step.act(trial);
            },
          },
    ),
  };
  const calm = () => {
    lane.proxy.onWatchEvent = undefined;
  };
  return disturbedRun(lane, { family: 'without bookmarks', ...plan, workload: waiting }, { stepSeconds: 150, calm });
}
