/** The ClusterStorageContainer with which KServe (0.11 and newer) downloads packages by `modelwright fetch`. */
import type { ServingPlatformSpec } from '../../../api/serving-platform/index.ts';
import { fetchScheme, packageUriPattern, storageContainerName } from '../../../kserve/model-location.ts';
import type { KubeObject, OwnerReference, ResourceType } from '../../../kube/object.ts';
import { selfContainedRestricted } from '../../../kube/pod-security.ts';
import { limitWords, type PackagingSettings } from './settings.ts';

export interface StorageContainerObject extends KubeObject {
  readonly spec?: Readonly<Record<string, unknown>>;
}

export const storageContainers: ResourceType<StorageContainerObject> = {
  group: 'serving.kserve.io',
  version: 'v1alpha1',
  kind: 'ClusterStorageContainer',
  plural: 'clusterstoragecontainers',
  namespaced: false,
};

/** Ranges of 8 MiB, four at a time, and what unpacking needs. */
const defaultResources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } };

/**
 * KServe lays this over the init container that it would inject itself, whose arguments (pairs of URI and folder) and environment (from the
 * Secret of the service account) stay. `command` must therefore name the whole program, and there can be no volume of our own.
 */
export function renderStorageContainer(
  { image, resources = defaultResources }: NonNullable<ServingPlatformSpec['storageContainer']>,
  ownImage: string,
  owner: OwnerReference,
  limits?: PackagingSettings['jobs']['limits'],
): StorageContainerObject {
  const caps = limitWords(limits).join();
  return {
    apiVersion: 'serving.kserve.io/v1alpha1',
    kind: 'ClusterStorageContainer',
    metadata: {
      name: storageContainerName,
      labels: { 'app.kubernetes.io/managed-by': 'modelwright' },
      ownerReferences: [owner],
    },
    spec: {
      container: {
        name: 'storage-initializer',
        image: image ?? ownImage,
        command: ['modelwright', 'fetch'],
        ...(caps !== '' && { env: [{ name: 'MODELWRIGHT_LIMITS', value: caps }] }),
        terminationMessagePolicy: 'FallbackToLogsOnError',
        resources,
        securityContext: selfContainedRestricted,
      },
      // Nothing that another container would read: where two read a URI, KServe takes either. No field that KServe 0.11 does not know:
      // server-side apply refuses what a CRD has not. Later ones have defaults for the rest.
      supportedUriFormats: [{ prefix: fetchScheme }, { regex: packageUriPattern }],
    },
  };
}
