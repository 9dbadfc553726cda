/** What the policies of a profile add to its status: the history, and what is judged of results once a run has ended. */
import type { ModelProfileStatus } from '../../api/model-profile/index.ts';
import type { ConditionInput } from '../../kube/conditions.ts';
import type { Progress } from './decision.ts';
import { type PastRun, pastOf, remember, trimmed } from './history/history.ts';
import { idleVerdictOf } from './idle/gate.ts';
import { gpuSourceText } from './idle/gpu-source.ts';
import type { Observed } from './observed.ts';
import { specHashOf } from './plan/run-id.ts';
import { judgeRegression } from './regression/baseline.ts';
import { judgeStaleness, type Provenance } from './staleness/staleness.ts';
import { scheduleOf } from './trigger.ts';

export interface Outcome {
  /** Id of the best point. */
  readonly best: string | undefined;
  readonly sloMet: PastRun['sloMet'];
  /** What the results are of. */
  readonly provenance: Provenance | undefined;
}

export interface PolicyStatus {
  readonly conditions: readonly ConditionInput[];
  readonly fields: Pick<ModelProfileStatus, 'history' | 'schedule' | 'idle' | 'gpuSource'>;
}

const defaultHistoryLimit = 10;

export function policyStatus(observed: Observed, progress: Progress, outcome: Outcome): PolicyStatus {
  const history = historyOf(observed, progress, outcome);
  const conditions = [
    idleCondition(observed, progress),
    regressed(observed, progress, outcome, history),
    stale(observed, progress, outcome),
  ];
  return {
    conditions: conditions.filter((condition) => condition !== undefined),
    fields: {
      ...(history.length > 0 && { history: [...history] }),
      ...scheduleFields(observed),
      ...idleFields(observed, progress),
      ...gpuFields(observed, progress),
    },
  };
}

function historyOf({ profile }: Observed, { run, results }: Progress, { best, sloMet }: Outcome): readonly PastRun[] {
  const limit = profile.spec.historyLimit ?? defaultHistoryLimit;
  const known = (profile.status?.history ?? []) as readonly PastRun[];
  const trim = (history: readonly PastRun[]) => trimmed(history, limit, profile.spec.baseline?.run);
  if (run?.state !== 'Complete' || run.completionTime === undefined || results.length === 0) return trim(known);
  const { id, specHash, completionTime } = run;
  return trim(remember(known, pastOf({ run: { id, specHash, completionTime }, results, best, sloMet })));
}

/** Judged when a run is complete. While the next one goes on the last verdict stands, so that an alert does not end by measuring again. */
function regressed(
  { profile, baselineProfile }: Observed,
  { run, results }: Progress,
  { best }: Outcome,
  history: readonly PastRun[],
): ConditionInput | undefined {
  const { baseline } = profile.spec;
  if (baseline === undefined) return undefined;
  if (run?.state !== 'Complete') return standing(profile.status, 'Regressed');
  const { id, specHash } = run;
  return { type: 'Regressed', ...judgeRegression(baseline, { id, specHash, results, best, history }, baselineProfile) };
}

function stale({ profile, legs, version }: Observed, { run, results }: Progress, { provenance }: Outcome): ConditionInput | undefined {
  if (run === undefined || results.length === 0 || provenance === undefined || run.state === 'Waiting' || run.state === 'Running')
    return undefined;
  const leg = legs.find(({ hardware }) => hardware === undefined);
  // A target that is not ready says nothing of itself: what was found before stands, and else only the spec and this program are compared.
  const before = leg?.state.kind === 'Ready' ? undefined : standing(profile.status, 'Stale');
  if (before !== undefined) return before;
  const now = leg?.state.kind === 'Ready' ? leg.state.target.provenance : { target: provenance.target };
  const verdict = judgeStaleness(
    { specHash: run.specHash, provenance },
    { specHash: specHashOf(profile.spec), provenance: { ...now, tool: version } },
  );
  return { type: 'Stale', ...verdict };
}

function standing(status: Observed['profile']['status'], type: string): ConditionInput | undefined {
  const condition = status?.conditions?.find((one) => one.type === type);
  return condition === undefined ? undefined : { type, status: condition.status, reason: condition.reason, message: condition.message };
}

function idleCondition(observed: Observed, { run }: Progress): ConditionInput | undefined {
  if (observed.profile.spec.idlePolicy === undefined || run === undefined) return undefined;
  const verdict = idleVerdictOf(observed);
  if (verdict === undefined) return observed.profile.status?.idle?.runId === run.id ? standing(observed.profile.status, 'Idle') : undefined;
  const { kind, reason, message } = verdict;
  return { type: 'Idle', status: kind === 'Idle' ? 'True' : 'False', reason, message };
}

function idleFields(observed: Observed, { run }: Progress): Pick<ModelProfileStatus, 'idle'> {
  const before = observed.profile.status?.idle as ModelProfileStatus['idle'];
  const idle = idleVerdictOf(observed)?.status ?? (before?.runId === run?.id ? before : undefined);
  return observed.profile.spec.idlePolicy === undefined || idle === undefined ? {} : { idle };
}

function scheduleFields(observed: Observed): Pick<ModelProfileStatus, 'schedule'> {
  const decision = scheduleOf(observed);
  if (decision !== undefined) return decision.kind === 'Refused' ? {} : { schedule: decision.status };
  const { schedule } = observed.profile.status ?? {};
  if (observed.profile.spec.schedule === undefined || schedule === undefined) return {};
  // Suspended: nothing comes next.
  const { nextTime: _, ...rest } = schedule;
  return { schedule: rest };
}

/** Once a run has ended, what was written then stays. */
function gpuFields({ profile, gpu }: Observed, { run, results }: Progress): Pick<ModelProfileStatus, 'gpuSource'> {
  if (run === undefined || results.length === 0) return {};
  const was = profile.status?.run?.id === run.id ? profile.status : undefined;
  const stays = gpu?.source === undefined || (was?.run?.state !== 'Running' && was?.gpuSource !== undefined);
  const text = stays ? was?.gpuSource : gpuSourceText(gpu.source, results).slice(0, 512);
  return text === undefined ? {} : { gpuSource: text };
}
