/** A report of a benchmark as a blob: written by a load pod with a signature for this blob alone, read back by its address. */
import { createHash } from 'node:crypto';
import { parseAzureHost } from '../../models/azure-host.ts';
import { PackagingError } from '../errors.ts';
import { defaultRetry, type RetryOptions, withRetry } from '../retry.ts';
import { containerClient, explainAzure, judgeAzure } from './client.ts';
import { findCredential, type Settings } from './credentials.ts';

interface BlobAddress {
  readonly account: string;
  readonly cloud: NonNullable<ReturnType<typeof parseAzureHost>>['cloud'];
  readonly endpoint: string;
  readonly container: string;
  readonly blob: string;
}

/** Reads `https://ACCOUNT.blob…/CONTAINER/BLOB`. Throws a PackagingError InvalidArgument. */
export function parseBlobAddress(text: string): BlobAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const host = url === undefined ? undefined : parseAzureHost(url.host);
  const [, container = '', ...blob] = decodeURIComponent(url?.pathname ?? '').split('/');
  if (url?.protocol !== 'https:' || url.search !== '' || host === undefined || container === '' || blob.join('/') === '') {
    throw new PackagingError(
      'InvalidArgument',
      `"${text.replace(/\?.*$/, '')}" is no address of a blob: write https://ACCOUNT.blob…/CONTAINER/BLOB.`,
    );
  }
  return { ...host, endpoint: url.origin, container, blob: blob.join('/') };
}

/**
 * Writes the blob, whatever is there: a pod that takes the place of a lost one writes its own. The service checks the MD5 of what arrives.
 *
 * @throws PackagingError InvalidArgument, AccessDenied, NotFound, StorageFailed
 */
export async function writeReportBlob(
  address: string,
  bytes: Buffer,
  settings: Settings,
  retry: RetryOptions = defaultRetry,
  signal?: AbortSignal,
): Promise<{ readonly sha256: string; readonly sizeBytes: number }> {
  const { account, cloud, endpoint, container, blob } = parseBlobAddress(address);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  try {
    const client = containerClient(endpoint, container, await findCredential(account, cloud, settings)).getBlockBlobClient(blob);
    const blobHTTPHeaders = { blobContentType: 'application/zip', blobContentMD5: createHash('md5').update(bytes).digest() };
    await withRetry(
      (abortSignal) => client.upload(bytes, bytes.length, { blobHTTPHeaders, metadata: { sha256 }, abortSignal }),
      judgeAzure,
      retry,
      signal,
    );
    return { sha256, sizeBytes: bytes.length };
  } catch (error) {
    throw explainAzure(error, blob);
  }
}

/**
 * Reads the blob whole, and holds it against the digest that it was announced with.
 *
 * @throws PackagingError InvalidArgument, AccessDenied, NotFound, StorageFailed, ChecksumMismatch
 */
export async function readReportBlob(
  address: string,
  claim: { readonly sha256: string; readonly sizeBytes: number },
  settings: Settings,
  retry: RetryOptions = defaultRetry,
  signal?: AbortSignal,
): Promise<Buffer> {
  const { account, cloud, endpoint, container, blob } = parseBlobAddress(address);
  try {
    const client = containerClient(endpoint, container, await findCredential(account, cloud, settings)).getBlockBlobClient(blob);
    const bytes = await withRetry((abortSignal) => client.downloadToBuffer(0, undefined, { abortSignal }), judgeAzure, retry, signal);
    if (bytes.length !== claim.sizeBytes || createHash('sha256').update(bytes).digest('hex') !== claim.sha256)
      throw new PackagingError('ChecksumMismatch', `${blob} is not what the load pod said that it had written.`, blob);
    return bytes;
  } catch (error) {
    throw explainAzure(error, blob);
  }
}
