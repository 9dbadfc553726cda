/** The way back to what a ModelDeployment was before a run. Pure. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { ApplicationStatus, Applied } from '../../../api/model-profile/apply.ts';
import { authorityOf, denied } from './authority.ts';
import { backThrough } from './changes.ts';
import { type Applying, asking, checking, type Finding, noDeployment, refusedFinding, verdictOf } from './finding.ts';
import type { Json } from './merge-patch.ts';
import { patchHash } from './recommend.ts';
import { type Step, writeOf } from './step.ts';

/** Sets the ModelDeployment back to what it was before a run, through all runs since. At once: what was applied may be what keeps it from being ready. */
export function goBack(applying: Applying, history: readonly Applied[], rollback: string, application: ApplicationStatus): Finding {
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
  if (authority.kind === 'Pending') return asking(applying, 'who may ask for it', authority.step);
  const no = denied(authority, profile);
  if (no !== undefined) return { verdict: no };
  const patch = backThrough(deployment.spec as unknown as Json, standing);
  const isBack = (at: string): Finding => {
    const next = history.map((one): Applied => (standing.includes(one) ? { ...one, state: 'RolledBack', rolledBackTime: at } : one));
    return { verdict: verdictOf({ ...undone, state: 'RolledBack', rolledBackTime: at }), history: next };
  };
  if (patch === undefined) return isBack(time);
  const key = `back/${rollback}/${patchHash(deployment as ModelDeployment, JSON.stringify(patch))}`;
  const step: Step = { kind: 'RollBack', key, patch };
  if (attempt?.key !== key) return asking(applying, 'the way back', step);
  return attempt.outcome.kind === 'Written' ? isBack(attempt.time) : { ...refusedFinding(attempt.outcome, application, profile), step };
}
