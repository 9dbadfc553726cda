/** A run under way: takes in what its Jobs give, watches over the target, and makes the next Job or the end. */
import type { ProfileResult } from '../../api/model-profile/index.ts';
import type { Account, Action, Progress, Run } from './decision.ts';
import { nothingToBeHad } from './dedicated/message.ts';
import { disturbed } from './disturbance.ts';
import { guardBroken } from './guard.ts';
import { tenantsMilliseconds } from './idle/gpu-watch.ts';
import { secondsOf } from './job/arguments.ts';
import { renderJob } from './job/job.ts';
import { awaitsPods, endOf, hindranceOf, isActive, isOfRun, lossOf, podsOf } from './job/job-state.ts';
import { reportAnnotation } from './labels.ts';
import { type Leg, type Observed, tasksOfObserved } from './observed.ts';
import { chunksOf } from './plan/chunks.ts';
import { jobPlanOf } from './plan/job-plan.ts';
import { missingTasks } from './plan/missing.ts';
import { resultsOf, type Task } from './plan/tasks.ts';
import { withArchives } from './report/stored.ts';
import { type Collected, collect } from './results/collect.ts';
import { levelOf } from './results/searches.ts';
import type { ReadyTarget } from './target/target.ts';
import { podsState } from './target/target-pods.ts';
import { rfc3339 } from './times.ts';

export const defaultDurationSeconds = 14_400;
/** Job names that the status can hold. */
const mostJobs = 64;
/** Wrong usage: every further attempt would end the same way. */
const usageExitCode = 2;
/** The server cannot take the payload, which does not change either. */
const payloadExitCode = 6;
/** The server could not be used: it may be, a little later. */
const targetExitCode = 3;

/** @param run `Running`, with its start time */
export function measure(observed: Observed, begun: Run, known: readonly ProfileResult[]): Progress {
  const { profile, now } = observed;
  const jobs = observed.jobs.filter((job) => isOfRun(job, begun.id)).toSorted((a, b) => attemptOf(a, begun.id) - attemptOf(b, begun.id));
  const seen = disturbed(withJobs(begun, jobs), jobs, known, observed);
  const collected = collect({ run: seen, jobs, pods: observed.pods, known });
  const run = withArchives(seen, collected.stored, jobs.at(-1)?.metadata.annotations?.[reportAnnotation]);
  const tasks = tasksOfObserved(observed);
  const results = inOrder(collected.results, tasks);
  const active = jobs.filter(isActive);
  const { refusals } = collected;

  const fail = (reason: string, message: string): Progress => ({
    run: { ...run, state: 'Failed', completionTime: rfc3339(now), reason, message: message.slice(0, 1024) },
    results,
    refusals,
    account: { kind: 'Ended' },
    actions: active.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map((job) => removal(job, 'Foreground', reason)),
  });
  const wrong = collected.failures.find(({ exitCode }) => exitCode === usageExitCode);
  if (wrong !== undefined) return fail('LoadRefused', `The load generator refused what it was given: ${wrong.message}`);
  const misfit = collected.failures.find(({ exitCode }) => exitCode === payloadExitCode);
  if (misfit !== undefined) return fail('PayloadRefused', `The model server does not take spec.payload: ${misfit.message}`);
  const broken = guardBroken(profile.spec, results, run);
  if (broken !== undefined) return fail('GuardTripped', broken);
  if (observed.dedicated !== undefined && observed.legs.length === 0)
    return fail('HardwareUnavailable', nothingToBeHad(observed.dedicated.hardware));
  const refused = observed.legs.find(({ state }) => state.kind === 'Refused')?.state;
  if (refused?.kind === 'Refused') return fail(refused.reason, refused.message);

  const missing = missingTasks(tasks, results, profile.spec.budget?.maxRepeatsPerPoint ?? 1);
  const { maxDurationSeconds = defaultDurationSeconds } = profile.spec.budget ?? {};
  const left = Date.parse(run.startTime ?? rfc3339(now)) + maxDurationSeconds * 1000 - now;
  const going = (account: Account, actions: readonly Action[] = [], wait = left): Progress => ({
    run,
    results,
    refusals,
    account,
    actions,
    lookAgainMilliseconds: Math.max(1000, Math.min(wait, left)),
  });

  if (missing.length === 0 && active.length === 0) return complete(observed, run, results, refusals);
  if (left <= 0)
    return fail('BudgetExhausted', `${missing.length} of ${tasks.length} points were not measured within ${maxDurationSeconds} s`);
  const [current] = active;
  if (current !== undefined) {
    if (current.metadata.deletionTimestamp !== undefined) {
      return going({
        kind: 'Waiting',
        reason: 'JobEnding',
        message: `Job ${current.metadata.name} is being deleted; what it leaves out is measured again`,
      });
    }
    const loss = podsOf(current, observed.pods).flatMap((pod) => lossOf(pod, observed) ?? [])[0];
    if (loss !== undefined) {
      const message = `Job ${current.metadata.name} lost its pod: ${loss}; what is missing is measured again`;
      return going({ kind: 'Waiting', reason: 'NodeLost', message }, [removal(current, 'Background', loss)]);
    }
    const hindrance = hindranceOf(current, observed.pods, now);
    const state = measuringState(tasks, results);
    if (hindrance !== undefined)
      return going({ kind: 'Measuring', reason: hindrance.reason, message: `${state}. ${hindrance.message}` }, [], 60_000);
    return going({ kind: 'Measuring', message: state }, [], lookEvery(observed));
  }
  return nextJob({ observed, run, jobs, tasks, missing, results, collected, left, going, fail });
}

