import type { ContainerClient } from '@azure/storage-blob';
import type { ListedBlob } from '../../models/blob-listing.ts';
import { defaultRetry, type RetryOptions, withRetry } from '../retry.ts';
import { judgeAzure } from './client.ts';

/**
 * The blobs whose names begin with `prefix`, as KServe lists them: a prefix of the text, not a folder.
 *
 * @param most listing ends after so many.
 */
export async function listBlobs(
  container: ContainerClient,
  prefix: string,
  most: number,
  retry: RetryOptions = defaultRetry,
  signal?: AbortSignal,
): Promise<ListedBlob[]> {
  const blobs: ListedBlob[] = [];
  const pages = container.listBlobsFlat({ prefix }).byPage({ maxPageSize: 5000 });
  for (;;) {
    const page = await withRetry(() => pages.next(), judgeAzure, retry, signal);
    if (page.done === true) return blobs;
    for (const { name, properties } of page.value.segment.blobItems) blobs.push({ name, sizeBytes: properties.contentLength ?? 0 });
    if (blobs.length > most) return blobs;
  }
}
