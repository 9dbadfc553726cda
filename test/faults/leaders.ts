/** Two replicas, one leader: killed, or stopped for so long that the other takes over and then woken up in the middle of its work. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Lane, type LaneOptions } from './lane.ts';
import { isWork, type OperatorRequest, preconditions, type Reference, statusPreconditions } from './oracles.ts';
import type { Random } from './random.ts';
import { disturbedRun, type Outcome } from './trial.ts';
import type { Workload } from './workload.ts';

export interface LeaderOutcome extends Outcome {
  /** From the fault to the first write of the other replica. */
  readonly takeoverMilliseconds: number;
}

export class ReplicaPair implements AsyncDisposable {
  readonly #replicas: readonly [Lane, Lane];

  private constructor(replicas: readonly [Lane, Lane]) {
    this.#replicas = replicas;
  }

  static async start(options: LaneOptions): Promise<ReplicaPair> {
    const pair = new ReplicaPair([await Lane.start(options), await Lane.start(options)]);
    await pair.leader();
    return pair;
  }

  /** The replica whose lease write succeeded last; waits for the first one. */
  async leader(): Promise<Lane> {
    for (let waited = 0; waited < 60_000; waited += 50) {
      const [one, other] = this.#replicas.map(lastRenewal) as [number, number];
      if (one > 0 || other > 0) return one > other ? this.#replicas[0] : this.#replicas[1];
      await sleep(50);
    }
    throw new Error(`no replica became leader:\n${this.#replicas.map(({ operator }) => operator.log(15)).join('\n')}`);
  }

  other(lane: Lane): Lane {
    return lane === this.#replicas[0] ? this.#replicas[1] : this.#replicas[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const replica of this.#replicas) await replica[Symbol.asyncDispose]();
  }
}

export interface LeaderPlan {
  readonly name: string;
  readonly workload: Workload;
  readonly reference: Reference;
  readonly fault: 'kill' | 'stop';
  /** The write of the leader at which it happens, from 1. */
  readonly write: number;
}

export function leaderPlans(
  workloads: readonly (readonly [Workload, Reference])[],
  counts: { readonly kills: number; readonly stops: number },
  random: Random,
): LeaderPlan[] {
  const make = (fault: 'kill' | 'stop'): LeaderPlan => {
    const [workload, reference] = random.pick(workloads as [readonly [Workload, Reference], ...(readonly [Workload, Reference])[]]);
    const write = random.between(1, reference.writes);
    return {
      name: `${workload.name}: leader ${fault === 'kill' ? 'killed' : 'stopped'} at write ${write}`,
      workload,
      reference,
      fault,
      write,
    };
  };
  return [...Array.from({ length: counts.kills }, () => make('kill')), ...Array.from({ length: counts.stops }, () => make('stop'))];
}

/** Runs a plan; afterwards both replicas run again. */
export async function leaderTrial(pair: ReplicaPair, plan: LeaderPlan): Promise<LeaderOutcome> {
  const leader = await pair.leader();
  const other = pair.other(leader);
  const mark = { leader: leader.proxy.record.length, other: other.proxy.record.length };
  const violations: string[] = [];
  let writes = 0;
  let at = 0;
  const tookOver = Promise.withResolvers<void>();
  // A stopped leader finds the answer to its write when it wakes up, and would go on from there.
  leader.proxy.onRequest = (request) => {
    if (at > 0 || !isWork(request)) return undefined;
    writes += 1;
    if (writes !== plan.write) return undefined;
    at = performance.now();
    if (plan.fault === 'kill') return { kind: 'kill', phase: 'during', kill: () => void leader.operator.kill() };
    leader.operator.mayEnd();
    leader.operator.pause();
    return { kind: 'hold', until: tookOver.promise };
  };
  other.proxy.onRequest = (request) => {
    if (at > 0 && isWork(request)) tookOver.resolve();
    return undefined;
  };
  const run = disturbedRun(other, { family: `leader ${plan.fault}`, name: plan.name, workload: plan.workload, reference: plan.reference });
  await Promise.race([tookOver.promise, run]);
  const takeoverMilliseconds = performance.now() - at;
  if (plan.fault === 'stop' && at > 0) {
    tookOver.resolve();
    await sleep(50);
    leader.operator.resume();
  }
  const outcome = await run;
  leader.proxy.onRequest = undefined;
  other.proxy.onRequest = undefined;
  const requests = leader.requestsSince(mark.leader);
  violations.push(...preconditions(requests), ...statusPreconditions(requests));
  if (at === 0) violations.push(`the leader made only ${writes} writes, so that nothing happened to it`);
  if (at > 0) {
    violations.push(...writesAfterTakeover(leader.proxy.record.slice(mark.leader), other.proxy.record.slice(mark.other), at));
    if (plan.fault === 'stop') {
      const ended = await Promise.race([leader.operator.exited().then(() => true), sleep(15_000, false)]);
      if (!ended) violations.push('a leader that lost its lease went on running');
      await leader.operator.kill();
    }
    leader.restart();
  }
  return { ...outcome, violations: [...outcome.violations, ...violations], takeoverMilliseconds };
}

/** What the old leader got committed after the new one had taken the lease. */
function writesAfterTakeover(old: readonly OperatorRequest[], next: readonly OperatorRequest[], since: number): string[] {
  const taken = next.find((request) => request.at > since && isRenewal(request))?.at;
  if (taken === undefined) return ['no other replica took the lease'];
  return old
    .filter((request) => isWork(request) && request.at > taken && request.status !== undefined && request.status < 300)
    .map(
      ({ method, path, at }) =>
        `two leaders: ${method} ${path} committed ${Math.round(at - taken)} ms after another replica took the lease`,
    );
}

function lastRenewal(lane: Lane): number {
  return lane.proxy.record.findLast(isRenewal)?.at ?? 0;
}

function isRenewal({ method, path, status }: OperatorRequest): boolean {
  return method !== 'GET' && path.includes('/leases') && status !== undefined && status < 300;
}
