/** Events of what is judged after a run: told when the verdict turns, and once more for another run that comes out worse. */
import type { ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { ConditionInput } from '../../../kube/conditions.ts';
import type { EventInput } from '../../../kube/events.ts';
import type { DeepReadonly } from '../../../kube/object.ts';

export function verdictEvents(
  before: DeepReadonly<ModelProfileStatus> | undefined,
  after: Pick<ModelProfileStatus, 'run'> & { readonly conditions: readonly ConditionInput[] },
): EventInput[] {
  const turned = (type: string): readonly [was: string | undefined, is: ConditionInput | undefined] => [
    before?.conditions?.find((condition) => condition.type === type)?.status,
    after.conditions.find((condition) => condition.type === type),
  ];
  const events: EventInput[] = [];
  const [wasWorse, worse] = turned('Regressed');
  const ended = after.run?.state === 'Complete' && (before?.run?.id !== after.run.id || before.run.state !== 'Complete');
  if (worse?.status === 'True' && (wasWorse !== 'True' || ended)) {
    events.push({ type: 'Warning', reason: 'Regressed', action: 'Compare', note: `${worse.reason}: ${worse.message}` });
  }
  if (worse?.status === 'False' && wasWorse === 'True') {
    events.push({ type: 'Normal', reason: 'RegressionOver', action: 'Compare', note: worse.message });
  }
  const [wasStale, stale] = turned('Stale');
  if (stale?.status === 'True' && wasStale !== 'True') {
    events.push({ type: 'Normal', reason: 'Stale', action: 'Compare', note: `${stale.reason}: ${stale.message}` });
  }
  return events;
}
