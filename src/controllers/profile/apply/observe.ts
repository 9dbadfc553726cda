/** What a recommendation is made of, read from the caches. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { ModelProfile, ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { RecommendationStatus } from '../../../api/model-profile/recommendation.ts';
import type { Cached, Store } from '../../../kube/store.ts';
import type { Entry } from '../dedicated/entries.ts';
import { recommendationOf, type Verdicts } from './recommend.ts';

export interface Recommending {
  /** The ModelDeployment that the profile measures; undefined when it is gone. */
  readonly deployment: Cached<ModelDeployment> | undefined;
  /** Entries of a Dedicated profile. */
  readonly entries: readonly Entry[];
  readonly verdicts: Verdicts;
}

/** Undefined where nothing is to be recommended. */
export function observeRecommending(
  { metadata, spec }: Cached<ModelProfile>,
  modelDeployments: Store<ModelDeployment>,
  entries: readonly Entry[],
  verdicts: Verdicts,
): Recommending | undefined {
  const { modelDeployment: name } = spec.target;
  if (spec.apply !== 'Recommend' || name === undefined) return undefined;
  return { deployment: modelDeployments.get({ namespace: metadata.namespace ?? '', name }), entries, verdicts };
}

/** The recommendation of a run that is complete; undefined where there is no best setting, or nothing that it could be laid over. */
export function recommendationFor(
  recommending: Recommending | undefined,
  best: ModelProfileStatus['best'],
): RecommendationStatus | undefined {
  const { deployment, entries, verdicts } = recommending ?? {};
  if (deployment === undefined || entries === undefined || verdicts === undefined || best === undefined) return undefined;
  const entry = entries.find(({ name }) => name === best.hardware);
  // An entry that is not there any more, as when a node has left.
  if (best.hardware !== undefined && entry === undefined) return undefined;
  return recommendationOf({ best, deployment: deployment as ModelDeployment, entry }, verdicts);
}
