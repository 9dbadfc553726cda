/** Opens a repository with the credentials that its Secret holds. Nothing of them is kept, shown, or given to anybody. */
import type { KubeClient } from '../../../kube/client.ts';
import { isForbidden, isNotFound } from '../../../kube/errors.ts';
import type { Settings } from '../../../packaging/azure/credentials.ts';
import type { Shelf } from '../../../packaging/azure/shelf.ts';
import { PackagingError } from '../../../packaging/errors.ts';
import type { NamespaceRepository } from './repository.ts';
import { secrets } from './resources.ts';

/** Settings that a repository's Secret may hold. Not among them: paths of files, which would be read from the operator's own disk. */
const known: readonly string[] = [
  'AZURE_STORAGE_CONNECTION_STRING',
  'AZURE_STORAGE_ACCESS_KEY',
  'AZURE_STORAGE_KEY',
  'AZURE_TENANT_ID',
  'AZURE_CLIENT_ID',
  'AZURE_CLIENT_SECRET',
  'AZ_TENANT_ID',
  'AZ_CLIENT_ID',
  'AZ_CLIENT_SECRET',
  'AZURE_AUTHORITY_HOST',
];

/** Gives the shelf of a namespace in a repository. */
export type OpenShelf = (target: NamespaceRepository, signal?: AbortSignal) => Promise<Shelf>;

/** @param namespace that of the operator: the only one whose Secrets it reads, each by its name. */
export function shelfOpener(client: KubeClient, namespace: string): OpenShelf {
  return async ({ declared, place }, signal) => {
    const { name } = declared.azureBlob.credentials.secretRef;
    const secret = await client.get(secrets, { namespace, name }, signal).catch((error: unknown) => {
      if (!isNotFound(error) && !isForbidden(error)) throw error;
      const why = isNotFound(error) ? 'is missing' : 'may not be read by the operator';
      throw new PackagingError(
        'CredentialsMissing',
        `The credentials of repository "${declared.name}": Secret ${name} in the operator's namespace ${namespace} ${why}; an administrator must see to it`,
      );
    });
    // The Azure SDK takes 5 MB of memory: only an operator that packages models holds it.
    const [azure, shelf] = await Promise.all([
      import('../../../packaging/azure/credentials.ts'),
      import('../../../packaging/azure/shelf.ts'),
    ]);
    return new shelf.Shelf(place, await azure.findCredential(place.account, place.cloud, settingsOf(secret.data ?? {})));
  };
}

function settingsOf(data: Readonly<Record<string, string>>): Settings {
  return async (name) => {
    if (!known.includes(name) || !Object.hasOwn(data, name)) return undefined;
    const text = Buffer.from(data[name] ?? '', 'base64')
      .toString('utf8')
      .trim();
    return text === '' ? undefined : text;
  };
}
