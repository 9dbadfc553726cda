/** What people are told of applying: one event for each turn of condition Applied. */
import type { ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { ConditionInput } from '../../../kube/conditions.ts';
import type { EventInput } from '../../../kube/events.ts';
import type { DeepReadonly } from '../../../kube/object.ts';

/** What somebody has to do something about. */
const warnings: ReadonlySet<string> = new Set(['FieldConflict', 'ApplyRefused', 'NotAuthorized', 'ChangeTooLarge', 'RollbackUnknown']);

type Before = DeepReadonly<ModelProfileStatus> | undefined;
type After = { readonly conditions: readonly ConditionInput[] };

export function applyEvents(before: Before, after: After): EventInput[] {
  const turned = turnOf(before, after);
  if (turned === undefined) return [];
  const { reason, message } = turned;
  const action = reason === 'RolledBack' || reason === 'RollbackUnknown' ? 'RollBack' : 'Apply';
  return [{ type: warnings.has(reason) ? 'Warning' : 'Normal', reason, action, note: message }];
}

/** The condition when it has turned to something that is not on its way. */
export function turnOf(before: Before, after: After): ConditionInput | undefined {
  const [was, is] = [before?.conditions, after.conditions].map((conditions) => conditions?.find(({ type }) => type === 'Applied'));
  return is === undefined || is.status === 'Unknown' || was?.reason === is.reason ? undefined : (is as ConditionInput);
}
