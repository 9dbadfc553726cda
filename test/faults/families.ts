/** Runs every family of trials, side by side where they do not disturb each other. */
import { join } from 'node:path';
import { buildOperator } from './build-operator.ts';
import { type CrashPlan, crashPlans, crashTrial } from './crash.ts';
import { Lane } from './lane.ts';
import { type LeaderOutcome, type LeaderPlan, leaderPlans, leaderTrial, ReplicaPair } from './leaders.ts';
import type { CampaignOptions } from './options.ts';
import type { Reference } from './oracles.ts';
import { Random } from './random.ts';
import type { Report } from './report.ts';
import { type FaultCounts, requestFaultTrial } from './request-faults.ts';
import { atRest, restartAtRest } from './rest.ts';
import { compactionTrial, expiredTrial, restartTrial, staleServerTrial, uncollectedTrial } from './server-faults.ts';
import { shortLease } from './short-lease.ts';
import { StaleServer } from './stale-server.ts';
import { instability, type Outcome, referenceRun } from './trial.ts';
import { usurpedTrial } from './usurped.ts';
import { halfOpenTrial, watchFaultTrial, withoutBookmarksTrial } from './watch-faults.ts';
import { hurry, lifecycle, type Workload } from './workload.ts';
import type { World } from './world.ts';

export interface Campaign {
  readonly world: World;
  readonly program: string;
  readonly options: CampaignOptions;
  readonly report: Report;
}

/** A workload and what it leads to when nothing disturbs it. */
export type Known = readonly [Workload, Reference];

type Families = readonly [Known, ...Known[]];

/** Undisturbed runs that must agree before anything else is judged by them. */
const referenceRuns = 3;
/** Trials between two looks at an operator at rest. */
const trialsPerRest = 15;
/** With replicas a write leads to the next after the other has taken over: four pairs wait side by side. */
const leaderPairs = 4;
const withLease = ['--leader-elect'];

export async function runFamilies(campaign: Campaign, known: Families): Promise<void> {
  const { world, options, report } = campaign;
  const random = new Random(options.seed);
  // Two cores carry a few operators at a time; what mostly waits runs beside the rest.
  const slow = slowWatches(campaign, known);
  await crashes(campaign, known, random.fork('crashes'));
  await Promise.all([requests(campaign, known, random.fork('requests')), watches(campaign, known, random.fork('watches'))]);
  await slow;
  await leaders(campaign, known, random.fork('leaders'));
  await servers(campaign, known);
  if (world.history.gaps > 0)
    report.say(`the campaign's own view had to begin anew ${world.history.gaps} times, by restarts and compactions`);
}

/** What undisturbed runs lead to; that they agree is the first thing to be shown. */
export async function references({ world, program, report }: Omit<Campaign, 'options'>): Promise<[Known, ...Known[]]> {
  await using lane = await Lane.start({ world, name: 'reference', program });
  const known: Known[] = [];
  for (const workload of [lifecycle, hurry]) {
    const started = performance.now();
    const runs: Reference[] = [];
    for (let run = 0; run < referenceRuns; run += 1) runs.push(await referenceRun(lane, workload));
    const violations = instability(runs).map((difference) => `undisturbed runs differ: ${difference}`);
    const [first] = runs;
    if (first === undefined) continue;
    // A run may take a write more or less; a plan for a write that never comes would test nothing.
    known.push([workload, { ...first, writes: Math.min(...runs.map(({ writes }) => writes)) }]);
    const seconds = (performance.now() - started) / 1000;
    report.add({ family: 'undisturbed', name: workload.name, converged: violations.length === 0, violations, seconds });
    report.say(`undisturbed ${workload.name}: ${runs.map(({ writes }) => writes).join(', ')} writes of the operator`);
  }
  report.add(await restartAtRest(lane, lifecycle));
  report.add(await atRest(lane, 'undisturbed runs'));
  return known as [Known, ...Known[]];
}

