/** The whole policy of the profile controller: from what was observed to what should be done and said. Pure. */
import type { ProfileResult } from '../../api/model-profile/index.ts';
import { withApplication } from './apply/with-application.ts';
import type { Account, Action, Decision, Progress, Run, StatusDraft } from './decision.ts';
import { roomMilliseconds } from './dedicated/gpu-claim.ts';
import { ofLatestRun, withEarlierResults } from './earlier-results.ts';
import { gateOf } from './gates.ts';
import { lookEveryMilliseconds } from './idle/wait.ts';
import { isActive, isOfRun } from './job/job-state.ts';
import { measure } from './measure.ts';
import type { Observed } from './observed.ts';
import { nextRunId, specHashOf } from './plan/run-id.ts';
import { lacksConfigMap, withConfigMap } from './report/stored.ts';
import { reusable, takenOver } from './reuse/take-over.ts';
import { draftStatus } from './status.ts';
import type { TargetState } from './target/target.ts';
import { rfc3339 } from './times.ts';
import { scheduleOf, triggerOf } from './trigger.ts';

/** What should be true now. The same observation always gives the same decision. */
export function decide(stored: Observed): Decision {
  const observed = { ...stored, profile: ofLatestRun(stored.profile) };
  if (observed.profile.metadata.deletionTimestamp !== undefined) {
    return { actions: [], status: undefined, refusals: [], takesPlace: false };
  }
  const progress = withReport(progressOf(observed), observed);
  const { run, actions, refusals = [], results } = progress;
  const schedule = scheduleOf(observed);
  const writesReport = lacksConfigMap(observed.profile.spec.report?.configMap, run, results.length, observed.reportWritten);
  const lookAgainMilliseconds = soonest(
    progress.lookAgainMilliseconds,
    schedule?.kind === 'Refused' ? undefined : schedule?.wakeAfterMilliseconds,
  );
  const { status, step } = statusOf(stored, progress);
  return {
    actions,
    status,
    refusals,
    takesPlace: run?.state === 'Running',
    ...(lookAgainMilliseconds !== undefined && { lookAgainMilliseconds }),
    ...(writesReport && { writesReport }),
    ...(step !== undefined && { step }),
  };
}

/** The status when the Job that was decided on could not be made: the run is where it was, and somebody has to act. */
export function afterRefusedJob(stored: Observed, message: string): StatusDraft {
  const progress = progressOf({ ...stored, profile: ofLatestRun(stored.profile) });
  const { run } = progress;
  const made = run?.jobs?.slice(0, -1) ?? [];
  const { jobs: _, startTime, ...rest } = run ?? {};
  const before = made.length > 0 ? { jobs: made, ...(startTime !== undefined && { startTime }) } : { state: 'Waiting' as const };
  const account: Account = { kind: 'Blocked', reason: 'JobRefused', message };
  return statusOf(stored, { ...progress, ...(run !== undefined && { run: { ...(rest as Run), ...before } }), account }).status;
}

/** With what came of the ConfigMap that holds the full report. */
function withReport(progress: Progress, { reportWritten }: Observed): Progress {
  return { ...progress, run: withConfigMap(progress.run, reportWritten) };
}

/** The status to store, and the next step towards the ModelDeployment. */
function statusOf(stored: Observed, progress: Progress): Pick<Decision, 'step'> & { readonly status: StatusDraft } {
  const observed = { ...stored, profile: ofLatestRun(stored.profile) };
  const { status, step } = withApplication(observed, draftStatus(observed, progress));
  return { status: withEarlierResults(stored.profile.status, status), ...(step !== undefined && { step }) };
}

