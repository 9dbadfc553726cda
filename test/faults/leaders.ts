/**
 * Two replicas, one leader: killed, told to end, or stopped for so long that the other takes over and then woken up in the middle of its work.
 */
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
    const pair = new ReplicaPair([await Lane.start({ ...options, keepAlive: true }), await Lane.start({ ...options, keepAlive: true })]);
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

export type LeaderFault = 'kill' | 'stop' | 'terminate';

export interface LeaderPlan {
  readonly name: string;
  readonly workload: Workload;
  readonly reference: Reference;
  readonly fault: LeaderFault;
  /** The write of the leader at which it happens, from 1. */
  readonly write: number;
}

/** Writes by which runs of one workload differ: a fault planned for the last ones might never come. */
const uncertainWrites = 8;

export function leaderPlans(
  workloads: readonly (readonly [Workload, Reference])[],
  counts: Readonly<Record<LeaderFault, number>>,
  random: Random,
): LeaderPlan[] {
  return Object.entries(counts).flatMap(([fault, count]) =>
    Array.from({ length: count }, () => {
      const known = random.pick(workloads as [readonly [Workload, Reference], ...(readonly [Workload, Reference])[]]);
      return leaderPlan(known, fault as LeaderFault, random);
    }),
  );
}

export function leaderPlan([workload, reference]: readonly [Workload, Reference], fault: LeaderFault, random: Random): LeaderPlan {
  const write = random.between(1, reference.writes - uncertainWrites);
  return { name: `${workload.name}: ${fault} at write ${write} of the leader`, workload, reference, fault, write };
}

/** A lease that was given back is taken within this time, however busy the machine; one that was not lasts 15 s. Such trials need the real lease. */
const handOverMilliseconds = 8000;

/** Runs a plan; afterwards both replicas run again. Where the workload needed fewer writes this time, the fault is moved forward. */
export async function leaderTrial(pair: ReplicaPair, plan: LeaderPlan): Promise<LeaderOutcome> {
  for (let write = plan.write; ; write = Math.max(1, write >> 1)) {
    const { happened, ...outcome } = await disturbLeader(pair, { ...plan, write });
    if (happened || outcome.violations.length > 0) return outcome;
  }
}

async function disturbLeader(pair: ReplicaPair, plan: LeaderPlan): Promise<LeaderOutcome & { readonly happened: boolean }> {
  const leader = await pair.leader();
  const other = pair.other(leader);
  const process = leader.operator;
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
    if (plan.fault === 'kill') return { kind: 'kill', phase: 'during', kill: () => void process.kill() };
    if (plan.fault === 'terminate') {
      void process.terminate();
      return undefined;
    }
    process.mayEnd();
    process.pause();
    return { kind: 'hold', until: tookOver.promise };
  };
  other.proxy.onRequest = (request) => {
    if (at > 0 && isWork(request)) tookOver.resolve();
    return undefined;
  };
  const run = disturbedRun(other, { family: `leader ${plan.fault}`, name: plan.name, workload: plan.workload, reference: plan.reference });
  const taken = await untilTaken(other, () => at, run);
  const takeoverMilliseconds = taken === undefined ? Number.POSITIVE_INFINITY : taken - at;
  if (at > 0 && plan.fault === 'stop') {
    // The new leader is at work when the old one wakes up.
    await Promise.race([tookOver.promise, run]);
    tookOver.resolve();
    await sleep(50);
    process.resume();
  }
  const outcome = await run;
  leader.proxy.onRequest = undefined;
  other.proxy.onRequest = undefined;
  const requests = leader.requestsSince(mark.leader);
  violations.push(...preconditions(requests), ...statusPreconditions(requests));
  if (at > 0 && taken === undefined) violations.push('no other replica took the lease');
  violations.push(...writesWithoutLease(leader, other, mark.leader), ...writesWithoutLease(other, leader, mark.other));
  if (at > 0 && plan.fault === 'terminate' && takeoverMilliseconds > handOverMilliseconds) {
    violations.push(`a leader that was told to end left the others waiting ${Math.round(takeoverMilliseconds)} ms`);
  }
  if (at > 0 && plan.fault === 'stop') {
    const ended = await Promise.race([process.exited().then(() => true), sleep(15_000, false)]);
    if (!ended) violations.push(`a leader that lost its lease went on running; the end of its log:\n${process.log(8)}`);
    await process.kill();
  }
  if (at > 0) await process.exited();
  if (leader.operator === process && !process.running) leader.restart();
  return { ...outcome, violations: [...outcome.violations, ...violations], takeoverMilliseconds, happened: at > 0 };
}

/** When `lane` took the lease after a fault, which is yet to come; undefined when it does not, or `run` ended without a fault. */
async function untilTaken(lane: Lane, since: () => number, run: Promise<unknown>): Promise<number | undefined> {
  let ended = false;
  void run.finally(() => {
    ended = true;
  });
  for (let waited = 0; waited < lane.patience * 1000; waited += 20) {
    const taken = since() > 0 ? lane.proxy.record.findLast((request) => request.at > since() && isRenewal(request)) : undefined;
    if (taken !== undefined) return taken.at;
    if (ended && since() === 0) return undefined;
    await sleep(20);
  }
  return undefined;
}

/**
 * Writes that `lane` sent although the other replica had been the last to take or renew the lease. That the API server would refuse most of them, by the
 * versions in them, is a second line of defence, and none to count on.
 */
function writesWithoutLease(lane: Lane, other: Lane, mark: number): string[] {
  const [own, others] = [renewals(lane), renewals(other)];
  const lastBefore = (times: readonly number[], at: number) => times.findLast((time) => time < at) ?? 0;
  return lane
    .requestsSince(mark)
    .filter((request) => isWork(request) && lastBefore(others, request.arrived) > lastBefore(own, request.arrived))
    .map(({ method, path, arrived, status }) => {
      const milliseconds = Math.round(arrived - lastBefore(others, arrived));
      return `two leaders: ${method} ${path.split('?')[0]} (${status}) sent ${milliseconds} ms after another replica had the lease`;
    });
}

function renewals(lane: Lane): number[] {
  return lane.proxy.record.filter(isRenewal).map(({ at }) => at);
}

function lastRenewal(lane: Lane): number {
  return lane.proxy.record.findLast(isRenewal)?.at ?? 0;
}

function isRenewal({ method, path, status }: OperatorRequest): boolean {
  return method !== 'GET' && path.includes('/leases') && status !== undefined && status < 300;
}