async function crashes({ world, program, options, report }: Campaign, known: Families, random: Random): Promise<void> {
  const queue = crashPlans(known, options.crashes, random).values();
  let kills = 0;
  await inLanes(2, async (index) => {
    await using lane = await Lane.start({ world, name: `crash-${index}`, program });
    await eachThenRest(lane, report, queue, async (plan: CrashPlan) => {
      // Runs differ by a few writes, so that a plan for one of the last may have to be moved forward.
      for (let write = plan.write; ; write -= 2) {
        const { kills: happened, ...outcome } = await crashTrial(lane, { ...plan, write });
        kills += happened;
        if (happened > 0 || outcome.violations.length > 0) return outcome;
      }
    });
  });
  report.say(`crashes: ${kills} kills`);
}

async function requests({ world, program, options, report }: Campaign, known: Families, random: Random): Promise<void> {
  const counts: FaultCounts = {};
  await using lane = await Lane.start({ world, name: 'requests', program });
  for (let run = 1; total(counts) < options.requestFaults; run += 1) {
    const [workload, reference] = random.pick(known);
    const before = total(counts);
    const plan = { name: `${workload.name}, run ${run}`, workload, reference };
    const outcome = await requestFaultTrial(lane, plan, { random, probability: 0.4, counts });
    report.add({ ...outcome, name: `${outcome.name}, ${total(counts) - before} faults` });
    if (run % trialsPerRest === 0) report.add(await atRest(lane, `${run} runs with request faults`));
  }
  if (options.requestFaults > 0) report.add(await atRest(lane, 'request faults'));
  report.say(`request faults: ${total(counts)} (${listed(counts)})`);
}

async function watches({ world, program, options, report }: Campaign, known: Families, random: Random): Promise<void> {
  const counts: FaultCounts = {};
  await using lane = await Lane.start({ world, name: 'watches', program });
  for (let run = 1; total(counts) < options.watchFaults; run += 1) {
    const [workload, reference] = random.pick(known);
    const before = total(counts);
    const outcome = await watchFaultTrial(lane, { name: `${workload.name}, run ${run}`, workload, reference }, { random, counts });
    report.add({ ...outcome, name: `${outcome.name}, ${total(counts) - before} faults` });
    if (run % trialsPerRest === 0) report.add(await atRest(lane, `${run} runs with watch faults`));
  }
  for (let run = 1; run <= options.expirations; run += 1) {
    const [[workload, reference]] = known;
    report.add(await expiredTrial(lane, { name: `${workload.name}, run ${run}`, workload, reference }));
  }
  for (let run = 1; run <= options.usurpations; run += 1) report.add(await usurpedTrial(lane, `run ${run}`));
  if (options.watchFaults > 0) report.add(await atRest(lane, 'watch faults'));
  report.say(`watch faults: ${total(counts)} (${listed(counts)})`);
}

/** What takes minutes of waiting, beside everything else. */
async function slowWatches({ world, program, options, report }: Campaign, known: Families): Promise<void> {
  const [[workload, reference]] = known;
  const counts: FaultCounts = {};
  const half = async () => {
    await using lane = await Lane.start({ world, name: 'half-open', program });
    for (let run = 1; run <= options.halfOpenTrials; run += 1) {
      report.add(await halfOpenTrial(lane, { name: `${workload.name}, run ${run}`, workload, reference }, counts));
    }
    if (options.halfOpenTrials > 0) report.add(await atRest(lane, 'half-open watches'));
  };
  const silent = async () => {
    await using lane = await Lane.start({ world, name: 'without-bookmarks', program });
    for (let run = 1; run <= options.bookmarkTrials; run += 1) {
      report.add(await withoutBookmarksTrial(lane, { name: `${workload.name}, run ${run}`, workload, reference }, counts));
    }
    if (options.bookmarkTrials > 0) report.add(await atRest(lane, 'no bookmarks'));
  };
  await Promise.all([half(), silent()]);
  report.say(`slow watch faults: ${total(counts)} (${listed(counts)})`);
}

