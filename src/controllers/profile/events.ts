/** What people are told about a profile while it changes: one event per transition. Progress is told by the status alone. */
import type { ModelProfileStatus } from '../../api/model-profile/index.ts';
import type { EventInput } from '../../kube/events.ts';
import type { DeepReadonly } from '../../kube/object.ts';
import type { StatusDraft } from './decision.ts';
import type { Refusal } from './results/collect.ts';

/** The event of a change of status; undefined when nothing changed that a person must hear of. */
export function transitionEvent(before: DeepReadonly<ModelProfileStatus> | undefined, after: StatusDraft): EventInput | undefined {
  const [was, is] = [before?.conditions, after.conditions].map((conditions) => conditions?.find(({ type }) => type === 'Ready'));
  if (is === undefined) return undefined;
  const sameRun = before?.run?.id === after.run?.id && before?.run?.state === after.run?.state;
  if (sameRun && was?.reason === is.reason) return undefined;
  switch (after.run?.state) {
    case 'Complete':
      return before?.run?.state === 'Complete' && sameRun
        ? undefined
        : { type: 'Normal', reason: is.reason, action: 'Measure', note: is.message };
    case 'Failed':
      return { type: 'Warning', reason: is.reason, action: 'Measure', note: is.message };
    case 'Cancelled':
      return sameRun
        ? undefined
        : { type: 'Normal', reason: 'RunCancelled', action: 'Suspend', note: `Ended run ${after.run.id}; ${is.message}` };
    default:
      break;
  }
  const isStalled = after.conditions.some(({ type }) => type === 'Stalled');
  const warns = isStalled || warnings.has(is.reason);
  // That a Job was made is told where it is made.
  if (is.reason === 'Measuring' || is.reason === 'Reading') return undefined;
  return { type: warns ? 'Warning' : 'Normal', reason: is.reason, action: 'Measure', note: is.message };
}

/** What goes on by itself and is not as it should be all the same. */
const warnings: ReadonlySet<string> = new Set([
  'NodeLost',
  'LoadFailed',
  'LoadPodMissing',
  'LoadPodUnschedulable',
  'LoadPodWaiting',
  'JobSuspended',
]);

/** A pod said something that was not taken. */
export function refusedEvent({ pod, why }: Refusal): EventInput {
  return { type: 'Warning', reason: 'ResultRefused', action: 'Collect', note: `What pod ${pod} left behind is not taken: ${why}` };
}

export function jobRefusedEvent(message: string): EventInput {
  return { type: 'Warning', reason: 'JobRefused', action: 'Measure', note: message };
}
