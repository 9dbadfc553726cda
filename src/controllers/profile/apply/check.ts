/** Asks the API server what it would make of a recommendation, without writing anything. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { isForbidden, isInvalid, isNotFound } from '../../../kube/errors.ts';
import { keyOf } from '../../../kube/object.ts';
import { modelDeployments } from '../../deployment/resources.ts';
import type { Recommending } from './observe.ts';
import { patchHash } from './recommend.ts';

/** Who would own the fields. */
export const recommendationManager = 'modelwright-profile';

/** The API server's verdict on a patch that it has not been asked about, under the name that `recommendationOf` looks it up by; undefined when there is none to ask for. */
export async function checkRecommendation(
  recommending: Recommending | undefined,
  recommendation: ModelProfileStatus['recommendation'],
  client: KubeClient,
  signal: AbortSignal,
): Promise<{ readonly hash: string; readonly verdict: string | null } | undefined> {
  const deployment = recommending?.deployment as ModelDeployment | undefined;
  const { patch, verdict } = recommendation ?? {};
  if (deployment === undefined || patch === undefined || verdict !== 'Unchecked') return undefined;
  const hash = patchHash(deployment, patch);
  const options = { kind: 'merge', dryRun: true, fieldManager: recommendationManager } as const;
  try {
    await client.patch(modelDeployments, keyOf(deployment), JSON.parse(patch), options, signal);
    return { hash, verdict: null };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    if (isInvalid(error) || isForbidden(error)) return { hash, verdict: error.message };
    throw error;
  }
}