interface Standing {
  readonly observed: Observed;
  readonly run: Run;
  readonly jobs: readonly Observed['jobs'][number][];
  readonly tasks: readonly Task[];
  readonly missing: readonly Task[];
  readonly results: readonly ProfileResult[];
  readonly collected: Collected;
  /** Milliseconds of the budget. */
  readonly left: number;
  readonly going: (account: Account, actions?: readonly Action[], wait?: number) => Progress;
  readonly fail: (reason: string, message: string) => Progress;
}

/** One more Job, with only what is missing, on the first leg that is ready; or the end, when there were enough of them. */
function nextJob({ observed, run, jobs, tasks, missing, results, collected, left, going, fail }: Standing): Progress {
  const { profile, legs, now, settings } = observed;
  const attempt = run.jobs?.length ?? 0;
  const unmeasured = missing.filter((task) => resultsOf(task, results).length === 0);
  // Of copies each has its own measure of patience, and the others go on when one has none left.
  const patience = 2 + 2 * (profile.spec.budget?.maxRepeatsPerPoint ?? 1);
  const enough = observed.dedicated === undefined ? patience : mostJobs;
  const last = collected.failures.findLast(({ message }) => message !== '');
  const said = last === undefined ? '' : ` The last pod said: ${last.message}`;
  const current = jobs.at(-1)?.metadata.name;
  const isRefused = collected.failures.some(({ job, exitCode }) => job === current && exitCode === targetExitCode);
  if (attempt >= enough) {
    if (unmeasured.length === 0) return complete(observed, run, results, collected.refusals);
    return fail('PointsMissing', `${unmeasured.length} of ${tasks.length} points could not be measured in ${attempt} Jobs.${said}`);
  }
  const leg = legs.find(({ hardware, state }) => state.kind === 'Ready' && missing.some((task) => task.hardware === hardware));
  if (leg?.state.kind !== 'Ready') {
    const waits = legs.find(
      ({ hardware, state }) => state.kind === 'NotReady' && missing.some((task) => task.hardware === hardware),
    )?.state;
    const message = waits?.kind === 'NotReady' ? waits.message : 'The target is being looked for';
    return going({ kind: 'Waiting', reason: waits?.kind === 'NotReady' ? waits.reason : 'Reading', message });
  }
  // A server that has just refused everything is given time: 10 s, 20 s, 40 s.
  const ended = jobs.flatMap((job) => endOf(job) ?? []).at(-1);
  const pause = !isRefused || ended === undefined ? 0 : ended + 10_000 * 2 ** Math.max(0, attempt - 1) - now;
  if (pause > 0)
    return going({ kind: 'Waiting', reason: 'LoadFailed', message: `The load could not be sent, and is tried again.${said}` }, [], pause);

  const latest = jobs.at(-1);
  if (latest !== undefined && awaitsPods(latest, observed.pods, now)) {
    return going({ kind: 'Measuring', message: measuringState(tasks, results) }, [], 2000);
  }

  const own = missing.filter((task) => task.hardware === leg.hardware);
  const chunks = chunksOf(own);
  const { target } = leg.state;
  const job = renderJob({
    profile,
    run: run.id,
    attempt,
    target,
    chunks,
    plan: jobPlanOf(chunks, results),
    ...(observed.dataset !== undefined && { dataset: observed.dataset }),
    ...(observed.reportPlace?.kind === 'Usable' && { reportUri: observed.reportPlace.uri }),
    settings,
    deadlineSeconds: Math.max(1, Math.floor(left / 1000)),
  });
  const after = run.jobs?.at(-1);
  const note =
    attempt === 0
      ? `Measures ${target.provenance.target}: ${describe(own)}, about ${minutes(own, profile.spec)}, by Job ${job.metadata.name}`
      : `Measures again what is missing or came out invalid: ${describe(own)}, by Job ${job.metadata.name}`;
  const create: Action = {
    kind: 'CreateJob',
    job,
    ...(after !== undefined && { after }),
    event: { type: 'Normal', reason: attempt === 0 ? 'RunStarted' : 'PointsRepeated', action: 'Measure', note },
  };
  // Whoever was there from the start is a part of what is measured; a copy is measured alone.
  const tenants = attempt === 0 && leg.hardware === undefined ? (observed.gpu?.tenants?.pods ?? []) : [];
  const next: Run = {
    ...run,
    jobs: [...(run.jobs ?? []), job.metadata.name],
    targetState: stateOf(leg, target),
    ...(tenants.length > 0 && { gpuTenants: tenants.slice(0, 64) }),
  };
  return { ...going({ kind: 'Measuring', message: measuringState(tasks, results) }, [create], lookEvery(observed)), run: next };
}

