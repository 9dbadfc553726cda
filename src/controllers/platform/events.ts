/** What administrators are told about the ServingPlatform while it changes. */
import type { ServingPlatformStatus } from '../../api/serving-platform/index.ts';
import type { EventInput } from '../../kube/events.ts';
import type { StatusDraft } from './decide.ts';

export function runtimeWritten(name: string): EventInput {
  return { type: 'Normal', reason: 'RuntimeWritten', action: 'Apply', note: `Made ClusterServingRuntime ${name}` };
}

export function revisionFreed(id: string): EventInput {
  return {
    type: 'Normal',
    reason: 'RevisionFreed',
    action: 'Retry',
    note: `Deleted Revision ${id}, which had failed on tag resolution; Knative makes it anew`,
  };
}

export function driftCorrected(key: string, manager: string): EventInput {
  return {
    type: 'Warning',
    reason: 'DriftCorrected',
    action: 'Apply',
    note: `${key} was changed by ${manager} and put back; change the ServingPlatform instead`,
  };
}

export function contested(key: string, manager: string): EventInput {
  return {
    type: 'Warning',
    reason: 'Conflict',
    action: 'Apply',
    note: `${manager} keeps putting ${key} back; it is left alone for some minutes`,
  };
}

/** The event of a change of Ready; undefined when nothing changed that a person must hear of. */
export function transition(before: ServingPlatformStatus | undefined, after: StatusDraft): EventInput | undefined {
  const [was, is] = [before, after].map((status) => status?.conditions?.find(({ type }) => type === 'Ready'));
  if (is === undefined || (was?.status === is.status && was.reason === is.reason) || is.status === 'Unknown') return undefined;
  return {
    type: is.status === 'True' ? 'Normal' : 'Warning',
    reason: is.status === 'True' ? 'Ready' : is.reason,
    action: 'Reconcile',
    note: is.message,
  };
}
