import type { BlobClient, ContainerClient } from '@azure/storage-blob';
import { explainAzure, hasStatus, judgeAzure } from '../azure/client.ts';
import { PackagingError } from '../errors.ts';
import { defaultRetry, type RetryOptions, withRetry } from '../retry.ts';
import type { RemoteFile } from './remote.ts';

/** Opens a blob with credentials; its ETag pins the content. */
export async function openBlob(
  container: ContainerClient,
  name: string,
  retry: RetryOptions = defaultRetry,
  signal?: AbortSignal,
): Promise<RemoteFile> {
  const blob: BlobClient = container.getBlobClient(name);
  const shown = blob.url.replace(/\?.*$/, '');
  const properties = await withRetry((abortSignal) => blob.getProperties({ abortSignal }), judgeAzure, retry, signal).catch(
    (error: unknown) => {
      signal?.throwIfAborted();
      throw explainAzure(error, shown);
    },
  );
  const conditions = properties.etag === undefined ? {} : { ifMatch: properties.etag };
  const sizeBytes = properties.contentLength ?? 0;
  const read = (offset: number, length: number, abort?: AbortSignal): Promise<Buffer> =>
    withRetry(
      async (abortSignal) => {
        if (length === 0) return Buffer.alloc(0);
        const response = await blob.download(offset, length, { conditions, abortSignal, maxRetryRequests: 0 });
        const parts: Buffer[] = [];
        for await (const part of response.readableStreamBody ?? []) parts.push(part as Buffer);
        const bytes = Buffer.concat(parts);
        if (bytes.length !== length) throw new Error('aborted: the answer was cut off');
        return bytes;
      },
      judgeAzure,
      retry,
      abort,
    ).catch((error: unknown) => {
      abort?.throwIfAborted();
      if (hasStatus(error, 412)) throw new PackagingError('SourceChanged', `${shown} was replaced while it was read; start again.`, shown);
      throw explainAzure(error, shown);
    });
  return {
    shown,
    sizeBytes,
    ranges: true,
    contentType: properties.contentType,
    read,
    async *stream(abort) {
      const step = 8 << 20;
      for (let at = 0; at < sizeBytes; at += step) yield await read(at, Math.min(step, sizeBytes - at), abort);
    },
    async [Symbol.asyncDispose]() {},
  };
}
