import { defaultRepository } from '../../../api/model-deployment/source.ts';
import type { ModelRepository } from '../../../api/serving-platform/index.ts';
import { azureHost } from '../../../models/azure-host.ts';
import type { Repository } from '../../../packaging/azure/repository.ts';
import type { Block } from '../block.ts';
import { type Labels, selects } from './selector.ts';
import type { PackagingSettings } from './settings.ts';

/** A namespace, as far as repositories ask for it. */
export interface NamespaceIdentity {
  readonly name: string;
  readonly uid: string;
  readonly labels: Labels;
}

/** A declared repository and the folder in it that one namespace has to itself. */
export interface NamespaceRepository {
  readonly declared: ModelRepository;
  readonly place: Repository;
}

export type RepositoryChoice = ({ readonly kind: 'Usable' } & NamespaceRepository) | { readonly kind: 'Refused'; readonly block: Block };

/** The repository that a source names, if the namespace may use it. */
export function chooseRepository(
  name: string | undefined,
  namespace: NamespaceIdentity,
  settings: PackagingSettings | undefined,
): RepositoryChoice {
  const wanted = name ?? defaultRepository;
  const declared = settings?.repositories.find((repository) => repository.name === wanted);
  // The same words for what is not there and what may not be used: who else has a repository is nobody's business.
  if (declared === undefined || !selects(declared.allowedNamespaces, namespace.labels)) {
    const message = `spec.source: there is no model repository "${wanted}" that namespace ${namespace.name} may use; name another one, or ask an administrator to declare it in spec.repositories of the ServingPlatform and to allow this namespace there`;
    return { kind: 'Refused', block: { stage: 'Packaging', reason: 'RepositoryNotAvailable', message } };
  }
  return { kind: 'Usable', declared, place: placeOf(declared, namespace) };
}

/**
 * Where the packages of a namespace lie. Its uid is part of the folder's name, so that neither a later namespace of the same name nor one of
 * another cluster, which may share the container, ever comes to these packages, or has them collected.
 */
export function placeOf({ azureBlob }: ModelRepository, namespace: Pick<NamespaceIdentity, 'name' | 'uid'>): Repository {
  const { account, cloud = 'Public', container, prefix } = azureBlob;
  const folder = `${namespace.name}-${namespace.uid.slice(0, 8)}`;
  return {
    account,
    cloud,
    endpoint: `https://${azureHost(account, cloud)}`,
    container,
    prefix: prefix === undefined ? folder : `${prefix}/${folder}`,
  };
}
