/** The status of a profile, from how far its run is. */
import type { ModelProfile, ModelProfileStatus } from '../../api/model-profile/index.ts';
import { type ConditionInput, setConditions } from '../../kube/conditions.ts';
import type { Cached } from '../../kube/store.ts';
import type { Choice } from '../../load/best.ts';
import { recommendationFor } from './apply/observe.ts';
import type { Account, Progress, StatusDraft } from './decision.ts';
import { withHardware } from './dedicated/message.ts';
import { secondsOf } from './job/arguments.ts';
import { type Observed, tasksOfObserved } from './observed.ts';
import { resultsOf } from './plan/tasks.ts';
import { policyStatus } from './policies.ts';
import { shownPosition } from './queue.ts';
import { objectiveOf, outcomeOf } from './results/choose.ts';
import { searchesOf } from './results/searches.ts';
import { targetLabelOf } from './target/target-key.ts';

type Verdict = Pick<ConditionInput, 'status' | 'reason' | 'message'>;

const longestMessage = 4096;

export function draftStatus(observed: Observed, progress: Progress): StatusDraft {
  const { profile } = observed;
  const { run, results } = progress;
  const { choice, status } = outcomeOf(results, objectiveOf(profile.spec));
  const ready = withHardware(readyVerdict(progress, choice), observed.dedicated?.hardware);
  const summary = summaryOf(progress);
  const searches = searchesOf(tasksOfObserved(observed), results, objectiveOf(profile.spec));
  const slo = sloCondition(observed, progress, choice);
  const measured = measuredOf(observed, progress);
  const policies = policyStatus(observed, progress, {
    best: choice.best ?? undefined,
    sloMet: slo?.status ?? 'Unknown',
    provenance: measured.provenance,
  });
  const recommendation = run?.state === 'Complete' ? recommendationFor(observed.recommending, status.best) : undefined;
  const conditions: (ConditionInput | undefined)[] = [
    { type: 'Ready', ...ready },
    { type: 'Complete', ...completeVerdict(progress, ready) },
    slo,
    ...policies.conditions,
    summary === undefined ? undefined : { type: summary, ...ready, status: 'True' },
  ];
  return {
    conditions: conditions.flatMap((one) => (one === undefined ? [] : [{ ...one, message: clip(one.message) }])),
    target: targetLabelOf(profile).slice(0, 317),
    ...(run !== undefined && { run, progress: progressFields(observed, progress) }),
    ...(observed.dedicated !== undefined && observed.dedicated.hardware.length > 0 && { hardware: [...observed.dedicated.hardware] }),
    ...(results.length > 0 && { results: [...results], ...(searches.length > 0 && { searches }), ...status }),
    ...(recommendation !== undefined && { recommendation }),
    ...measured,
    ...policies.fields,
  };
}

/** The status to write: conditions keep the times of their last change. */
export function stampStatus(profile: Cached<ModelProfile>, draft: StatusDraft, now: string): ModelProfileStatus {
  const generation = profile.metadata.generation ?? 0;
  const wanted = new Set(draft.conditions.map(({ type }) => type));
  const conditions = setConditions(profile.status?.conditions, draft.conditions, { now, observedGeneration: generation });
  return { ...draft, observedGeneration: generation, conditions: conditions.filter(({ type }) => wanted.has(type)) };
}

function readyVerdict({ run, results, account }: Progress, choice: Choice): Verdict {
  switch (account.kind) {
    case 'AwaitingSchedule':
      return { status: 'False', reason: 'AwaitingSchedule', message: account.message };
    case 'Suspended':
      return { status: 'False', reason: 'Suspended', message: 'Nothing is measured until spec.suspend is false' };
    case 'Waiting':
    case 'Blocked':
      return { status: 'False', reason: account.reason, message: account.message };
    case 'Measuring':
      return { status: 'False', reason: account.reason ?? 'Measuring', message: account.message };
    case 'Ended':
      break;
  }
  if (run?.state === 'Failed') return { status: 'False', reason: run.reason ?? 'RunFailed', message: run.message ?? 'The run was ended' };
  const invalid = results.filter(({ valid }) => !valid).length;
  const found = choice.best === null ? choice.reason : `best is ${choice.best}: ${choice.reason}`;
  const doubt = invalid === 0 ? '' : `, ${invalid} of them not valid`;
  return { status: 'True', reason: 'Measured', message: `${results.length} points measured${doubt}; ${found}` };
}

