import { azureHost } from '../../models/azure-host.ts';
import type { HostRules } from '../../models/host-list.ts';
import { newestKServe } from '../../models/kserve-version.ts';
import { parseStorageUri, type StorageUri } from '../../models/storage-uri.ts';
import { containerClient } from '../azure/client.ts';
import { findCredential, type Settings } from '../azure/credentials.ts';
import { PackagingError } from '../errors.ts';
import type { ArchiveLimits } from '../limits.ts';
import { defaultRetry, type RetryOptions } from '../retry.ts';
import { openBlob } from './azure.ts';
import { openHttp, parseHostHeaders } from './http.ts';
import type { RemoteFile } from './remote.ts';

/** A URI of a package, read into its parts. */
export interface PackageAddress {
  readonly parsed: StorageUri;
  /** The digest that its path names; undefined when it names none. */
  readonly sha256: string | undefined;
  /** Address of the zip: a folder named by a digest holds `model.zip`. */
  readonly zipUri: string;
  /** Address of the manifest that belongs to it. */
  readonly manifestUri: string | undefined;
}

/**
 * Reads the address of a package: `az://account/container/path`, or an http(s) URI, of the zip or of its folder.
 *
 * @throws PackagingError InvalidArgument
 */
export function parsePackageAddress(text: string): PackageAddress {
  const short = /^az:\/\/([a-z0-9]{3,24})\/(.+)$/.exec(text.trim());
  const uri = short === null ? text.trim() : `https://${azureHost(short[1] ?? '', 'Public')}/${short[2] ?? ''}`;
  const parsed = parseStorageUri(uri, newestKServe);
  if (!/^https?:\/\//.test(uri) || !URL.canParse(uri)) {
    throw new PackagingError(
      'InvalidArgument',
      `"${parsed.redacted}" is no address of a package: write https://… or az://ACCOUNT/CONTAINER/PATH.`,
    );
  }
  const [path = '', query] = uri.split('?', 2);
  const folder = /^(.*?\/)([0-9a-f]{64})(?:\/(?:model\.zip)?)?$/.exec(path);
  const suffix = query === undefined ? '' : `?${query}`;
  if (folder === null) return { parsed, sha256: undefined, zipUri: uri, manifestUri: undefined };
  const [, before = '', sha256 = ''] = folder;
  return { parsed, sha256, zipUri: `${before}${sha256}/model.zip${suffix}`, manifestUri: `${before}_manifests/${sha256}.json${suffix}` };
}

export interface OpenOptions {
  readonly settings: Settings;
  readonly retry?: RetryOptions;
  /** Hosts of http(s) that may be asked, and what they may resolve to; absent: anything. Redirects are judged too. */
  readonly hosts?: HostRules;
  /** Caps on archives; absent: the default ones. */
  readonly limits?: ArchiveLimits;
}

/**
 * Opens a file of any supported host: Azure Blob of every cloud with the credentials that the settings hold, or a plain http(s) server
 * with the headers of its `<host>-headers` setting. A SAS in the URI is used as it is.
 */
export async function openRemote(uri: string, options: OpenOptions, signal?: AbortSignal): Promise<RemoteFile> {
  const parsed = parseStorageUri(uri, newestKServe);
  const retry = options.retry ?? defaultRetry;
  const { azure } = parsed;
  if (azure !== undefined && parsed.scheme === 'https' && !parsed.hasQuery) {
    const credential = await findCredential(azure.account, azure.cloud, options.settings);
    if (credential.kind !== 'anonymous') {
      if (options.hosts !== undefined && options.hosts(parsed.host ?? '') === undefined)
        throw new PackagingError('AccessDenied', `${parsed.redacted}: the host is not among those that may be read from.`, parsed.redacted);
      return openBlob(
        containerClient(`https://${parsed.host ?? ''}`, azure.container, credential),
        decodeURIComponent(azure.path),
        retry,
        signal,
      );
    }
  }
  const host = new URL(uri).hostname;
  return openHttp(uri, parseHostHeaders(await options.settings(`${host}-headers`)), retry, signal, options.hosts);
}
