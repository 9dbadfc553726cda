/** What becomes of the best setting: whether it is applied, undone or held back, and why. Pure. */
import type { ApplicationStatus, Applied } from '../../../api/model-profile/apply.ts';
import { maximumApplied } from '../../../api/model-profile/apply.ts';
import type { ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { ConditionInput } from '../../../kube/conditions.ts';
import { authorityOf, denied, judgedOf } from './authority.ts';
import { basisOfBest, copiedFromThis } from './basis.ts';
import { type SpecPatch, standingOf, tooMuch } from './changes.ts';
import {
  type Applying,
  asking,
  checking,
  type Draft,
  type Finding,
  noDeployment,
  refusedFinding,
  standing,
  type Verdict,
  verdictOf,
} from './finding.ts';
import { markedBy } from './gitops.ts';
import { keptFor } from './kept.ts';
import { type Json, mergePatch } from './merge-patch.ts';
import { measuredBest } from './observe.ts';
import { patchFile } from './patch-file.ts';
import { type Measured, patchHash, specOfBest } from './recommend.ts';
import { goBack } from './roll-back.ts';
import { unsettled } from './settled.ts';
import { type Attempt, type Step, writeOf } from './step.ts';

export interface ApplyDecision {
  readonly condition?: ConditionInput;
  readonly fields: Pick<ModelProfileStatus, 'application' | 'applied'>;
  readonly step?: Step;
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
    ...(step !== undefined && (step.key !== attempt?.key || attempt.isDue === true) && { step }),
  };
}

/** The history with what came of the last write. */
function settled(history: readonly Applied[], attempt: Attempt | undefined): readonly Applied[] {
  return history.flatMap((one): Applied[] => {
    if (one.state !== 'Applying' || attempt?.key !== writeOf(one, true).key) return [one];
    return attempt.outcome.kind === 'Written' ? [{ ...one, state: 'Applied', time: attempt.time }] : [];
  });
}

/** What is known of the latest run, and of who asked. */
function applicationOf(applying: Applying): ApplicationStatus {
  const { profile, draft, recommending } = applying;
  const { run, basis, configMap } = (profile.status?.application ?? {}) as ApplicationStatus;
  const judged = judgedOf(applying);
  const latest = draft.run?.state === 'Complete' ? draft.run.id : run;
  const measured = latest === run ? undefined : measuredBest(recommending, draft.best);
  // Copies of a ModelDeployment that has changed since were of another one.
  const isThis = measured !== undefined && copiedFromThis(measured, draft.hardware ?? []);
  const basisNow = latest === run ? basis : isThis ? basisOfBest(measured) : undefined;
  return {
    ...(latest !== undefined && { run: latest }),
    ...(basisNow !== undefined && { basis: basisNow }),
    ...(judged !== undefined && { judged }),
    ...(configMap !== undefined && { configMap }),
  };
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
  if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return { verdict: noDeployment(profile) };
  const measured = measuredBest(recommending, draft.best);
  const held = heldBack(draft, measured, application) ?? denied(authority, profile);
  if (held !== undefined || measured === undefined) return { ...(held && { verdict: held }), ...judging };
  if (authority.kind === 'Pending') return asking(applying, 'who may ask for it', authority.step);

  const busy = unsettled(deployment);
  if (done !== undefined) return { verdict: checking('the write'), step: writeOf(done, busy === undefined) };
  const patch = mergePatch(deployment.spec as unknown as Json, specOfBest(measured) as unknown as Json) as SpecPatch | undefined;
  if (patch === undefined) return { verdict: alreadySet(measured) };
  const kept = keptBy(applying, measured, history);
  if (kept !== undefined) return { verdict: { status: 'True', reason: 'SettingKept', message: kept } };
  if (busy !== undefined) {
    const message = `${busy.charAt(0).toUpperCase()}${busy.slice(1)}; it is applied when the ModelDeployment is at rest`;
    return { verdict: { status: 'Unknown', reason: 'AwaitingModel', message } };
  }
  return tryOut(applying, measured, patch, history, application);
}

/** Everything holds: the dry run, what came of it, and the promise to write. */
function tryOut(
  applying: Applying,
  measured: Measured,
  patch: SpecPatch,
  history: readonly Applied[],
  application: ApplicationStatus,
): Finding {
  const { profile, draft, attempt } = applying;
  const { deployment } = measured;
  const { recommendation, run } = draft;
  if (recommendation?.patch === undefined || run === undefined || recommendation.verdict === 'Unchecked')
    return asking(applying, 'the patch');
  const key = `try/${run.id}/${patchHash(deployment, JSON.stringify(patch))}/${markedBy(deployment.metadata)?.by ?? ''}`;
  // A patch that the API server refuses is none for a repository either.
  const file = recommendation.verdict === 'Accepted' ? patchFile(deployment.metadata.name, recommendation.patch) : undefined;
  const step: Step = { kind: 'Try', key, patch, ...(file !== undefined && { file }) };
  if (attempt?.key !== key) return asking(applying, 'the patch by a dry run', step);
  const { outcome } = attempt;
  if (outcome.kind !== 'Accepted') return { ...refusedFinding(outcome, application, profile), step };
  if (outcome.changes.length === 0) return { verdict: alreadySet(measured) };
  const tooLong = tooMuch(outcome.changes);
  if (tooLong !== undefined) return { verdict: { status: 'False', reason: 'ChangeTooLarge', message: `Nothing is applied: ${tooLong}` } };
  const next: Applied = {
    run: run.id,
    state: 'Applying',
    time: attempt.time,
    modelDeploymentUid: deployment.metadata.uid ?? '',
    ...figuresOf(measured, draft),
    changes: [...outcome.changes],
  };
  // Promised first, and written when the promise is on record: whatever happens in between, it is known how to go back.
  return { verdict: checking('the write'), history: [next, ...history] };
}

function figuresOf({ best }: Measured, { results }: Draft): Pick<Applied, 'point' | 'samplesPerSecond' | 'p99Microseconds'> {
  const point = results?.find(({ id }) => id === best.id);
  const { samplesPerSecondLow, samplesPerSecondHigh, latencyMicroseconds } = point ?? {};
  const { p99 = best.p99Microseconds, p99Low, p99High } = latencyMicroseconds ?? {};
  return {
    point: best.id,
    samplesPerSecond: best.samplesPerSecond,
    ...(samplesPerSecondLow !== undefined && { samplesPerSecondLow }),
    ...(samplesPerSecondHigh !== undefined && { samplesPerSecondHigh }),
    p99Microseconds: p99,
    ...(p99Low !== undefined && { p99LowMicroseconds: p99Low }),
    ...(p99High !== undefined && { p99HighMicroseconds: p99High }),
  };
}

function alreadySet({ best }: Measured): Verdict {
  return { status: 'True', reason: 'AlreadySet', message: `The ModelDeployment is set up like ${best.id} already` };
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

/** Bytes of the history that a status has room for. */
const mostBytes = 64 * 1024;

function bounded(history: readonly Applied[]): readonly Applied[] {
  const kept = history.slice(0, maximumApplied);
  while (kept.length > 1 && JSON.stringify(kept).length > mostBytes) kept.pop();
  return kept;
}
