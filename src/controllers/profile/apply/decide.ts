/** What becomes of the best setting: whether it is applied, undone or held back, and why. Pure. */
import type { ApplicationStatus, Applied } from '../../../api/model-profile/apply.ts';
import { maximumApplied } from '../../../api/model-profile/apply.ts';
import type { ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { ConditionInput } from '../../../kube/conditions.ts';
import { judgedOf } from './authority.ts';
import { basisOfBest, copiedFromThis } from './basis.ts';
import type { Applying } from './finding.ts';
import { goBack } from './go-back.ts';
import { goForward } from './go-forward.ts';
import { measuredBest } from './observe.ts';
import { type Attempt, type Step, writeOf } from './step.ts';

export interface ApplyDecision {
  readonly condition?: ConditionInput;
  readonly fields: Pick<ModelProfileStatus, 'application' | 'applied'>;
  readonly step?: Step;
}

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

/** Bytes of the history that a status has room for. */
const mostBytes = 64 * 1024;

function bounded(history: readonly Applied[]): readonly Applied[] {
  const kept = history.slice(0, maximumApplied);
  while (kept.length > 1 && JSON.stringify(kept).length > mostBytes) kept.pop();
  return kept;
}
