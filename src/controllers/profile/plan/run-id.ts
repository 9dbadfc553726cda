import { hash } from 'node:crypto';
import type { ModelProfile, ModelProfileSpec } from '../../../api/model-profile/index.ts';
import type { Cached } from '../../../kube/store.ts';

/**
 * Digest of everything in a spec that matters for the figures. The bounds of the objective are left out of a sweep: another bound chooses
 * another best point of the same figures, and nothing need be measured again. A search and a scenario go by
 * the bounds, so there they count.
 */
export function specHashOf(spec: Cached<ModelProfile>['spec'] | ModelProfileSpec): string {
  const { target, mode, sweep, load, payload, objective, live, placement, accuracy } = spec;
  const goesByBounds = sweep.search !== undefined || sweep.scenario !== undefined;
  const judged = goesByBounds ? objective?.latency : objective?.latency?.map(({ percentile }) => percentile).toSorted();
  const matters = {
    target,
    sweep,
    load: load ?? {},
    payload: payload ?? {},
    judged: judged ?? [],
    maxErrorsPerMillion: objective?.maxErrorsPerMillion ?? null,
    maxRequestsPerSecond: live?.maxRequestsPerSecond ?? null,
    placement: placement ?? 'Any',
    ...(accuracy !== undefined && { accuracy }),
    ...(mode === 'Dedicated' && { mode }),
  };
  return hash('sha256', canonical(matters), 'hex');
}

/** JSON with the names of every object in order, so that equal values have equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/**
 * The id of the run that follows `previous`. The same status gives the same id, so that an operator that ended between making a Job and
 * writing the status finds the Job again.
 */
export function runIdAfter(uid: string, specHash: string, requested: string | undefined, previous: string | undefined): string {
  const digest = hash('sha256', JSON.stringify([uid, specHash, requested ?? null, previous ?? null]), 'hex');
  return `r${digest.slice(0, 11)}`;
}

/** The id of the run that a profile begins next, as it is. */
export function nextRunId({ metadata, spec, status }: Cached<ModelProfile>): string {
  return runIdAfter(metadata.uid, specHashOf(spec), spec.runId, status?.run?.id);
}
