import { type AzureCloud, parseAzureHost } from './azure-host.ts';
import { isAtLeast, type KServeVersion } from './kserve-version.ts';
import { redactUri } from './redact.ts';

/** The downloader that a KServe's storage initializer picks for a URI. */
export type StorageRoute =
  | 'AzureBlob'
  | 'AzureFile'
  | 'GCS'
  | 'S3'
  | 'HDFS'
  | 'HuggingFace'
  | 'OCI'
  | 'PVC'
  | 'Local'
  | 'Git'
  | 'HTTP'
  | 'Unsupported';

/** What a `storageUri` is, as one version of KServe reads it. */
export interface StorageUri {
  /** The text without blanks around it; may hold a secret in its query. */
  readonly uri: string;
  /** The text that may be shown. */
  readonly redacted: string;
  readonly route: StorageRoute;
  readonly scheme: string | undefined;
  /** Host with its port, where the URI has one. */
  readonly host: string | undefined;
  readonly hasQuery: boolean;
  readonly hasUserInfo: boolean;
  /** A shared access signature stands in the query. */
  readonly hasSas: boolean;
  /** Set for a blob host of any Azure cloud, whatever route KServe takes. */
  readonly azure: AzureLocation | undefined;
  /** What KServe would unpack after the download, judged as it does: by the extension of the path. */
  readonly archive: 'zip' | 'tar' | undefined;
  /** Last segment of the path; empty when the path ends in a slash. */
  readonly fileName: string;
}

export interface AzureLocation {
  readonly account: string;
  readonly cloud: AzureCloud;
  readonly zone: boolean;
  readonly container: string;
  /** The blob or the folder inside the container, without slashes around it; empty for the container itself. */
  readonly path: string;
}

// KServe's own expressions, unanchored and with unescaped dots as they are there (python/storage, `re.search`).
const blobExpression = /https:\/\/(.+?).blob.core.windows.net\/(.+)/;
const zoneBlobExpression = /https:\/\/(.+?).z[0-9]{1,2}.blob.storage.azure.net\/(.+)/;
const fileExpression = /https:\/\/(.+?).file.core.windows.net\/(.+)/;
const zoneFileExpression = /https:\/\/(.+?).z[0-9]{1,2}.file.storage.azure.net\/(.+)/;
const gitExpression = /https:\/\/.+\.git/;
const httpExpression = /https?:\/\/(.+)\/(.+)/;

/**
 * Reads a `storageUri` the way the storage initializer of `version` does. Total: any text gets an answer.
 * The order of the tests is KServe's own (kserve_storage.py 0.7 to 0.20, kfserving/storage.py 0.6.1).
 */
export function parseStorageUri(text: string, version: KServeVersion): StorageUri {
  const uri = text.trim();
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1];
  const afterScheme = scheme === undefined ? uri : uri.slice(scheme.length + 3);
  const query = /\?([^#]*)/.exec(uri)?.[1];
  const authority = scheme === undefined ? undefined : (/^[^/?#]*/.exec(afterScheme)?.[0] ?? '');
  const host = authority?.slice(authority.lastIndexOf('@') + 1);
  const path = afterScheme.replace(/[?#].*$/s, '').slice(authority?.length ?? 0);
  return {
    uri,
    redacted: redactUri(uri),
    route: routeOf(uri, version),
    scheme,
    host,
    hasQuery: query !== undefined && query !== '',
    hasUserInfo: authority?.includes('@') ?? false,
    hasSas: query !== undefined && /(?:^|&)sig=/i.test(query),
    azure: host === undefined ? undefined : azureLocation(host, path),
    archive: archiveOf(path),
    fileName: path.slice(path.lastIndexOf('/') + 1),
  };
}

function routeOf(uri: string, version: KServeVersion): StorageRoute {
  if (uri.startsWith('pvc://')) return 'PVC';
  if (uri.startsWith('gs://')) return 'GCS';
  if (uri.startsWith('s3://')) return 'S3';
  if (/^(?:web)?hdfs:\/\//.test(uri)) return isAtLeast(version, 0, 9) ? 'HDFS' : 'Unsupported';
  if (blobExpression.test(uri) || (isAtLeast(version, 0, 14) && zoneBlobExpression.test(uri))) return 'AzureBlob';
  if (isAtLeast(version, 0, 9) && fileExpression.test(uri)) return 'AzureFile';
  if (isAtLeast(version, 0, 14) && zoneFileExpression.test(uri)) return 'AzureFile';
  if (uri.startsWith('file://')) return 'Local';
  if (uri.startsWith('hf://')) return isAtLeast(version, 0, 14) ? 'HuggingFace' : 'Unsupported';
  if (/^oci(?:\+[a-z]+)?:\/\//.test(uri)) return isAtLeast(version, 0, 12) ? 'OCI' : 'Unsupported';
  if (isAtLeast(version, 0, 17) && gitExpression.test(uri)) return 'Git';
  if (httpExpression.test(uri)) return 'HTTP';
  // Without a scheme the controller takes the text for a path in the image and injects no initializer.
  return /^\w+:\/\//.test(uri) ? 'Unsupported' : 'Local';
}

function azureLocation(host: string, path: string): AzureLocation | undefined {
  const azure = parseAzureHost(host);
  if (azure === undefined) return undefined;
  const [container = '', ...rest] = path.replace(/^\/+/, '').split('/');
  return { ...azure, container, path: rest.join('/').replace(/^\/+|\/+$/g, '') };
}

function archiveOf(path: string): 'zip' | 'tar' | undefined {
  const name = path.replace(/\/+$/, '').toLowerCase();
  if (name.endsWith('.zip')) return 'zip';
  return /\.(?:tar|tgz|tar\.gz|tar\.bz2|tar\.xz|tbz2|txz)$/.test(name) ? 'tar' : undefined;
}
