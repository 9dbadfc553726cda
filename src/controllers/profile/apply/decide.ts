/** What becomes of the best setting: whether it is applied, undone or held back, and why. Pure. */

import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { ApplicationStatus, Applied } from '../../../api/model-profile/apply.ts';
import { maximumApplied } from '../../../api/model-profile/apply.ts';
import type { HardwareStatus } from '../../../api/model-profile/dedicated.ts';
import type { ModelProfile, ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { ConditionInput } from '../../../kube/conditions.ts';
import type { Cached } from '../../../kube/store.ts';
import { basisOfBest, copiedFromThis } from './basis.ts';
import { backThrough, type SpecPatch, standingOf, tooMuch } from './changes.ts';
import { consentAnnotation, consents } from './consent.ts';
import { markedBy } from './gitops.ts';
import { keptFor } from './kept.ts';
import { type Json, mergePatch } from './merge-patch.ts';
import { measuredBest, type Recommending } from './observe.ts';
import type { FieldConflict } from './ownership.ts';
import { patchFile, patchKey } from './patch-file.ts';
import { type Measured, patchHash, specOfBest } from './recommend.ts';
import { unsettled } from './settled.ts';
import type { Attempt, Outcome, Step } from './step.ts';

/** What the status says of the run, before anything is said of applying it. */
export type Draft = Omit<ModelProfileStatus, 'conditions'> & { readonly conditions: readonly ConditionInput[] };

export interface Applying {
  readonly profile: Cached<ModelProfile>;
  readonly draft: Draft;
  readonly recommending: Recommending | undefined;
  readonly attempt: Attempt | undefined;
  /** Now, as the status writes times. */
  readonly time: string;
}

export interface ApplyDecision {
  readonly condition?: ConditionInput;
  readonly fields: Pick<ModelProfileStatus, 'application' | 'applied'>;
  readonly step?: Step;
}

type Verdict = Pick<ConditionInput, 'status' | 'reason' | 'message'>;

/** A verdict, with what is to be asked next and what is to be remembered. */
interface Finding {
  readonly verdict?: Verdict;
  readonly step?: Step;
  readonly history?: readonly Applied[];
  readonly application?: ApplicationStatus;
}

const defaultTolerancePercent = 5;

export function decideApply(applying: Applying): ApplyDecision {
  const { profile, attempt } = applying;
  const { apply, rollback } = profile.spec;
  const history = settled((profile.status?.applied ?? []) as readonly Applied[], attempt);
  const application = applicationOf(applying);
  const asks = apply === 'Apply' || rollback !== undefined;
  const found =
    rollback !== undefined
      ? goBack(applying, history, rollback, application)
      : apply === 'Apply'
        ? goForward(applying, history, application)
        : {};
  // What was about to be written when the mind was changed, or the operator ended: was it?
  const open = history.find(({ state }) => state === 'Applying');
  const step = found.step ?? (open === undefined || found.history !== undefined ? undefined : writeOf(open, false));
  const applied = bounded(found.history ?? history);
  return {
    ...(asks && found.verdict !== undefined && { condition: { type: 'Applied', ...found.verdict } }),
    fields: {
      ...(asks && Object.keys(found.application ?? application).length > 0 && { application: found.application ?? application }),
      ...(applied.length > 0 && { applied: [...applied] }),
    },
    ...(step !== undefined && step.key !== attempt?.key && { step }),
  };
}

/** The history with what came of the last write. */
function settled(history: readonly Applied[], attempt: Attempt | undefined): readonly Applied[] {
  return history.flatMap((one): Applied[] => {
    if (one.state !== 'Applying' || attempt?.key !== writeOf(one, true).key) return [one];
    return attempt.outcome.kind === 'Written' ? [{ ...one, state: 'Applied', time: attempt.time }] : [];
  });
}

function writeOf(application: Applied, mayWrite: boolean): Extract<Step, { kind: 'Write' }> {
  return { kind: 'Write', key: `write/${application.run}/${application.time}`, application, mayWrite };
}

/** What is known of the latest run, and of who asked. */
function applicationOf({ profile, draft, recommending, attempt }: Applying): ApplicationStatus {
  const before = (profile.status?.application ?? {}) as ApplicationStatus;
  const { run, best, hardware = [] } = draft;
  const generation = profile.metadata.generation ?? 0;
  const judged =
    attempt?.key === judgeKey(generation) && attempt.outcome.kind === 'Judged' && before.judged?.generation !== generation
      ? { generation, admitted: attempt.outcome.admitted }
      : before.judged;
  const isComplete = run?.state === 'Complete';
  const isNew = isComplete && before.run !== run.id;
  const measured = isNew ? measuredBest(recommending, best) : undefined;
  const basis = isNew ? (measured === undefined ? undefined : basisAtEnd(measured, hardware)) : before.basis;
  const { configMap } = before;
  return {
    ...(isComplete ? { run: run.id } : before.run !== undefined && { run: before.run }),
    ...(basis !== undefined && { basis }),
    ...(judged !== undefined && { judged }),
    ...(configMap !== undefined && { configMap }),
  };
}

/** Copies of a ModelDeployment that has changed since were of another one. */
function basisAtEnd(measured: Measured, hardware: readonly HardwareStatus[]): string {
  return copiedFromThis(measured, hardware) ? basisOfBest(measured) : 'changed';
}

function judgeKey(generation: number): string {
  return `judge/${generation}`;
}

function goForward(applying: Applying, history: readonly Applied[], application: ApplicationStatus): Finding {
  const { profile, draft, recommending } = applying;
  const { run } = draft;
  const authority = authorityOf(applying, application);
  // Who asks is judged at once, long before there is anything to apply.
  const judging = authority.kind === 'Pending' ? { step: authority.step } : {};
  if (run?.state !== 'Complete' || profile.spec.suspend === true) return { ...standing(profile), ...judging };
  const done = history.find((one) => one.run === run.id);
  if (done !== undefined && done.state !== 'Applying') return { verdict: verdictOf(done), ...judging };
  const { deployment } = recommending ?? {};
  const measured = measuredBest(recommending, draft.best);
  if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return { verdict: noDeployment(profile) };
  const held = heldBack(draft, measured, application) ?? denied(authority, profile);
  if (held !== undefined || measured === undefined) return { ...(held && { verdict: held }), ...judging };
  if (authority.kind === 'Pending') return { verdict: checking('who may ask for it'), step: authority.step };

  const busy = unsettled(deployment);
  if (busy !== undefined) {
    const message = `${capital(busy)}; it is applied when the ModelDeployment is at rest`;
    return { verdict: { status: 'Unknown', reason: 'AwaitingModel', message } };
  }
  if (done !== undefined) return { verdict: checking('the write'), step: writeOf(done, true) };
  return tryOut(applying, measured, history, application);
}

/** Everything holds: the dry run, what came of it, and the promise to write. */
function tryOut(applying: Applying, measured: Measured, history: readonly Applied[], application: ApplicationStatus): Finding {
  const { profile, draft, attempt, time } = applying;
  const { best, deployment } = measured;
  const { recommendation, run } = draft;
  const patch = mergePatch(deployment.spec as unknown as Json, specOfBest(measured) as unknown as Json) as SpecPatch | undefined;
  if (patch === undefined || recommendation?.patch === undefined || run === undefined) {
    return { verdict: { status: 'True', reason: 'AlreadySet', message: `The ModelDeployment is set up like ${best.id} already` } };
  }
  const kept = keptBy(applying, measured, history);
  if (kept !== undefined) return { verdict: { status: 'True', reason: 'SettingKept', message: kept } };
  if (recommendation.verdict === 'Unchecked') return { verdict: checking('the patch') };
  if (recommendation.verdict === 'Refused')
    return { verdict: { status: 'False', reason: 'ApplyRefused', message: recommendation.message } };
  const key = `try/${run.id}/${patchHash(deployment, JSON.stringify(patch))}/${markedBy(deployment.metadata)?.by ?? ''}`;
  if (attempt?.key !== key) {
    const file = patchFile(deployment.metadata.name, recommendation.patch);
    return { verdict: checking('the patch by a dry run'), step: { kind: 'Try', key, patch, file } };
  }
  const { outcome } = attempt;
  if (outcome.kind !== 'Accepted') return refusedFinding(outcome, application, profile);
  const tooLong = tooMuch(outcome.changes);
  if (tooLong !== undefined) return { verdict: { status: 'False', reason: 'ChangeTooLarge', message: `Nothing is applied: ${tooLong}` } };
  const point = draft.results?.find(({ id }) => id === best.id);
  const { p99, p99Low, p99High } = point?.latencyMicroseconds ?? {};
  const next: Applied = {
    run: run.id,
    state: 'Applying',
    time: attempt.time ?? time,
    modelDeploymentUid: deployment.metadata.uid ?? '',
    point: best.id,
    samplesPerSecond: best.samplesPerSecond,
    ...(point?.samplesPerSecondLow !== undefined && { samplesPerSecondLow: point.samplesPerSecondLow }),
    ...(point?.samplesPerSecondHigh !== undefined && { samplesPerSecondHigh: point.samplesPerSecondHigh }),
    p99Microseconds: p99 ?? best.p99Microseconds,
    ...(p99Low !== undefined && { p99LowMicroseconds: p99Low }),
    ...(p99High !== undefined && { p99HighMicroseconds: p99High }),
    changes: [...outcome.changes],
  };
  // Promised first, and written when the promise is on record: whatever happens in between, it is known how to go back.
  return { verdict: checking('the write'), history: [next, ...history] };
}

/** What came of a dry run that did not go through. */
function refusedFinding(outcome: Outcome, application: ApplicationStatus, { spec }: Cached<ModelProfile>): Finding {
  switch (outcome.kind) {
    case 'Conflict':
      return { verdict: { status: 'False', reason: 'FieldConflict', message: conflictText(outcome.conflicts) } };
    case 'Refused':
      return { verdict: { status: 'False', reason: 'ApplyRefused', message: `The API server refuses it: ${outcome.message}` } };
    case 'Managed': {
      const { gitOps, configMap, refused } = outcome;
      const whose = `ModelDeployment ${spec.target.modelDeployment} is managed by ${gitOps.tool} (${gitOps.by}), so nothing is written to it`;
      const where =
        configMap === undefined
          ? `the patch is in status.recommendation alone: ${refused ?? 'its file could not be written'}`
          : `the patch for its repository is in ConfigMap ${configMap}, key ${patchKey}`;
      return {
        verdict: { status: 'False', reason: 'ManagedByGitOps', message: `${whose}; ${where}` },
        application: { ...application, ...(configMap !== undefined && { configMap }) },
      };
    }
    default:
      return { verdict: checking('the patch') };
  }
}

/** Sets the ModelDeployment back to what it was before a run, through all runs since. At once: what was applied may be what keeps it from being ready. */
function goBack(applying: Applying, history: readonly Applied[], rollback: string, application: ApplicationStatus): Finding {
  const { profile, recommending, attempt, time } = applying;
  const open = history.find(({ state }) => state === 'Applying');
  if (open !== undefined) return { verdict: checking('whether the last application was written'), step: writeOf(open, false) };
  const { deployment } = recommending ?? {};
  const since = history.slice(0, history.findIndex(({ run }) => run === rollback) + 1);
  const undone = since.at(-1);
  if (undone === undefined || (deployment !== undefined && deployment.metadata.uid !== undone.modelDeploymentUid)) {
    const runs = history.map(({ run }) => run).join(', ');
    const message = `spec.rollback: run ${rollback} has applied nothing to this ModelDeployment; ${runs === '' ? 'no run has' : `these have: ${runs}`}`;
    return { verdict: { status: 'False', reason: 'RollbackUnknown', message } };
  }
  const standing = since.filter(({ state }) => state === 'Applied');
  if (standing.length === 0) return { verdict: verdictOf(undone) };
  if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return { verdict: noDeployment(profile) };
  const authority = authorityOf(applying, application);
  if (authority.kind === 'Pending') return { verdict: checking('who may ask for it'), step: authority.step };
  const no = denied(authority, profile);
  if (no !== undefined) return { verdict: no };
  const patch = backThrough(deployment.spec as unknown as Json, standing);
  const isBack = (at: string): Finding => {
    const next = history.map((one): Applied => (standing.includes(one) ? { ...one, state: 'RolledBack', rolledBackTime: at } : one));
    return { verdict: verdictOf({ ...undone, state: 'RolledBack', rolledBackTime: at }), history: next };
  };
  if (patch === undefined) return isBack(time);
  const key = `back/${rollback}/${patchHash(deployment as ModelDeployment, JSON.stringify(patch))}`;
  if (attempt?.key !== key) return { verdict: checking('the way back'), step: { kind: 'RollBack', key, patch } };
  return attempt.outcome.kind === 'Written' ? isBack(attempt.time) : refusedFinding(attempt.outcome, application, profile);
}

type Authority = { readonly kind: 'Given' } | { readonly kind: 'Denied' } | { readonly kind: 'Pending'; readonly step: Step };

/**
 * Who may write a ModelProfile need not be allowed to write the ModelDeployment. Where a policy of the cluster refuses such a profile to those who may
 * not, the profile is enough; elsewhere the ModelDeployment has to name it.
 */
function authorityOf({ profile, recommending, attempt }: Applying, { judged }: ApplicationStatus): Authority {
  if (recommending?.deployment !== undefined && consents(recommending.deployment, profile.metadata.name)) return { kind: 'Given' };
  const generation = profile.metadata.generation ?? 0;
  // A policy that came later has not judged who wrote this.
  if (judged?.generation === generation) return { kind: judged.admitted ? 'Given' : 'Denied' };
  const key = judgeKey(generation);
  return attempt?.key === key ? { kind: 'Denied' } : { kind: 'Pending', step: { kind: 'Judge', key } };
}

function denied({ kind }: Authority, { metadata, spec }: Cached<ModelProfile>): Verdict | undefined {
  if (kind !== 'Denied') return undefined;
  const name = spec.target.modelDeployment;
  const message = `No admission policy has judged whether the author of this profile may update ModelDeployment ${name}. Whoever may can allow it: kubectl annotate modeldeployment ${name} ${consentAnnotation}=${metadata.name}. Or install manifests/admission, and write the profile again`;
  return { status: 'False', reason: 'NotAuthorized', message };
}

/** Why the best setting is not one to apply; undefined when it is. */
function heldBack(
  { best, conditions, run, nearestMiss }: Draft,
  measured: Measured | undefined,
  application: ApplicationStatus,
): Verdict | undefined {
  const condition = (type: string) => conditions.find((one) => one.type === type);
  const no = (reason: string, message: string): Verdict => ({ status: 'False', reason, message });
  const slo = condition('SLOMet');
  if (best === undefined || slo?.status !== 'True') {
    const nearest = nearestMiss === undefined ? '' : `; the nearest is ${nearestMiss.id}: ${nearestMiss.constraint}`;
    return no('NoBestSetting', `No setting of run ${run?.id} keeps the objective${nearest}`);
  }
  const [regressed, stale] = [condition('Regressed'), condition('Stale')];
  if (regressed?.status === 'True')
    return no('ResultsRegressed', `Run ${run?.id} is a regression, and is not applied: ${regressed.message}`);
  if (stale?.status !== 'False') return no('ResultsStale', stale?.message ?? 'Whether the results are of what runs now is not known');
  if (measured === undefined) return no('TargetChanged', `The hardware that ${best.id} was measured on is not there any more`);
  if (application.basis !== basisOfBest(measured)) {
    return no('TargetChanged', `The ModelDeployment is another than the one that was measured; change spec.runId to measure it as it is`);
  }
  return undefined;
}

/** Why what an earlier run applied stays. */
function keptBy({ profile, draft }: Applying, { best, deployment }: Measured, history: readonly Applied[]): string | undefined {
  const last = history.find(({ state, modelDeploymentUid }) => state === 'Applied' && modelDeploymentUid === deployment.metadata.uid);
  if (last === undefined) return undefined;
  const { objective, baseline } = profile.spec;
  const why = keptFor(
    {
      best,
      results: draft.results ?? [],
      rejected: draft.rejected,
      maximize: objective?.maximize ?? 'Throughput',
      tolerancePercent: baseline?.tolerancePercent ?? defaultTolerancePercent,
    },
    last,
  );
  const isChanged = standingOf(deployment.spec as unknown as Json, last.changes) !== 'After';
  return why === undefined || !isChanged ? why : `${why}. What has been changed of it since is left alone`;
}

function verdictOf({ run, state, point, time, rolledBackTime, changes }: Applied): Verdict {
  const fields = changes.map(({ field }) => field).join(', ');
  if (state === 'RolledBack') {
    return { status: 'False', reason: 'RolledBack', message: `What run ${run} applied was undone at ${rolledBackTime}: ${fields}` };
  }
  return { status: 'True', reason: 'Applied', message: `Run ${run} applied ${point} at ${time}: ${fields}` };
}

/** While another run goes on, or has given nothing, the last word stands. */
function standing({ status }: Cached<ModelProfile>): Finding {
  const before = status?.conditions?.find(({ type }) => type === 'Applied');
  return before === undefined ? {} : { verdict: { status: before.status, reason: before.reason, message: before.message } };
}

function noDeployment({ spec }: Cached<ModelProfile>): Verdict {
  return {
    status: 'False',
    reason: 'ModelDeploymentNotFound',
    message: `There is no ModelDeployment ${spec.target.modelDeployment} any more`,
  };
}

function checking(what: string): Verdict {
  return { status: 'Unknown', reason: 'Checking', message: `The API server is being asked about ${what}` };
}

function conflictText(conflicts: readonly FieldConflict[]): string {
  const [first] = conflicts;
  const all = conflicts.slice(0, 8).map(({ manager, field }) => `${field} is owned by "${manager}"`);
  const more = conflicts.length > 8 ? `, and ${conflicts.length - 8} more` : '';
  return `Nothing is applied: ${all.join(', ')}${more}. Take ${first?.field ?? 'the field'} out of what "${first?.manager ?? ''}" writes, and it is applied then`;
}

/** Bytes of the history that a status has room for. */
const mostBytes = 64 * 1024;

function bounded(history: readonly Applied[]): readonly Applied[] {
  const kept = history.slice(0, maximumApplied);
  while (kept.length > 1 && JSON.stringify(kept).length > mostBytes) kept.pop();
  return kept;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
