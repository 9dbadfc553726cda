/** What people are told of applying: one event for each turn of condition Applied. */
import type { ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { ConditionInput } from '../../../kube/conditions.ts';
import type { EventInput } from '../../../kube/events.ts';
import type { DeepReadonly } from '../../../kube/object.ts';

/** What somebody has to do something about. */
const warnings: ReadonlySet<string> = new Set(['FieldConflict', 'ApplyRefused', 'NotAuthorized', 'ChangeTooLarge', 'RollbackUnknown']);

type Before = DeepReadonly<ModelProfileStatus> | undefined;
type After = Pick<ModelProfileStatus, 'run'> & { readonly conditions: readonly ConditionInput[] };

export function applyEvents(before: Before, after: After): EventInput[] {
  const turned = turnOf(before, after);
  if (turned === undefined) return [];
  const { reason, message } = turned;
  const action = reason === 'RolledBack' || reason === 'RollbackUnknown' ? 'RollBack' : 'Apply';
  return [{ type: warnings.has(reason) ? 'Warning' : 'Normal', reason, action, note: message }];
}

/** The condition when it has turned to something that is not on its way; of another run the same word is another turn. */
export function turnOf(before: Before, after: After): ConditionInput | undefined {
  const [was, is] = [before?.conditions, after.conditions].map((conditions) => conditions?.find(({ type }) => type === 'Applied'));
  if (is === undefined || is.status === 'Unknown') return undefined;
  const isSame = was?.reason === is.reason && (was.message === is.message || before?.run?.id === after.run?.id);
  return isSame ? undefined : (is as ConditionInput);
}
