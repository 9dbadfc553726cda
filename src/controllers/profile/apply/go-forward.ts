/** The way of the best setting to the ModelDeployment: what has to hold, the dry run, and the write. Pure. */
import type { ApplicationStatus, Applied } from '../../../api/model-profile/apply.ts';
import { authorityOf, denied } from './authority.ts';
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
import { heldBack } from './held-back.ts';
import { keptFor } from './kept.ts';
import { type Json, mergePatch } from './merge-patch.ts';
import { measuredBest } from './observe.ts';
import { patchFile } from './patch-file.ts';
import { type Measured, nothingToSet, patchHash, specOfBest } from './recommend.ts';
import { unsettled } from './settled.ts';
import { type Step, writeOf } from './step.ts';

const defaultTolerancePercent = 5;

/** Applies the best setting of a complete run, once, when nothing speaks against it. */
export function goForward(applying: Applying, history: readonly Applied[], application: ApplicationStatus): Finding {
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

/** Nothing is left to be done: it is so already, or nothing of it can be set. */
function alreadySet(measured: Measured): Verdict {
  const nothing = nothingToSet(measured);
  if (nothing !== undefined) return { status: 'True', reason: 'NothingToApply', message: nothing };
  return { status: 'True', reason: 'AlreadySet', message: `The ModelDeployment is set up like ${measured.best.id} already` };
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
