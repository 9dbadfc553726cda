import { hash } from 'node:crypto';
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { PackagingError } from '../errors.ts';
import type { RandomAccess } from '../random-access.ts';
import { defaultRetry, type RetryOptions, withRetry } from '../retry.ts';
import { blockMemory } from './block-memory.ts';
import { explainAzure, hasStatus, judgeAzure } from './client.ts';

export interface UploadOptions {
  /** Bytes of a block; Azure takes at most 50,000 blocks. */
  readonly blockBytes?: number;
  /** Blocks under way at once. */
  readonly parallel?: number;
  readonly retry?: RetryOptions;
  readonly onProgress?: (progress: UploadProgress) => void;
}

export interface UploadProgress {
  readonly sentBytes: number;
  /** Bytes that the service had already, from an earlier try. */
  readonly resumedBytes: number;
  readonly totalBytes: number;
}

export interface UploadResult {
  /** False when the blob was there already. */
  readonly uploaded: boolean;
  readonly sentBytes: number;
  readonly resumedBytes: number;
}

const mebibyte = 1 << 20;

/**
 * Uploads a package under its content's address. Blocks go in parallel, each with its MD5, which the service checks; a block that is
 * there from an earlier try is not sent again, since its id holds its MD5. The blob comes into being only when all blocks are there, by
 * one commit with `If-None-Match: *`; then its length, type, digest and list of blocks are read back and compared.
 *
 * @throws PackagingError AccessDenied, NotFound, Conflict, StorageFailed, ChecksumMismatch
 */
export async function uploadPackage(
  container: ContainerClient,
  name: string,
  source: RandomAccess,
  sha256: string,
  options: UploadOptions = {},
  signal?: AbortSignal,
): Promise<UploadResult> {
  const blob = container.getBlockBlobClient(name);
  const retry = options.retry ?? defaultRetry;
  try {
    const begun = await stagedBlocks(blob, retry, signal);
    // The usual case takes one question: where the service knows of no blocks, there is no blob either.
    if (begun !== undefined && (await isThere(blob, source.sizeBytes, sha256, retry, signal)) === true)
      return { uploaded: false, sentBytes: 0, resumedBytes: 0 };
    const present = begun ?? new Map<string, number>();
    const blockBytes = Math.max(options.blockBytes ?? 4 * mebibyte, Math.ceil(source.sizeBytes / 50_000 / mebibyte) * mebibyte);
    const { ids, ...sent } = await stageBlocks(blob, source, { blockBytes, present, retry }, options, signal);
    await commit(blob, ids, sha256, source.sizeBytes, retry, signal);
    await verify(blob, ids, source.sizeBytes, blockBytes, sha256, retry, signal);
    return { uploaded: true, ...sent };
  } catch (error) {
    signal?.throwIfAborted();
    throw explainAzure(error, name);
  }
}

interface StageOptions {
  readonly blockBytes: number;
  /** Blocks that are there from an earlier try, by their id, with their lengths. */
  readonly present: ReadonlyMap<string, number>;
  readonly retry: RetryOptions;
}

/** A block that is ready to be sent. */
interface Block {
  readonly index: number;
  readonly bytes: Buffer;
  readonly md5: Buffer;
}

/** Sends what is not there yet; gives the ids of all blocks in order. */
async function stageBlocks(
  blob: BlockBlobClient,
  source: RandomAccess,
  { blockBytes, present, retry }: StageOptions,
  { parallel = 4, onProgress }: UploadOptions,
  signal?: AbortSignal,
): Promise<{ readonly ids: readonly string[]; readonly sentBytes: number; readonly resumedBytes: number }> {
  const count = Math.max(1, Math.ceil(source.sizeBytes / blockBytes));
  const width = Math.min(count, parallel);
  const ids: string[] = new Array(count);
  let sentBytes = 0;
  let resumedBytes = 0;
  const stop = new AbortController();
  const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  await using memory = blockMemory(Math.min(blockBytes, source.sizeBytes), 2 * width, count);

  let next = 0;
  const prepare = async (slot: number): Promise<Block | undefined> => {
    const index = next++;
    if (index >= count) return undefined;
    both.throwIfAborted();
    const length = Math.min(blockBytes, source.sizeBytes - index * blockBytes);
    const bytes = (memory.slots[slot] ?? Buffer.alloc(0)).subarray(0, length);
    await readBlock(source, bytes, index * blockBytes);
    return { index, bytes, md5: await memory.md5(slot, length) };
  };
  const send = async ({ index, bytes, md5 }: Block): Promise<void> => {
    both.throwIfAborted();
    const id = blockId(index, md5);
    ids[index] = id;
    if (present.get(id) === bytes.length) resumedBytes += bytes.length;
    else {
      await withRetry(
        (abortSignal) => blob.stageBlock(id, bytes, bytes.length, { transactionalContentMD5: md5, abortSignal }),
        judgeAzure,
        retry,
        both,
      );
      sentBytes += bytes.length;
    }
    onProgress?.({ sentBytes, resumedBytes, totalBytes: source.sizeBytes });
  };
  /** Has two pieces of memory: while one block is under way the next is read and hashed. */
  const work = async (slot: number): Promise<void> => {
    let ahead = prepare(slot);
    for (let other = 1; ; other = 1 - other) {
      const block = await ahead;
      if (block === undefined) return;
      ahead = prepare(slot + other);
      // It is awaited in the next round, which does not come when this block fails.
      ahead.catch(() => undefined);
      await send(block);
    }
  };
  const workers = Array.from({ length: width }, (_, index) =>
    work(2 * index).catch((error: unknown) => {
      stop.abort();
      throw error;
    }),
  );
  const settled = await Promise.allSettled(workers);
  signal?.throwIfAborted();
  const failures = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  // The first failure stopped the others, which then report only that.
  const failure = failures.find((reason) => !(reason instanceof Error && reason.name === 'AbortError')) ?? failures[0];
  if (failure !== undefined) throw failure;
  return { ids, sentBytes, resumedBytes };
}

