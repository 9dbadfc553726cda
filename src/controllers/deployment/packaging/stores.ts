import { storageContainerName } from '../../../kserve/model-location.ts';
import type { PodObject } from '../../../kserve/observation.ts';
import type { Cache } from '../../../kube/cache.ts';
import type { MetadataObject } from '../../../kube/client.ts';
import type { KubeObject, ObjectKey } from '../../../kube/object.ts';
import type { Cached, Store } from '../../../kube/store.ts';
import { prunePod } from '../prune.ts';
import { pods } from '../resources.ts';
import { type JobObject, jobs, namespaces, packagingLabel } from './resources.ts';
import { storageContainers } from './storage-container.ts';

export interface PackagingStores {
  readonly jobs: Store<JobObject>;
  readonly pods: Store<PodObject>;
  readonly namespaces: Store<MetadataObject>;
  readonly storageContainers: Store<MetadataObject>;
}

/** Index of Jobs and their Pods by namespace and name of their deployment. */
export const packagingIndex = 'packaging';

export function packagingStores(cache: Cache, clusterCache: Cache): PackagingStores {
  const stores: PackagingStores = {
    jobs: cache.store(jobs, { labelSelector: packagingLabel, dispensable: true, transform: pruneJob }),
    pods: cache.store(pods, { labelSelector: packagingLabel, dispensable: true, transform: prunePod }),
    namespaces: clusterCache.metadataStore(namespaces, { dispensable: true }),
    storageContainers: clusterCache.metadataStore(storageContainers, {
      fieldSelector: `metadata.name=${storageContainerName}`,
      optional: true,
      dispensable: true,
    }),
  };
  for (const store of [stores.jobs, stores.pods]) store.addIndex(packagingIndex, (object: Cached<KubeObject>) => packagingKeys(object));
  return stores;
}

function packagingKeys({ metadata }: Cached<KubeObject>): readonly string[] {
  const name = metadata.labels?.[packagingLabel];
  return name === undefined ? [] : [`${metadata.namespace}/${name}`];
}

/** Whether KServe may be told to download by our program. */
export function isOurContainerThere({ storageContainers: store }: PackagingStores): boolean {
  const labels = store.get({ name: storageContainerName })?.metadata.labels;
  return labels?.['app.kubernetes.io/managed-by'] === 'modelwright';
}

/** The deployment that a Job or Pod of packaging belongs to. */
export function packagedKeys({ metadata }: Cached<KubeObject>): readonly ObjectKey[] {
  const name = metadata.labels?.[packagingLabel];
  return name === undefined || metadata.namespace === undefined ? [] : [{ namespace: metadata.namespace, name }];
}

function pruneJob({ apiVersion, kind, metadata, spec, status }: JobObject): JobObject {
  const { suspend, activeDeadlineSeconds } = spec ?? {};
  return {
    apiVersion,
    kind,
    metadata,
    spec: { ...(suspend !== undefined && { suspend }), ...(activeDeadlineSeconds !== undefined && { activeDeadlineSeconds }) },
    ...(status?.conditions !== undefined && { status: { conditions: status.conditions } }),
  };
}
