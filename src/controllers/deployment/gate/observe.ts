/** Reads what a promotion gate goes by from the caches. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { InferenceServiceObject } from '../../../kserve/observation.ts';
import type { KubeObject } from '../../../kube/object.ts';
import type { Cached, Store } from '../../../kube/store.ts';
import { isTemporary } from '../temporary.ts';
import type { GateObserved } from './decide.ts';
import { servedBy } from './served.ts';

/** Index of temporary ModelDeployments and ModelProfiles by the UID of their controller. */
export const temporaryIndex = 'temporary';

/** The part of what a gate goes by that does not depend on how the model is rendered. */
export type GateFacts = Pick<GateObserved, 'named' | 'shadows' | 'profiles' | 'servedByShadow' | 'now'>;

export interface GateStores {
  readonly modelDeployments: Store<ModelDeployment>;
  readonly modelProfiles: Store<ModelProfile>;
}

/** UID of the controller of a temporary object; none for any other. */
export function temporaryKeys(object: Cached<KubeObject>): readonly string[] {
  const controller = object.metadata.ownerReferences?.find((reference) => reference.controller === true);
  return isTemporary(object) && controller !== undefined ? [controller.uid] : [];
}

export function observeGate(
  deployment: Cached<ModelDeployment>,
  { modelDeployments, modelProfiles }: GateStores,
  services: Store<InferenceServiceObject> | undefined,
  now: number,
): GateFacts {
  const { uid, namespace = '' } = deployment.metadata;
  const profile = deployment.spec.rollout?.gate?.profile;
  const shadows = modelDeployments.byIndex(temporaryIndex, uid);
  return {
    named: profile === undefined ? undefined : modelProfiles.get({ namespace, name: profile }),
    shadows,
    profiles: modelProfiles.byIndex(temporaryIndex, uid),
    servedByShadow: Object.fromEntries(
      shadows.flatMap(({ metadata: { name } }) => {
        const service = services?.get({ namespace, name });
        const served = service && servedBy(service);
        return served === undefined ? [] : [[name, served]];
      }),
    ),
    now,
  };
}
