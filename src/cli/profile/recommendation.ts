/** What the best setting means for the ModelDeployment, as people read it and as a patch for a repository. Pure. */
import { apiVersion } from '../../api/kind.ts';
import type { ModelProfile } from '../../api/model-profile/index.ts';
import { Failure } from '../failure.ts';
import { printYaml } from '../output.ts';

/** A line for each field that would be another; none without `spec.apply: Recommend`. */
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

/** The recommendation as a merge patch that kustomize and `kubectl patch --patch-file` take. Throws a `Failure` where there is none. */
export function patchText(profile: ModelProfile): string {
  const { metadata, spec, status } = profile;
  const { recommendation } = status ?? {};
  const name = spec.target.modelDeployment;
  if (recommendation === undefined || name === undefined) {
    const how = spec.apply === 'Recommend' ? 'it comes when a best setting is found' : 'set spec.apply to Recommend';
    throw new Failure(`ModelProfile ${metadata.name} recommends nothing: ${how}`);
  }
  if (recommendation.patch === undefined) throw new Failure(`There is nothing to change: ${recommendation.message}`);
  if (recommendation.verdict === 'Refused') throw new Failure(`The API server refuses the patch: ${recommendation.message}`);
  const patch = JSON.parse(recommendation.patch) as object;
  return printYaml({ apiVersion, kind: 'ModelDeployment', metadata: { name }, ...patch });
}
