/** Reads what a profile loads from the caches of the deployment controller. */
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { ServingGroup } from '../../../kserve/dialect.ts';
import type { PodObject } from '../../../kserve/observation.ts';
import { keyText } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';
import { type DeploymentStores, serviceIndex } from '../../deployment/stores.ts';
import type { TargetFacts } from './resolve.ts';

/** `targetHosts`: what the ServingPlatform lets URLs name. */
export function observeTarget(profile: Cached<ModelProfile>, stores: DeploymentStores, targetHosts: readonly string[]): TargetFacts {
  const { target } = profile.spec;
  const { namespace = '' } = profile.metadata;
  const name = target.modelDeployment ?? target.inferenceService;
  if (name === undefined) return { pods: [], targetHosts };
  const key = { namespace, name };
  const deployment = target.modelDeployment === undefined ? undefined : stores.modelDeployments.get(key);
  const groups = Object.keys(stores.serving) as ServingGroup[];
  const group = groups.find((one) => stores.serving[one].inferenceServices.get(key) !== undefined);
  const unread = groups.some((one) => stores.serving[one].inferenceServices.state === 'syncing');
  const serving = group === undefined ? undefined : stores.serving[group];
  return {
    deployment,
    service: serving?.inferenceServices.get(key) ?? (unread ? 'Unread' : undefined),
    ...(group !== undefined && { group }),
    pods: podsOf(
      target.revision === 'Candidate' ? deployment?.status?.rollout?.candidate?.revision : undefined,
      serving?.pods.byIndex(serviceIndex, keyText(key)) ?? [],
    ),
    targetHosts,
  };
}

const revisionLabel = 'serving.knative.dev/revision';

/** Of a candidate only its own pods: those of what serves beside it come and go as others use them. */
function podsOf(revision: string | undefined, pods: readonly Cached<PodObject>[]): readonly Cached<PodObject>[] {
  return revision === undefined ? pods : pods.filter(({ metadata }) => metadata.labels?.[revisionLabel] === revision);
}
