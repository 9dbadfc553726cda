/** Runs a workload against a lane and asks every oracle about it. */

import { differences } from './end-state.ts';
import type { Lane } from './lane.ts';
import {
  collateral,
  consistentReads,
  doubleCreations,
  endState,
  identity,
  isWork,
  orphans,
  preconditions,
  presentState,
  type Reference,
  statusPreconditions,
  statusTruth,
} from './oracles.ts';
import { cleanUp, isClean, type Trial, type Workload } from './workload.ts';

/** What came of one trial. */
export interface Outcome {
  readonly family: string;
  /** Enough to run it again: workload, fault, place. */
  readonly name: string;
  readonly converged: boolean;
  /** A sentence per violation; empty: passed. */
  readonly violations: readonly string[];
  readonly seconds: number;
}

export interface TrialOptions {
  /** How long a step takes at least, where waiting is part of it. */
  readonly stepSeconds?: number;
  /** Called when every step is done, before the end state is judged: faults end here. */
  readonly calm?: () => void;
}

/** Runs every step; gives what did not come about, or undefined. */
async function runSteps(trial: Trial, workload: Workload, seconds: number): Promise<string | undefined> {
  const limit = seconds * 1000;
  for (const step of workload.steps) {
    await step.act(trial);
    if (!(await trial.history.until(() => step.done(trial), limit)))
      return `step "${step.name}" of ${workload.name} was not done after ${limit / 1000} s`;
  }
  return undefined;
}

/** An undisturbed run: what it leads to, and how many writes that takes. */
export async function referenceRun(lane: Lane, workload: Workload): Promise<Reference> {
  const trial = lane.trial();
  const mark = lane.proxy.record.length;
  const problem = await runSteps(trial, workload, lane.patience);
  if (problem !== undefined) {
    throw new Error(`undisturbed run: ${problem}\n${JSON.stringify(presentState(trial), null, 1)}\n${lane.operator.log(20)}`);
  }
  await lane.quiet(500, 20_000);
  const reference = {
    state: presentState(trial),
    writes: lane.requestsSince(mark).filter(isWork).length,
  };
  await clear(trial);
  return reference;
}

/** Paths in which undisturbed runs differ from each other: these would have to be masked, and none should be. */
export function instability(references: readonly Reference[]): string[] {
  const [first, ...rest] = references;
  return rest.flatMap((other) => differences(first?.state, other.state));
}

/** One disturbed run, held against an undisturbed one where there is such a thing. The disturbance is already in place in the lane's proxy, or comes from outside while this runs. */
export async function disturbedRun(
  lane: Lane,
  plan: { readonly family: string; readonly name: string; readonly workload: Workload; readonly reference?: Reference },
  options: TrialOptions = {},
): Promise<Outcome> {
  const { family, name, workload, reference } = plan;
  const started = performance.now();
  const trial = lane.trial();
  const mark = lane.proxy.record.length;
  const { gaps } = trial.history;
  const violations: string[] = [];
  const problem = await runSteps(trial, workload, Math.max(lane.patience, options.stepSeconds ?? 0));
  if (problem !== undefined) violations.push(`not converged: ${problem}`);
  options.calm?.();
  const wrong = () => [...(reference === undefined ? [] : endState(trial, reference)), ...orphans(trial)];
  const settled = await trial.history.until(() => wrong().length === 0, lane.patience * 500);
  if (!settled) violations.push(...wrong());
  const changes = trial.history.of(trial.namespace, trial.prefix);
  violations.push(...doubleCreations(changes), ...identity(changes), ...collateral(changes));
  // Of states that nobody saw nothing can be said.
  if (trial.history.gaps === gaps) violations.push(...statusTruth(changes));
  const requests = lane.requestsSince(mark);
  violations.push(...preconditions(requests), ...statusPreconditions(requests), ...consistentReads(requests));
  if (lane.operator.ended !== undefined) violations.push(`the operator ended by itself: ${lane.operator.ended}\n${lane.operator.log(15)}`);
  violations.push(...(await clear(trial)));
  return {
    family,
    name,
    converged: problem === undefined && settled,
    violations: [...new Set(violations)],
    seconds: (performance.now() - started) / 1000,
  };
}

/** Deletes what the trial made; what does not go within the limit is an orphan or a stuck deletion. */
export async function clear(trial: Trial): Promise<string[]> {
  await cleanUp(trial);
  const clean = await trial.history.until(() => isClean(trial), 30_000);
  const left = clean ? [] : trial.history.present('InferenceService', trial.namespace, trial.prefix).map(({ metadata }) => metadata.name);
  trial.history.forget(trial.namespace, trial.prefix);
  return clean ? [] : [`not gone after deletion: ${left.join(', ') || 'a ModelDeployment'}`];
}
