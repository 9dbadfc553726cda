/** What the best setting means for the ModelDeployment, as people read it and as a patch for a repository. Pure. */
import type { ModelProfile } from '../../api/model-profile/index.ts';
import { patchFile } from '../../controllers/profile/apply/patch-file.ts';
import { Failure } from '../failure.ts';

/** A line for each field that would be another; none without `spec.apply`. */
export function recommendationLines({ status }: ModelProfile): string[] {
  const { recommendation } = status ?? {};
  if (recommendation === undefined) return [];
  const refused = recommendation.verdict === 'Refused' ? ' (the API server refuses it)' : '';
  return [
    `recommended${refused}: ${recommendation.message}`,
    ...recommendation.changes.map(
      ({ field, current = 'not set', recommended = 'removed', why }) => `  ${field}: ${current} → ${recommended} (${why})`,
    ),
  ];
}

/** What was written to the ModelDeployment, and what was undone, the latest first; none without `spec.apply: Apply`. */
export function appliedLines({ status }: ModelProfile): string[] {
  return (status?.applied ?? []).flatMap(({ run, state, point, time, rolledBackTime, changes }) => [
    `${state === 'RolledBack' ? 'rolled back' : state === 'Applied' ? 'applied' : 'about to be applied'} by run ${run}: ${point} (${state === 'RolledBack' ? `${time}, undone ${rolledBackTime}` : time})`,
    ...changes.map(({ field, before = 'not set', after = 'removed' }) => `  ${field}: ${before} → ${after}`),
  ]);
}

/** The recommendation as a merge patch that kustomize and `kubectl patch --patch-file` take. Throws a `Failure` where there is none. */
export function patchText(profile: ModelProfile): string {
  const { metadata, spec, status } = profile;
  const { recommendation } = status ?? {};
  const name = spec.target.modelDeployment;
  if (recommendation === undefined || name === undefined) {
    const isAsked = spec.apply === 'Recommend' || spec.apply === 'Apply';
    const how = isAsked ? 'it comes when a best setting is found' : 'set spec.apply to Recommend';
    throw new Failure(`ModelProfile ${metadata.name} recommends nothing: ${how}`);
  }
  if (recommendation.patch === undefined) throw new Failure(`There is nothing to change: ${recommendation.message}`);
  if (recommendation.verdict === 'Refused') throw new Failure(`The API server refuses the patch: ${recommendation.message}`);
  return patchFile(name, recommendation.patch);
}
