import { platformName, type ServingPlatform } from '../../api/serving-platform/index.ts';
import { inferenceServiceConfigName, type ServingRuntimeObject } from '../../kserve/facts.ts';
import { storageContainerName } from '../../kserve/model-location.ts';
import type { InferenceServiceObject } from '../../kserve/observation.ts';
import type { Cache } from '../../kube/cache.ts';
import type { ObjectKey } from '../../kube/object.ts';
import type { Store } from '../../kube/store.ts';
import { type StorageContainerObject, storageContainers } from '../deployment/packaging/storage-container.ts';
import { clusterServingRuntimes, inferenceServices } from '../deployment/resources.ts';
import type { DeploymentStores } from '../deployment/stores.ts';
import { type SharedConfigMap, servingPlatforms, sharedConfigMaps } from './resources.ts';

export const platformKey: ObjectKey = { name: platformName };

export interface PlatformStores {
  readonly platforms: Store<ServingPlatform>;
  readonly deploymentConfigs: Store<SharedConfigMap>;
  readonly inferenceServiceConfigs: Store<SharedConfigMap>;
  /** Whole ones: ours are copies of them. */
  readonly runtimes: Store<ServingRuntimeObject>;
  /** Of the whole cluster, whatever namespaces the models are limited to: a runtime must not go while anybody names it. */
  readonly inferenceServices: Store<InferenceServiceObject>;
  readonly storageContainers: Store<StorageContainerObject>;
  /** The models and what serves them. */
  readonly deployments: DeploymentStores;
}

/** The ServingPlatform, where it may be read: without it documented defaults hold. */
export function servingPlatformStore(clusterCache: Cache): Store<ServingPlatform> {
  return clusterCache.store(servingPlatforms, { optional: true, dispensable: true });
}

export function platformStores(clusterCache: Cache, deployments: DeploymentStores): PlatformStores {
  const named = (name: string) => clusterCache.store(sharedConfigMaps, { fieldSelector: `metadata.name=${name}` });
  return {
    platforms: servingPlatformStore(clusterCache),
    deploymentConfigs: named('config-deployment'),
    inferenceServiceConfigs: named(inferenceServiceConfigName),
    runtimes: clusterCache.store(clusterServingRuntimes, { optional: true }),
    inferenceServices: clusterCache.store(inferenceServices['serving.kserve.io'], { optional: true }),
    storageContainers: clusterCache.store(storageContainers, {
      fieldSelector: `metadata.name=${storageContainerName}`,
      optional: true,
      dispensable: true,
    }),
    deployments,
  };
}