function completeVerdict({ run, account }: Progress, ready: Verdict): Verdict {
  if (account.kind === 'Ended' && run?.state === 'Complete') return { ...ready, reason: 'AllPointsMeasured' };
  return { ...ready, status: 'False' };
}

/** Absent without an objective, and until something can be said: a point that keeps it is found, or all are measured and none does. */
function sloCondition({ profile }: Observed, { run, results, account }: Progress, choice: Choice): ConditionInput | undefined {
  const { objective } = profile.spec;
  const asks =
    (objective?.latency?.length ?? 0) > 0 || objective?.maxErrorsPerMillion !== undefined || objective?.minAccuracyPercent !== undefined;
  if (!asks || results.length === 0) return undefined;
  if (choice.best !== null) return { type: 'SLOMet', status: 'True', reason: 'PointFound', message: `${choice.best}: ${choice.reason}` };
  if (account.kind !== 'Ended' || run?.state !== 'Complete') return undefined;
  return {
    type: 'SLOMet',
    status: 'False',
    reason: choice.nearestMiss === null ? 'NothingValid' : 'NoPointQualifies',
    message: choice.reason,
  };
}

/** kstatus' two abnormal states: work goes on, or cannot go on until somebody acts. */
function summaryOf({ run, account }: Progress): 'Reconciling' | 'Stalled' | undefined {
  switch (account.kind) {
    case 'Waiting':
    case 'Measuring':
      return 'Reconciling';
    case 'Blocked':
      return 'Stalled';
    case 'Suspended':
    case 'AwaitingSchedule':
      return undefined;
    case 'Ended':
      return run?.state === 'Failed' ? 'Stalled' : undefined;
  }
}

function progressFields(observed: Observed, { run, results, account }: Progress): NonNullable<ModelProfileStatus['progress']> {
  const tasks = tasksOfObserved(observed);
  const open = tasks.filter((task) => resultsOf(task, results).length === 0);
  const done = tasks.length - open.length;
  const isUnderWay = run?.state === 'Running';
  const ahead = aheadOf(account);
  return {
    done,
    total: tasks.length,
    ...(isUnderWay && { etaSeconds: open.reduce((sum, task) => sum + secondsOf(observed.profile.spec, task), 0) }),
    summary: `${done}/${tasks.length}`,
    ...(ahead !== undefined && { queuePosition: shownPosition(ahead) }),
  };
}

function aheadOf(account: Account): number | undefined {
  return account.kind === 'Waiting' ? account.ahead : undefined;
}

/** What the figures are of and how they are defined: set when a run starts, and kept with its results. */
function measuredOf(
  { profile, legs, version }: Observed,
  { run, results, provenance }: Progress,
): Pick<ModelProfileStatus, 'provenance' | 'method'> {
  const { status, spec } = profile;
  if (run === undefined || run.state === 'Waiting' || (run.jobs === undefined && results.length === 0)) return {};
  if (status?.run?.id === run.id && status.provenance !== undefined && status.method !== undefined) {
    return { provenance: status.provenance, method: status.method } as Pick<ModelProfileStatus, 'provenance' | 'method'>;
  }
  const ready = legs.find(({ state }) => state.kind === 'Ready')?.state;
  if (ready?.kind !== 'Ready') return {};
  const { requestsPerSecond, search, scenario } = spec.sweep;
  const isOpen = requestsPerSecond !== undefined || search?.for === 'RequestsPerSecond' || scenario?.name === 'Server';
  return {
    provenance: provenance ?? { ...ready.target.provenance, tool: version },
    method: {
      percentile: 'nearest rank',
      clock: 'monotonic, of the load pod',
      loop: isOpen ? 'Open, latency from the intended time' : 'Closed, latency from send to reply',
    },
  };
}

function clip(text: string): string {
  return text.length <= longestMessage ? text : `${text.slice(0, longestMessage - 1)}…`;
}