/** The shortest of the waits that are known. */
function soonest(...waits: readonly (number | undefined)[]): number | undefined {
  const known = waits.filter((wait) => wait !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function progressOf(observed: Observed): Progress {
  const { run, results } = currentRun(observed);
  const isOver = run === undefined || (run.state !== 'Waiting' && run.state !== 'Running');
  const stale = observed.jobs.filter((job) => isActive(job) && (isOver || !isOfRun(job, run.id)));
  const actions = stale
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map((job): Action => ({ kind: 'DeleteJob', job, propagation: 'Foreground', why: 'its run is over' }));
  const schedule = scheduleOf(observed);
  if (schedule?.kind === 'Refused' && isOver) {
    return { run, results, account: { kind: 'Blocked', reason: 'ScheduleInvalid', message: schedule.message }, actions };
  }
  if (
    schedule?.kind === 'Wait' &&
    isOver &&
    (run === undefined || run.state === 'Cancelled' || run.specHash !== specHashOf(observed.profile.spec))
  ) {
    const message = `${run === undefined ? 'The first run' : 'The next run, of the spec as it is,'} begins at ${schedule.status.nextTime ?? 'no time'}`;
    return { run, results, account: { kind: 'AwaitingSchedule', message }, actions };
  }
  if (run === undefined || run.state === 'Cancelled') return { run, results, account: { kind: 'Suspended' }, actions };
  if (isOver) return { run, results, account: { kind: 'Ended' }, actions };
  if (!observed.mayMeasure) {
    const message = 'The operator may not read Jobs and Pods here; give it the role of manifests/operator as it is in this version';
    return { run, results, account: { kind: 'Blocked', reason: 'Forbidden', message }, actions };
  }
  if (stale.length > 0) {
    const message = `The run before is still ending: Job ${stale[0]?.metadata.name}`;
    return { run, results, account: { kind: 'Waiting', reason: 'PreviousRunEnding', message }, actions };
  }
  return run.state === 'Waiting' ? start(observed, run) : measure(observed, run, results);
}

/** The run that counts now: a new one where one is called for, else the one there is, ended when the profile is suspended. */
function currentRun({ profile, now }: Observed): { readonly run: Run | undefined; readonly results: readonly ProfileResult[] } {
  const { spec, status } = profile;
  const run = status?.run as Run | undefined;
  const results = (status?.results ?? []) as readonly ProfileResult[];
  const trigger = triggerOf({ profile, now });
  if (trigger !== undefined) {
    const specHash = specHashOf(spec);
    const next: Run = {
      id: nextRunId(profile),
      state: 'Waiting',
      trigger,
      specHash,
      ...(spec.runId !== undefined && { requestedRunId: spec.runId }),
      queuedTime: rfc3339(now),
    };
    return { run: next, results: [] };
  }
  if (run !== undefined && spec.suspend === true && (run.state === 'Waiting' || run.state === 'Running')) {
    return { run: { ...run, state: 'Cancelled', completionTime: rfc3339(now) }, results };
  }
  return { run, results };
}

type Hindrance = { readonly reason: string; readonly message: string; readonly lookAgainMilliseconds?: number } & {
  readonly kind: 'Waiting' | 'Blocked' | 'GiveUp';
};

/** What of the target keeps a run from its start; undefined when it is ready. */
function hindranceOfTarget(state: TargetState | undefined, run: Run, { profile, now }: Observed): Hindrance | undefined {
  switch (state?.kind) {
    case 'Unread':
    case undefined:
      return { kind: 'Waiting', reason: 'Reading', message: 'What serves models in this cluster is being read' };
    case 'Refused':
      return { kind: 'Blocked', reason: state.reason, message: state.message };
    case 'NotReady': {
      const { reason, message } = state;
      const { maxWaitSeconds = 3600 } = profile.spec.budget ?? {};
      const left = Date.parse(run.queuedTime) + maxWaitSeconds * 1000 - now;
      if (left > 0) return { kind: 'Waiting', reason, message, lookAgainMilliseconds: left };
      return { kind: 'GiveUp', reason, message: `${message}. Gave up after ${maxWaitSeconds} s; change spec.runId to try again` };
    }
    case 'Ready':
      return undefined;
  }
}

/** Waits until the target is ready, whatever else is asked for holds, and it is this run's turn; then begins. */
function start(observed: Observed, run: Run): Progress {
  const { legs, turn, profile, now } = observed;
  const waiting = (account: Account, lookAgainMilliseconds?: number): Progress => ({
    run,
    results: [],
    account,
    actions: [],
    ...(lookAgainMilliseconds !== undefined && { lookAgainMilliseconds }),
  });
  const failed = (reason: string, message: string): Progress => ({
    run: { ...run, state: 'Failed', completionTime: rfc3339(now), reason, message: message.slice(0, 1024) },
    results: [],
    account: { kind: 'Ended' },
    actions: [],
  });
  const ready = legs.find(({ state }) => state.kind === 'Ready');
  const hopeful = legs.find(({ state }) => state.kind === 'NotReady' || state.kind === 'Unread');
  const leg = ready ?? hopeful ?? legs[0];
  // Copies are made when the run has begun: they hold hardware that others wait for.
  const makesCopies = observed.dedicated !== undefined && leg?.hardware !== undefined;
  const hindrance = makesCopies ? undefined : hindranceOfTarget(leg?.state, run, observed);
  if (hindrance?.kind === 'GiveUp') return failed(hindrance.reason, hindrance.message);
  if (hindrance !== undefined) {
    const { kind, reason, message, lookAgainMilliseconds } = hindrance;
    return waiting({ kind, reason, message }, lookAgainMilliseconds);
  }
  const identical = ready?.state.kind === 'Ready' ? reusable(observed, run, ready.state.target.provenance) : undefined;
  if (identical !== undefined) return takenOver(observed, run, identical);
  if (observed.reportPlace?.kind === 'Refused')
    return waiting({ kind: 'Blocked', reason: 'ReportRepositoryNotAvailable', message: observed.reportPlace.message });
  if (observed.dataset?.kind === 'Refused')
    return waiting({ kind: 'Blocked', reason: observed.dataset.reason, message: observed.dataset.message });
  const gate = gateOf(observed);
  if (gate.kind === 'GiveUp') return failed(gate.reason, gate.message);
  if (gate.kind === 'Wait') return waiting({ kind: 'Waiting', reason: gate.reason, message: gate.message }, gate.lookAgainMilliseconds);
  if (turn.kind === 'Wait') {
    const message = `Waits for its turn, ${turn.ahead} ${turn.ahead === 1 ? 'run' : 'runs'} ahead: ${turn.message}`;
    // Whether the GPUs stay idle is watched meanwhile, so that the wait does not begin anew when the turn comes.
    const idleLook = observed.gpu?.idle === undefined ? undefined : lookEveryMilliseconds(profile.spec.idlePolicy ?? {});
    const lookAgain = soonest(idleLook, observed.claim === undefined ? undefined : roomMilliseconds);
    return waiting({ kind: 'Waiting', reason: 'Queued', message, ahead: turn.ahead }, lookAgain);
  }
  return measure(observed, { ...run, state: 'Running', startTime: rfc3339(now) }, []);
}
