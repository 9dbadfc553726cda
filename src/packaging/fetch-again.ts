/**
 * Fetching for containers that run more than once over the same volume: the kubelet runs init containers again when a node was restarted or a pod's
 * sandbox was lost, and the volume still has what they did before.
 */
import { createHash } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type FetchOptions, type FetchResult, fetchModel } from './fetch.ts';

/** What a fetch that came to its end leaves beside the model. */
const receiptName = '.modelwright-fetched';
const format = 'modelwright.dev/fetched/v1';

interface Receipt {
  readonly format: typeof format;
  /** Tells sources apart without naming them. */
  readonly source: string;
  readonly sha256?: string;
  readonly verified: boolean;
  readonly sizeBytes: number;
  readonly files: readonly { readonly path: string; readonly sizeBytes: number }[];
}

/**
 * Brings the model at a URI into a folder, unless the same is there already from an earlier run: then nothing is asked of the storage, which need not be
 * there either. What an earlier run left of another model, or of this one in part, is removed. Content of others is not touched.
 *
 * @returns `again`: it was there
 * @throws PackagingError as `fetchModel`
 */
export async function fetchAgain(
  uri: string,
  destination: string,
  options: FetchOptions,
  signal?: AbortSignal,
): Promise<FetchResult & { readonly again: boolean }> {
  const source = sourceOf(uri, options.sha256);
  const left = await readReceipt(destination);
  if (left.kind === 'Receipt' && left.receipt.source === source && (await isWhole(left.receipt, destination))) {
    const { sha256, verified, sizeBytes, files } = left.receipt;
    return { sha256, verified, sizeBytes, files: files.length, again: true };
  }
  if (left.kind !== 'None') await removeOurs(destination);
  const result = await fetchModel(uri, destination, options, signal);
  await leaveReceipt(destination, source, result);
  return { ...result, again: false };
}

/** A signature in the URI is renewed now and then, and is no part of what the source is. */
function sourceOf(uri: string, sha256 = ''): string {
  return createHash('sha256')
    .update(`${uri.replace(/\?.*$/s, '')} ${sha256}`)
    .digest('hex');
}

type Left = { readonly kind: 'None' } | { readonly kind: 'Broken' } | { readonly kind: 'Receipt'; readonly receipt: Receipt };

async function readReceipt(destination: string): Promise<Left> {
  const text = await readFile(join(destination, receiptName), 'utf8').catch(() => undefined);
  if (text === undefined) return { kind: 'None' };
  try {
    const receipt = JSON.parse(text) as Receipt;
    return receipt.format === format && Array.isArray(receipt.files) ? { kind: 'Receipt', receipt } : { kind: 'Broken' };
  } catch {
    return { kind: 'Broken' };
  }
}

/** Every file has the size that it had. Its content was on disk before the receipt was. */
async function isWhole({ files }: Receipt, destination: string): Promise<boolean> {
  for (const { path, sizeBytes } of files) {
    const found = await stat(join(destination, path)).catch(() => undefined);
    if (found?.isFile() !== true || found.size !== sizeBytes) return false;
  }
  return true;
}

/** All that is there: where our receipt is, nobody else has put anything. The receipt goes last, so that a run that is ended here is begun anew. */
async function removeOurs(destination: string): Promise<void> {
  const names = (await contentOf(destination)).filter((name) => name !== receiptName);
  for (const name of [...names, receiptName]) await rm(join(destination, name), { recursive: true, force: true });
}

async function leaveReceipt(destination: string, source: string, { sha256, verified, sizeBytes }: FetchResult): Promise<void> {
  const files: { path: string; sizeBytes: number }[] = [];
  for (const name of await contentOf(destination)) await flushed(destination, name, files);
  await flush(destination);
  const receipt: Receipt = { format, source, ...(sha256 !== undefined && { sha256 }), verified, sizeBytes, files };
  const draft = join(destination, `${receiptName}.draft`);
  const handle = await open(draft, 'w', 0o644);
  try {
    await handle.writeFile(JSON.stringify(receipt));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, join(destination, receiptName));
  await flush(destination);
}

/** Writes a file, or all below a folder, out to disk, and lists the files. */
async function flushed(destination: string, path: string, files: { path: string; sizeBytes: number }[]): Promise<void> {
  const full = join(destination, path);
  const found = await stat(full);
  if (found.isFile()) files.push({ path, sizeBytes: found.size });
  else for (const name of await readdir(full)) await flushed(destination, join(path, name), files);
  await flush(full);
}

/** Without the folder that file systems have of their own, and that only root may read. */
async function contentOf(destination: string): Promise<string[]> {
  return (await readdir(destination)).filter((name) => name !== 'lost+found');
}

/** A node that loses power keeps what it was told to write out, and perhaps no more. */
async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
