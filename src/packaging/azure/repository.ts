import { type AzureCloud, azureHost, blobSuffix, parseAzureHost } from '../../models/azure-host.ts';
import { PackagingError } from '../errors.ts';

/** A place for packages: a container and a prefix in it. */
export interface Repository {
  readonly account: string;
  readonly cloud: AzureCloud;
  /** Origin of the blob service, `https://account.blob…`. */
  readonly endpoint: string;
  readonly container: string;
  /** Folder inside the container, without slashes around it; may be empty. */
  readonly prefix: string;
}

/** Folder of a namespace in which full reports of benchmarks lie, and no packages. */
export const reportsFolder = '_reports';

/**
 * Reads `az://ACCOUNT/CONTAINER/PREFIX` or `https://ACCOUNT.blob…/CONTAINER/PREFIX`.
 *
 * @param cloud the cloud of an `az://` address; Public when left out.
 * @throws PackagingError InvalidArgument
 */
export function parseRepository(text: string, cloud: AzureCloud = 'Public'): Repository {
  const short = /^az:\/\/([^/]+)\/([^/?#]+)(?:\/([^?#]*))?$/.exec(text.trim());
  if (short !== null) {
    const [, account = '', container = '', prefix = ''] = short;
    return checked({ account, cloud, endpoint: `https://${azureHost(account, cloud)}`, container, prefix: trimSlashes(prefix) }, text);
  }
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  const host = url === undefined ? undefined : parseAzureHost(url.host);
  if (url === undefined || host === undefined || url.protocol !== 'https:') {
    throw new PackagingError(
      'InvalidArgument',
      `"${text.replace(/\?.*$/, '')}" is no repository: write az://ACCOUNT/CONTAINER/PREFIX or https://ACCOUNT.${blobSuffix.Public}/CONTAINER/PREFIX.`,
    );
  }
  if (url.search !== '' || url.username !== '') {
    throw new PackagingError(
      'InvalidArgument',
      'The repository carries a SAS or a password; put it into AZURE_STORAGE_SAS_TOKEN, where no log shows it.',
    );
  }
  const [container = '', ...rest] = decodeURIComponent(url.pathname).replace(/^\//, '').split('/');
  return checked({ account: host.account, cloud: host.cloud, endpoint: url.origin, container, prefix: trimSlashes(rest.join('/')) }, text);
}

function checked(repository: Repository, text: string): Repository {
  const { account, container, prefix } = repository;
  const fail = (what: string): never => {
    throw new PackagingError('InvalidArgument', `"${text}" is no repository: ${what}.`);
  };
  if (!/^[a-z0-9]{3,24}$/.test(account)) fail('an account has 3 to 24 lower-case letters and digits');
  if (!/^(?:\$web|[a-z0-9](?:-?[a-z0-9]){2,62})$/.test(container))
    fail('a container has 3 to 63 lower-case letters, digits and single "-"');
  if (prefix !== '' && !prefix.split('/').every((part) => /^[\w.-]+$/.test(part) && part !== '.' && part !== '..' && !part.endsWith('.'))) {
    fail('a prefix has letters, digits, "_", "-" and "." between slashes');
  }
  // From KServe 0.17 on, `.git` anywhere in the URI means a Git repository.
  if (`${container}/${prefix}`.includes('.git')) fail('KServe takes a URI with ".git" in it for a Git repository');
  return repository;
}

/** Name of a package's blob: nothing else lies in its folder, whose name is the whole digest. */
export function packageBlob(repository: Repository, sha256: string): string {
  return join(repository.prefix, `${sha256}/model.zip`);
}

/** Name of a package's manifest; never beside the package. */
export function manifestBlob(repository: Repository, sha256: string): string {
  return join(repository.prefix, `_manifests/${sha256}.json`);
}

/** The `storageUri` that every KServe from 0.7 on unpacks: the folder on windows.net, the zip itself in the other clouds. */
export function storageUri(repository: Repository, sha256: string): string {
  const blob = packageBlob(repository, sha256);
  const path = repository.cloud === 'Public' ? blob.slice(0, -'/model.zip'.length) : blob;
  return `${repository.endpoint}/${repository.container}/${path}`;
}

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}/${name}`;
}

function trimSlashes(text: string): string {
  return text.replace(/^\/+|\/+$/g, '');
}

/** Where an upload goes until it is looked at; its run is a random name. */
export function incomingBlob({ prefix }: Repository, run: string): string {
  return join(prefix, `_incoming/${run}.zip`);
}

/** The same for its manifest. */
export function incomingManifestBlob({ prefix }: Repository, run: string): string {
  return join(prefix, `_incoming/${run}.json`);
}