/** Writes a small blob once; an equal one that is there already is left. */
export async function uploadOnce(
  container: ContainerClient,
  name: string,
  text: string,
  contentType: string,
  options: UploadOptions = {},
  signal?: AbortSignal,
): Promise<void> {
  const blob = container.getBlockBlobClient(name);
  const bytes = Buffer.from(text);
  try {
    await withRetry(
      (abortSignal) =>
        blob.upload(bytes, bytes.length, {
          conditions: { ifNoneMatch: '*' },
          blobHTTPHeaders: { blobContentType: contentType, blobContentMD5: hash('md5', bytes, 'buffer') },
          abortSignal,
        }),
      judgeAzure,
      options.retry ?? defaultRetry,
      signal,
    );
  } catch (error) {
    signal?.throwIfAborted();
    if (!hasStatus(error, 409, 412)) throw explainAzure(error, name);
  }
}

/** Fills the memory with the bytes of a block. */
async function readBlock(source: RandomAccess, memory: Buffer, offset: number): Promise<void> {
  if (source.readInto === undefined) memory.set(await source.read(offset, memory.length));
  else await source.readInto(memory, offset);
}

function blockId(index: number, md5: Buffer): string {
  return Buffer.concat([Buffer.from(`mw1-${String(index).padStart(5, '0')}-`), md5]).toString('base64');
}

/** True when the blob is there and says that it is this content; undefined when the credentials (a write-only SAS) do not allow to look. */
async function isThere(
  blob: BlockBlobClient,
  sizeBytes: number,
  sha256: string,
  retry: RetryOptions,
  signal?: AbortSignal,
): Promise<boolean | undefined> {
  try {
    const properties = await withRetry((abortSignal) => blob.getProperties({ abortSignal }), judgeAzure, retry, signal);
    if (
      properties.contentLength === sizeBytes &&
      properties.metadata?.['sha256'] === sha256 &&
      properties.contentType === 'application/zip'
    )
      return true;
    throw new PackagingError(
      'Conflict',
      `${blob.name} is there and is not this package (${properties.contentLength ?? 0} bytes, digest ${properties.metadata?.['sha256'] ?? 'missing'}). Delete it and push again.`,
      blob.name,
    );
  } catch (error) {
    if (hasStatus(error, 404)) return false;
    if (hasStatus(error, 403)) return undefined;
    throw error;
  }
}

/** Blocks that are there and belong to no blob yet; undefined where there is neither a blob nor a block, or one may not look. */
async function stagedBlocks(blob: BlockBlobClient, retry: RetryOptions, signal?: AbortSignal): Promise<Map<string, number> | undefined> {
  try {
    const list = await withRetry((abortSignal) => blob.getBlockList('uncommitted', { abortSignal }), judgeAzure, retry, signal);
    return new Map((list.uncommittedBlocks ?? []).map(({ name, size }) => [name, size]));
  } catch (error) {
    // No block was ever sent, or the credentials (a create-only SAS) do not allow to look.
    if (hasStatus(error, 404, 403)) return undefined;
    throw error;
  }
}

async function commit(
  blob: BlockBlobClient,
  ids: readonly string[],
  sha256: string,
  sizeBytes: number,
  retry: RetryOptions,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await withRetry(
      (abortSignal) =>
        blob.commitBlockList([...ids], {
          conditions: { ifNoneMatch: '*' },
          blobHTTPHeaders: { blobContentType: 'application/zip' },
          metadata: { sha256 },
          abortSignal,
        }),
      judgeAzure,
      retry,
      signal,
    );
  } catch (error) {
    // Our own commit whose answer was lost, or somebody else's of the same content.
    if (hasStatus(error, 409, 412) && (await isThere(blob, sizeBytes, sha256, retry, signal)) !== false) return;
    throw error;
  }
}

/** Reads back what the service holds: every committed block is one whose MD5 it checked when it came. */
async function verify(
  blob: BlockBlobClient,
  ids: readonly string[],
  sizeBytes: number,
  blockBytes: number,
  sha256: string,
  retry: RetryOptions,
  signal?: AbortSignal,
): Promise<void> {
  const [there, list] = await Promise.all([
    isThere(blob, sizeBytes, sha256, retry, signal),
    withRetry((abortSignal) => blob.getBlockList('committed', { abortSignal }), judgeAzure, retry, signal).catch((error: unknown) => {
      if (hasStatus(error, 403)) return undefined;
      throw error;
    }),
  ]);
  if (there === false) throw new PackagingError('ChecksumMismatch', `${blob.name} vanished after it was committed.`, blob.name);
  if (list === undefined) return;
  const committed = list.committedBlocks ?? [];
  const same =
    committed.length === ids.length &&
    committed.every(({ name, size }, index) => name === ids[index] && size === Math.min(blockBytes, sizeBytes - index * blockBytes));
  if (!same)
    throw new PackagingError(
      'ChecksumMismatch',
      `${blob.name} does not consist of the blocks that were sent. Delete it and push again.`,
      blob.name,
    );
}