/** GPUs are looked at while they are measured: nothing tells of a Pod that comes to them. */
function lookEvery({ gpu }: Observed): number {
  return gpu?.tenants === undefined ? 60_000 : tenantsMilliseconds;
}

function complete({ now }: Observed, run: Run, results: readonly ProfileResult[], refusals: Collected['refusals']): Progress {
  return { run: { ...run, state: 'Complete', completionTime: rfc3339(now) }, results, refusals, account: { kind: 'Ended' }, actions: [] };
}

/** A Job that was made just before the operator ended may be missing in the status. */
function withJobs(run: Run, jobs: readonly Observed['jobs'][number][]): Run {
  const known = run.jobs ?? [];
  const more = jobs.map(({ metadata }) => metadata.name).filter((name) => !known.includes(name));
  return more.length === 0 ? run : { ...run, jobs: [...known, ...more].slice(0, mostJobs) };
}

function attemptOf({ metadata }: Observed['jobs'][number], run: string): number {
  return Number(metadata.name.slice(metadata.name.lastIndexOf(`${run}-`) + run.length + 1));
}

/** Results in the order of the sweep: batch sizes and levels rising. */
function inOrder(results: readonly ProfileResult[], tasks: readonly Task[]): readonly ProfileResult[] {
  const hardware = [...new Set(tasks.map((task) => task.hardware))];
  return results.toSorted(
    (a, b) => hardware.indexOf(a.hardware) - hardware.indexOf(b.hardware) || a.batchSize - b.batchSize || levelOf(a) - levelOf(b),
  );
}

function removal(job: Observed['jobs'][number], propagation: 'Foreground' | 'Background', why: string): Action {
  return { kind: 'DeleteJob', job, propagation, why };
}

function stateOf(leg: Leg, target: ReadyTarget): string {
  return podsState(leg.pods.length > 0 ? leg.pods : target.pods);
}

function measuringState(tasks: readonly Task[], results: readonly ProfileResult[]): string {
  const done = tasks.filter((task) => resultsOf(task, results).length > 0).length;
  return `${done} of ${tasks.length} ${tasks[0]?.kind === 'Search' ? 'searches' : 'points'} measured`;
}

function describe(tasks: readonly Task[]): string {
  const [first] = tasks;
  if (tasks.length === 1 && first !== undefined) return first.id;
  return `${tasks.length} ${first?.kind === 'Search' ? 'searches' : 'points'}`;
}

function minutes(tasks: readonly Task[], spec: Parameters<typeof secondsOf>[0]): string {
  const seconds = tasks.reduce((sum, task) => sum + secondsOf(spec, task), 0);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
