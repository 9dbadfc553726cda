/** Where the archives of a profile's full reports go: a folder of a model repository that the namespace may use. */
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { ServingPlatform } from '../../../api/serving-platform/index.ts';
import type { MetadataObject } from '../../../kube/client.ts';
import type { Cached } from '../../../kube/store.ts';
import { chooseRepository, type NamespaceRepository } from '../../deployment/packaging/repository.ts';

export type ReportPlace =
  | { readonly kind: 'Usable'; readonly target: NamespaceRepository; readonly folder: string; readonly uri: string }
  | { readonly kind: 'Refused'; readonly message: string };

/**
 * Undefined where none is asked for. The folder is not one that packages are looked for in; its name is that of the profile, and a part of its UID, so
 * that a later profile of the name does not write into it.
 */
export function reportPlaceOf(
  { spec, metadata }: Cached<ModelProfile>,
  namespace: Cached<MetadataObject> | undefined,
  platform: Cached<ServingPlatform> | undefined,
): ReportPlace | undefined {
  const { repository } = spec.report ?? {};
  if (repository === undefined) return undefined;
  const name = metadata.namespace ?? '';
  if (namespace === undefined)
    return { kind: 'Refused', message: `The labels of namespace ${name} are not known, by which a repository says who may use it` };
  const identity = { name, uid: namespace.metadata.uid, labels: namespace.metadata.labels ?? {} };
  const settings = { repositories: (platform?.spec.repositories ?? []) as NamespaceRepository['declared'][], jobs: {} };
  const choice = chooseRepository(repository, identity, settings);
  if (choice.kind === 'Refused') return { kind: 'Refused', message: choice.block.message.replace('spec.source', 'spec.report.repository') };
  const { place } = choice;
  const folder = `${place.prefix}/_reports/${metadata.name}-${metadata.uid.slice(0, 8)}`;
  return { kind: 'Usable', target: choice, folder, uri: `${place.endpoint}/${place.container}/${folder}` };
}
