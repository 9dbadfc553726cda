/** What people are told about a deployment while it changes: one event per transition, with what to do about it. */
import type { ModelDeploymentStatus } from '../../api/model-deployment/index.ts';
import type { EventInput } from '../../kube/events.ts';
import type { StatusDraft } from './status.ts';

/** The event of a change of status; undefined when nothing changed that a person must hear of. Progress is told by conditions alone. */
export function transitionEvent(before: ModelDeploymentStatus | undefined, after: StatusDraft): EventInput | undefined {
  const [was, is] = [before, after].map((status) => status?.conditions?.find(({ type }) => type === 'Ready'));
  if (is === undefined) return undefined;
  const { lastError } = after;
  if (was?.status === is.status && was.reason === is.reason && before?.lastError?.reason === lastError?.reason) return undefined;
  if (lastError !== undefined) {
    const where = lastError.pod === undefined ? '' : ` (pod ${lastError.pod})`;
    return { type: 'Warning', reason: lastError.reason, action: 'Serve', note: `${lastError.message}${where}` };
  }
  if (is.status === 'True') return { type: 'Normal', reason: 'Ready', action: 'Serve', note: is.message };
  if (is.reason === 'Suspended') return { type: 'Normal', reason: 'Suspended', action: 'Suspend', note: is.message };
  return undefined;
}

export function createdEvent(name: string): EventInput {
  return { type: 'Normal', reason: 'InferenceServiceCreated', action: 'Apply', note: `Made InferenceService ${name}` };
}

export function adoptedEvent(name: string): EventInput {
  return {
    type: 'Normal',
    reason: 'InferenceServiceAdopted',
    action: 'Apply',
    note: `Took over InferenceService ${name}, as its annotation allows`,
  };
}

export function deletedEvent(name: string): EventInput {
  return {
    type: 'Normal',
    reason: 'InferenceServiceDeleted',
    action: 'Suspend',
    note: `Deleted InferenceService ${name} until spec.suspend is false again`,
  };
}

export function clearedEvent(name: string): EventInput {
  return {
    type: 'Normal',
    reason: 'InferenceServiceDeleted',
    action: 'Replace',
    note: `Deleted InferenceService ${name} of an earlier ModelDeployment of this name, which is gone; a new one follows`,
  };
}

export function updatedEvent(name: string, fields: readonly string[]): EventInput {
  return { type: 'Normal', reason: 'InferenceServiceUpdated', action: 'Apply', note: `Updated InferenceService ${name}${listed(fields)}` };
}

/** Someone else changed what we own, and it was put back. */
export function driftEvent(name: string, fields: readonly string[]): EventInput {
  const note = `InferenceService ${name} was changed by someone else and put back${listed(fields)}; change the ModelDeployment instead`;
  return { type: 'Warning', reason: 'DriftCorrected', action: 'Apply', note };
}

/** Someone else deleted the InferenceService, and it was made again. */
export function deletedByOthersEvent(name: string): EventInput {
  const note = `InferenceService ${name} was deleted by someone else and made again; delete the ModelDeployment instead, or set spec.suspend`;
  return { type: 'Warning', reason: 'DriftCorrected', action: 'Apply', note };
}

function listed(fields: readonly string[]): string {
  return fields.length === 0 ? '' : `: ${fields.join(', ')}`;
}

export function profileNameTakenEvent(name: string): EventInput {
  const note = `spec.profile: there is a ModelProfile ${name} that this deployment does not own, and it is left alone; rename it, or set spec.profile.auto to false`;
  return { type: 'Warning', reason: 'ProfileNameTaken', action: 'Measure', note };
}

export function profileRefusedEvent(name: string, message: string): EventInput {
  return {
    type: 'Warning',
    reason: 'ProfileRefused',
    action: 'Measure',
    note: `spec.profile: the API server refused ModelProfile ${name}: ${message}`,
  };
}
