/** The ClusterStorageContainer `modelwright`: there while the ServingPlatform declares it, and as long as a service downloads by it. */
import type { ServingPlatform } from '../../api/serving-platform/index.ts';
import { type ClusterFacts, serves } from '../../kserve/facts.ts';
import { fetchScheme, storageContainerName } from '../../kserve/model-location.ts';
import type { InferenceServiceObject } from '../../kserve/observation.ts';
import type { Cached } from '../../kube/store.ts';
import { renderStorageContainer, type StorageContainerObject } from '../deployment/packaging/storage-container.ts';
import type { Part } from './decision.ts';
import type { Setback } from './observe.ts';

export interface StorageContainerObserved {
  readonly live: Cached<StorageContainerObject> | undefined;
  /** KServe has such objects (0.11 and newer). */
  readonly isServed: boolean;
  /** An InferenceService downloads by it. */
  readonly isUsed: boolean;
  /** The operator's own image. */
  readonly image: string | undefined;
}

export function observeStorageContainer(
  live: Cached<StorageContainerObject> | undefined,
  services: readonly Cached<InferenceServiceObject>[],
  facts: ClusterFacts,
  image: string | undefined,
): StorageContainerObserved {
  return {
    live,
    isServed: serves(facts, 'serving.kserve.io', 'clusterstoragecontainers'),
    isUsed: services.some(downloadsByUs),
    image,
  };
}

function downloadsByUs({ spec }: Cached<InferenceServiceObject>): boolean {
  const predictor = spec?.['predictor'] as
    | { readonly storageContainerName?: string; readonly model?: { readonly storageUri?: string } }
    | undefined;
  return predictor?.storageContainerName === storageContainerName || predictor?.model?.storageUri?.startsWith(fetchScheme) === true;
}

/** What should be true now. Pure. When the ServingPlatform goes, the object goes after it: it is its owner. */
export function decideStorageContainer(
  platform: Cached<ServingPlatform>,
  { live, isServed, isUsed, image }: StorageContainerObserved,
  setback?: Setback,
): Part {
  if (platform.metadata.deletionTimestamp !== undefined) return { actions: [] };
  const isOurs = live?.metadata.labels?.['app.kubernetes.io/managed-by'] === 'modelwright';
  const declared = (platform as ServingPlatform).spec.storageContainer;
  if (declared === undefined)
    return { actions: live !== undefined && isOurs && !isUsed ? [{ kind: 'DeleteStorageContainer', object: live }] : [] };
  const not = (reason: string, message: string): Part => ({ actions: [], verdict: { status: 'False', reason, message } });
  if (!isServed) {
    return not(
      'StorageContainerUnsupported',
      'spec.storageContainer needs ClusterStorageContainers, which KServe has from 0.11 on; upgrade KServe, or remove the field',
    );
  }
  if (live !== undefined && !isOurs) {
    return not(
      'StorageContainerNotOurs',
      `ClusterStorageContainer ${storageContainerName} was made by somebody else and is left alone; delete or rename it`,
    );
  }
  if (setback?.kind === 'Refused') return not(setback.reason, setback.message);
  const ownImage = declared.image ?? image;
  if (ownImage === undefined) {
    return not(
      'ImageNotKnown',
      'The operator does not know the image of its own program; set spec.storageContainer.image, or start it with --image',
    );
  }
  const { apiVersion, kind, metadata } = platform;
  const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true };
  const message = `ClusterStorageContainer ${storageContainerName} downloads packages with ${ownImage}`;
  return {
    actions: [
      { kind: 'ApplyStorageContainer', object: renderStorageContainer(declared, ownImage, owner, platform.spec.packaging?.limits) },
    ],
    verdict:
      live === undefined
        ? { status: 'Unknown', reason: 'Progressing', message: 'The storage container is being made' }
        : { status: 'True', reason: 'Applied', message },
  };
}
