/** Whether the cluster judges who asks for changes of a ModelDeployment by a ModelProfile. */
import { apiVersion } from '../../../api/kind.ts';
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { KubeError } from '../../../kube/errors.ts';
import { modelProfiles } from '../resources.ts';

/** What the policy `modelwright-profile-apply` of manifests/admission says. */
export const policyWords = 'you may not update the ModelDeployment';

/**
 * Tries what an author without permission would try: the operator itself may patch ModelDeployments, and not update them, so that the policy refuses a
 * profile of this kind to it as well. A dry run; no role to read policies is needed, and what counts is what the policy does.
 */
export async function admissionJudges(
  client: KubeClient,
  namespace: string,
  modelDeployment: string,
  signal: AbortSignal,
): Promise<boolean> {
  const probe: ModelProfile = {
    apiVersion,
    kind: 'ModelProfile',
    metadata: { name: 'modelwright-admission-probe', namespace },
    spec: {
      target: { modelDeployment },
      sweep: { concurrency: [1] },
      objective: { latency: [{ percentile: 'p99', maxMilliseconds: 1 }] },
      apply: 'Apply',
      suspend: true,
    },
  };
  try {
    await client.create(modelProfiles, probe, { dryRun: true, fieldManager: 'modelwright' }, signal);
    return false;
  } catch (error) {
    if (!(error instanceof KubeError) || error.status === 0 || error.status === 429 || error.status >= 500) throw error;
    return error.message.includes('ValidatingAdmissionPolicy') && error.message.includes(policyWords);
  }
}
