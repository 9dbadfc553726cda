/** Where the archives of a profile's full reports go: a folder of a model repository that the namespace may use. */
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { ServingPlatform } from '../../../api/serving-platform/index.ts';
import type { MetadataObject } from '../../../kube/client.ts';
import type { Cached } from '../../../kube/store.ts';
import { reportsFolder } from '../../../packaging/azure/repository.ts';
import { chooseRepository, type NamespaceRepository } from '../../deployment/packaging/repository.ts';
import { reportFolderName } from './names.ts';

interface Refused {
  readonly kind: 'Refused';
  readonly message: string;
}

export type ReportPlace =
  | { readonly kind: 'Usable'; readonly target: NamespaceRepository; readonly folder: string; readonly uri: string }
  | Refused;

/**
 * Undefined where none is asked for. The folder is not one that packages are looked for in; its name is that of the profile, and a part of its UID, so
 * that a later profile of the name does not write into it.
 */
export function reportPlaceOf(
  profile: Cached<ModelProfile>,
  namespace: Cached<MetadataObject> | undefined,
  platform: Cached<ServingPlatform> | undefined,
): ReportPlace | undefined {
  const { metadata, spec } = profile;
  if (spec.report?.repository === undefined) return undefined;
  const choice = repositoryOf(profile, spec.report.repository, 'spec.report.repository', namespace, platform);
  if (choice.kind === 'Refused') return choice;
  const { place } = choice.target;
  const folder = `${place.prefix}/${reportsFolder}/${reportFolderName(metadata)}`;
  return { ...choice, folder, uri: `${place.endpoint}/${place.container}/${folder}` };
}

/** A repository of the ServingPlatform, and in it the folder of the profile's namespace, if that may use it. `field` is named in the refusal. */
export function repositoryOf(
  { metadata }: Cached<ModelProfile>,
  repository: string,
  field: string,
  namespace: Cached<MetadataObject> | undefined,
  platform: Cached<ServingPlatform> | undefined,
): { readonly kind: 'Usable'; readonly target: NamespaceRepository } | Refused {
  const name = metadata.namespace ?? '';
  const uid = namespace?.metadata.uid;
  if (namespace === undefined || uid === undefined)
    return {
      kind: 'Refused',
      message: `${field}: the labels of namespace ${name} are not known, by which a repository says who may use it`,
    };
  const settings = { repositories: (platform?.spec.repositories ?? []) as NamespaceRepository['declared'][], jobs: {} };
  const choice = chooseRepository(repository, { name, uid, labels: namespace.metadata.labels ?? {} }, settings);
  if (choice.kind === 'Refused') return { kind: 'Refused', message: choice.block.message.replace('spec.source', field) };
  return { kind: 'Usable', target: choice };
}
