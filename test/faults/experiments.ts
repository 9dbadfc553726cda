/** Small pieces of the campaign, each able to catch a certain kind of defect within seconds. */
import { crashTrial, phases } from './crash.ts';
import type { Known } from './families.ts';
import type { Lane, LaneOptions } from './lane.ts';
import { type LeaderFault, leaderPlan, leaderTrial, ReplicaPair } from './leaders.ts';
import type { Random } from './random.ts';
import { requestFaultTrial } from './request-faults.ts';
import { atRest, restartAtRest } from './rest.ts';
import { expiredTrial, staleServerTrial } from './server-faults.ts';
import { StaleServer } from './stale-server.ts';
import { disturbedRun, type Outcome } from './trial.ts';
import { usurpedTrial } from './usurped.ts';
import { halfOpenTrial, watchFaultTrial } from './watch-faults.ts';

export interface Bench {
  readonly lane: Lane;
  readonly known: readonly [Known, ...Known[]];
  readonly random: Random;
}

/** Gives outcomes one by one, so that the first violation may end it. */
export type Experiment = (bench: Bench) => AsyncGenerator<Outcome>;

export async function* undisturbed({ lane, known }: Bench): AsyncGenerator<Outcome> {
  for (const [workload, reference] of known)
    yield await disturbedRun(lane, { family: 'undisturbed', name: workload.name, workload, reference });
  yield await atRest(lane, 'undisturbed runs');
}

export async function* restarted({ lane, known: [[workload]] }: Bench): AsyncGenerator<Outcome> {
  yield await restartAtRest(lane, workload);
}

/** Requests meet one of the named faults, every second one or so. */
export function requests(only: readonly string[], probability = 0.5, runs = 4): Experiment {
  return async function* ({ lane, known, random }) {
    for (let run = 1; run <= runs; run += 1) {
      const [workload, reference] = random.pick(known);
      yield await requestFaultTrial(lane, { name: `run ${run}`, workload, reference }, { random, probability, counts: {}, only });
    }
    yield await atRest(lane, 'request faults');
  };
}

export async function* watches({ lane, known, random }: Bench): AsyncGenerator<Outcome> {
  for (let run = 1; run <= 8; run += 1) {
    const [workload, reference] = random.pick(known);
    yield await watchFaultTrial(lane, { name: `run ${run}`, workload, reference }, { random, counts: {} });
    yield await atRest(lane, 'watch faults');
  }
}

export async function* crashes({ lane, known, random }: Bench): AsyncGenerator<Outcome> {
  for (let run = 1; run <= 10; run += 1) {
    const [workload, reference] = random.pick(known);
    const phase = random.pick(phases);
    yield await crashTrial(lane, { workload, reference, write: random.between(1, reference.writes), phase, downMilliseconds: 300 });
  }
}

export async function* usurped({ lane }: Bench): AsyncGenerator<Outcome> {
  for (let run = 1; run <= 3; run += 1) yield await usurpedTrial(lane, `run ${run}`);
}

export async function* expired({ lane, known: [[workload, reference]] }: Bench): AsyncGenerator<Outcome> {
  for (let run = 1; run <= 2; run += 1) yield await expiredTrial(lane, { name: workload.name, workload, reference });
  yield await atRest(lane, 'expired positions');
}

export async function* halfOpen({ lane, known: [[workload, reference]] }: Bench): AsyncGenerator<Outcome> {
  yield await halfOpenTrial(lane, { name: workload.name, workload, reference }, {});
}

export async function* staleServer({ lane, known: [[workload, reference]] }: Bench): AsyncGenerator<Outcome> {
  await using stale = await StaleServer.start(lane.world);
  for (let run = 1; run <= 2; run += 1) yield await staleServerTrial(lane, stale, { name: workload.name, workload, reference });
}

/** With two replicas: the lane's options are for each of them. */
export function replicas(fault: LeaderFault, runs = 4) {
  return async function* (options: LaneOptions, { known, random }: Omit<Bench, 'lane'>): AsyncGenerator<Outcome> {
    await using pair = await ReplicaPair.start(options);
    for (let run = 1; run <= runs; run += 1) yield await leaderTrial(pair, leaderPlan(random.pick(known), fault, random));
  };
}
