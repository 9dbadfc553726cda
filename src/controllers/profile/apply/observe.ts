/** What a recommendation is made of, read from the caches. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { ModelProfile, ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { RecommendationStatus } from '../../../api/model-profile/recommendation.ts';
import type { Cached, Store } from '../../../kube/store.ts';
import type { Entry } from '../dedicated/entries.ts';
import { type Measured, recommendationOf, type Verdicts } from './recommend.ts';

export interface Recommending {
  /** The ModelDeployment that the profile measures; undefined when it is gone. */
  readonly deployment: Cached<ModelDeployment> | undefined;
  /** Entries of a Dedicated profile. */
  readonly entries: readonly Entry[];
  readonly verdicts: Verdicts;
  /** Whether the status is to have a recommendation; else something is only undone. */
  readonly isAsked: boolean;
}

/** Undefined where nothing is to be recommended, applied or undone. */
export function observeRecommending(
  { metadata, spec, status }: Cached<ModelProfile>,
  modelDeployments: Store<ModelDeployment>,
  entries: readonly Entry[],
  verdicts: Verdicts,
): Recommending | undefined {
  const { modelDeployment: name } = spec.target;
  const isOpen = status?.applied?.some(({ state }) => state === 'Applying') === true;
  if (name === undefined || (!recommends(spec) && spec.rollback === undefined && !isOpen)) return undefined;
  return { deployment: modelDeployments.get({ namespace: metadata.namespace ?? '', name }), entries, verdicts, isAsked: recommends(spec) };
}

export function recommends({ apply }: Pick<Cached<ModelProfile>['spec'], 'apply'>): boolean {
  return apply === 'Recommend' || apply === 'Apply';
}

/** The recommendation of a run that is complete; undefined where there is no best setting, or nothing that it could be laid over. */
export function recommendationFor(
  recommending: Recommending | undefined,
  best: ModelProfileStatus['best'],
): RecommendationStatus | undefined {
  const measured = measuredBest(recommending, best);
  return measured === undefined || recommending?.isAsked !== true ? undefined : recommendationOf(measured, recommending.verdicts);
}

/** The best setting with what it was measured on; undefined where one of them is gone. */
export function measuredBest(recommending: Recommending | undefined, best: ModelProfileStatus['best']): Measured | undefined {
  const { deployment, entries = [] } = recommending ?? {};
  if (deployment === undefined || best === undefined) return undefined;
  const entry = entries.find(({ name }) => name === best.hardware);
  // An entry that is not there any more, as when a node has left.
  if (best.hardware !== undefined && entry === undefined) return undefined;
  return { best, deployment: deployment as ModelDeployment, entry };
}
