/** What has a deployment's gate judged anew: the profile that it names, and what measures its candidate. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { Watch } from '../../../kube/controller.ts';
import { keyOf, type ObjectKey } from '../../../kube/object.ts';
import { specChanged, watchMapped, watchOwned } from '../../../kube/watches.ts';
import { modelDeployments as modelDeploymentType } from '../resources.ts';
import type { GateStores } from './observe.ts';

export function watchGates({ modelDeployments, modelProfiles }: GateStores): readonly Watch[] {
  const naming = (namespace: string | undefined, profile: string): readonly ObjectKey[] =>
    modelDeployments
      .list(namespace)
      .filter(({ spec }) => spec.rollout?.gate?.profile === profile)
      .map((deployment) => keyOf(deployment as ModelDeployment));
  return [
    watchOwned(modelDeployments, modelDeploymentType),
    watchOwned(modelProfiles, modelDeploymentType),
    watchMapped(modelProfiles, ({ metadata }) => naming(metadata.namespace, metadata.name), { changed: specChanged }),
  ];
}
