/** Where load pods get the labelled samples of spec.accuracy. */
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { ServingPlatform } from '../../../api/serving-platform/index.ts';
import type { MetadataObject } from '../../../kube/client.ts';
import type { Cached } from '../../../kube/store.ts';
import { hostMatcher } from '../../../models/host-list.ts';
import type { NamespaceRepository } from '../../deployment/packaging/repository.ts';
import { repositoryOf } from '../report/place.ts';

export type DatasetPlace =
  | { readonly kind: 'ConfigMap' }
  | { readonly kind: 'Url'; readonly url: string; readonly hosts: readonly string[] }
  | { readonly kind: 'Blob'; readonly target: NamespaceRepository; readonly blob: string; readonly url: string }
  | { readonly kind: 'Refused'; readonly reason: 'DatasetRepositoryNotAvailable' | 'DatasetHostNotAllowed'; readonly message: string };

/** Undefined where none is asked for. A blob lies in the folder that the namespace has in a repository, so that nobody reads what is another's. */
export function datasetPlaceOf(
  profile: Cached<ModelProfile>,
  namespace: Cached<MetadataObject> | undefined,
  platform: Cached<ServingPlatform> | undefined,
): DatasetPlace | undefined {
  const { blob, url } = profile.spec.accuracy?.dataset ?? {};
  if (profile.spec.accuracy === undefined) return undefined;
  if (url !== undefined) {
    const hosts = platform?.spec.policy?.sourceHosts ?? [];
    const { host } = new URL(url);
    if (hostMatcher(hosts)(host)) return { kind: 'Url', url, hosts };
    const message = `spec.accuracy.dataset.url: datasets may not be read from ${host}; an administrator can list it in spec.policy.sourceHosts of the ServingPlatform`;
    return { kind: 'Refused', reason: 'DatasetHostNotAllowed', message };
  }
  if (blob === undefined) return { kind: 'ConfigMap' };
  const choice = repositoryOf(profile, blob.repository, 'spec.accuracy.dataset.blob.repository', namespace, platform);
  if (choice.kind === 'Refused') return { kind: 'Refused', reason: 'DatasetRepositoryNotAvailable', message: choice.message };
  const { place } = choice.target;
  const name = `${place.prefix}/${blob.path}`;
  return { kind: 'Blob', target: choice.target, blob: name, url: `${place.endpoint}/${place.container}/${name}` };
}
