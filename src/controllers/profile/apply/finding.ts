/** What there is to say of a setting on its way, and what is to be done next. */
import type { ApplicationStatus, Applied } from '../../../api/model-profile/apply.ts';
import type { ModelProfile, ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { ConditionInput } from '../../../kube/conditions.ts';
import type { Cached } from '../../../kube/store.ts';
import type { Recommending } from './observe.ts';
import type { FieldConflict } from './ownership.ts';
import { patchKey } from './patch-file.ts';
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

export type Verdict = Pick<ConditionInput, 'status' | 'reason' | 'message'>;

/** A verdict, with what is to be asked next and what is to be remembered. */
export interface Finding {
  readonly verdict?: Verdict;
  readonly step?: Step;
  readonly history?: readonly Applied[];
  readonly application?: ApplicationStatus;
}

/** What the API server was asked before, and refused; it stands until the next answer, so that asking again is no news. */
const refusals: readonly string[] = ['FieldConflict', 'ApplyRefused', 'ManagedByGitOps'];

export function asking({ profile }: Applying, what: string, step?: Step): Finding {
  const before = standing(profile).verdict;
  const verdict = before !== undefined && refusals.includes(before.reason) ? before : checking(what);
  return { verdict, ...(step !== undefined && { step }) };
}

export function checking(what: string): Verdict {
  return { status: 'Unknown', reason: 'Checking', message: `The API server is being asked about ${what}` };
}

/** What became of an application. */
export function verdictOf({ run, state, point, time, rolledBackTime, changes }: Applied): Verdict {
  const fields = changes.map(({ field }) => field).join(', ');
  if (state === 'RolledBack') {
    return { status: 'False', reason: 'RolledBack', message: `What run ${run} applied was undone at ${rolledBackTime}: ${fields}` };
  }
  return { status: 'True', reason: 'Applied', message: `Run ${run} applied ${point} at ${time}: ${fields}` };
}

/** While another run goes on, or has given nothing, the last word stands. */
export function standing({ status }: Cached<ModelProfile>): Finding {
  const before = status?.conditions?.find(({ type }) => type === 'Applied');
  return before === undefined ? {} : { verdict: { status: before.status, reason: before.reason, message: before.message } };
}

export function noDeployment({ spec }: Cached<ModelProfile>): Verdict {
  return {
    status: 'False',
    reason: 'ModelDeploymentNotFound',
    message: `There is no ModelDeployment ${spec.target.modelDeployment} any more`,
  };
}

/** What came of a dry run that did not go through. */
export function refusedFinding(outcome: Outcome, application: ApplicationStatus, { spec }: Cached<ModelProfile>): Finding {
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

function conflictText(conflicts: readonly FieldConflict[]): string {
  const [first] = conflicts;
  const all = conflicts.slice(0, 8).map(({ manager, field }) => `${field} is owned by "${manager}"`);
  const more = conflicts.length > 8 ? `, and ${conflicts.length - 8} more` : '';
  return `Nothing is applied: ${all.join(', ')}${more}. Take ${first?.field ?? 'the field'} out of what "${first?.manager ?? ''}" writes, and it is applied then`;
}