async function leaders({ world, program, options, report }: Campaign, known: Families, random: Random): Promise<void> {
  const counts = { kill: options.leaderKills, stop: options.leaderStops, terminate: 0 };
  const plans = leaderPlans(known, counts, random);
  // Kills and stops take turns, so that the real lease meets both.
  const mixed = plans.map((plan) => ({ plan, order: random.next() })).toSorted((a, b) => a.order - b.order);
  const terminations = leaderPlans(known, { kill: 0, stop: 0, terminate: options.leaderTerminations }, random);
  const real = [...terminations, ...mixed.slice(0, options.realLeases).map(({ plan }) => plan)];
  const short = mixed.slice(options.realLeases).map(({ plan }) => plan);
  const shortProgram = await buildOperator(join(world.folder, 'short-lease'), shortLease);
  const takeovers: LeaderOutcome[] = [];
  const run = async (name: string, lease: string, replica: string, queue: Iterator<LeaderPlan>) => {
    await using pair = await ReplicaPair.start({ world, name, program: replica, args: withLease });
    for (let next = queue.next(); !next.done; next = queue.next()) {
      const outcome = await leaderTrial(pair, next.value);
      takeovers.push(outcome);
      report.add({ ...outcome, name: `${outcome.name}, ${lease}` });
    }
    report.add(await atRest(await pair.leader(), 'leader faults'));
  };
  const queue = short.values();
  await Promise.all([
    ...(real.length > 0 ? [run('leaders-real', 'lease of 15 s', program, real.values())] : []),
    ...(short.length > 0
      ? Array.from({ length: leaderPairs }, (_, index) => run(`leaders-${index}`, 'lease of 6 s', shortProgram, queue))
      : []),
  ]);
  const seconds = takeovers.map(({ takeoverMilliseconds }) => takeoverMilliseconds / 1000).toSorted((a, b) => a - b);
  const [middle = 0, slowest = 0] = [seconds[seconds.length >> 1], seconds.at(-1)];
  report.say(`leaders: ${takeovers.length} faults; takeovers within ${middle.toFixed(1)} s (median), ${slowest.toFixed(1)} s (slowest)`);
}

/** Faults of the servers themselves meet everyone, so nothing else runs beside them. */
async function servers({ world, program, options, report }: Campaign, known: Families): Promise<void> {
  const [[workload, reference]] = known;
  await using lane = await Lane.start({ world, name: 'servers', program });
  const plan = (run: number) => ({ name: `${workload.name}, run ${run}`, workload, reference });
  for (let run = 1; run <= options.compactions; run += 1) report.add(await compactionTrial(lane, plan(run)));
  for (let run = 1; run <= options.restarts; run += 1) report.add(await restartTrial(lane, plan(run)));
  for (let run = 1; run <= options.uncollected; run += 1) report.add(await uncollectedTrial(lane, `run ${run}`));
  if (options.staleServers > 0) {
    await using stale = await StaleServer.start(world);
    for (let run = 1; run <= options.staleServers; run += 1) report.add(await staleServerTrial(lane, stale, plan(run)));
  }
  report.add(await atRest(lane, 'faults of the servers'));
}

/** Works through a queue that lanes may share, and looks at the operator at rest now and then. */
async function eachThenRest<T>(lane: Lane, report: Report, queue: Iterator<T>, run: (plan: T) => Promise<Outcome>): Promise<void> {
  let count = 0;
  for (let next = queue.next(); !next.done; next = queue.next()) {
    report.add(await run(next.value));
    count += 1;
    if (count % trialsPerRest === 0) report.add(await atRest(lane, `${count} trials`));
  }
}

async function inLanes(count: number, run: (index: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => run(index)));
}

export function total(counts: FaultCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function listed(counts: FaultCounts): string {
  return Object.entries(counts)
    .toSorted()
    .map(([name, count]) => `${name}: ${count}`)
    .join(', ');
}
