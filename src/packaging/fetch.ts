import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { HostRules } from '../models/host-list.ts';
import { newestKServe } from '../models/kserve-version.ts';
import { parseStorageUri } from '../models/storage-uri.ts';
import { containerClient, explainAzure } from './azure/client.ts';
import { findCredential, type Settings } from './azure/credentials.ts';
import { listBlobs } from './azure/list.ts';
import { refuseName } from './entry-name.ts';
import { PackagingError } from './errors.ts';
import { type ArchiveLimits, defaultLimits, raising } from './limits.ts';
import { openFile, withWindow } from './random-access.ts';
import { openBlob } from './remote/azure.ts';
import { type OpenOptions, openRemote, parsePackageAddress } from './remote/open.ts';
import { readAhead } from './remote/read-ahead.ts';
import type { RemoteFile } from './remote/remote.ts';
import { defaultRetry, type RetryOptions } from './retry.ts';
import { type ExtractedFile, extract } from './zip/extract.ts';

export interface FetchOptions {
  readonly settings: Settings;
  /** Caps on archives; absent: the default ones. */
  readonly limits?: ArchiveLimits;
  readonly retry?: RetryOptions;
  /** Hosts of http(s) that may be asked, and what they may resolve to; absent: anything. Redirects are judged too. */
  readonly hosts?: HostRules;
  /** The digest that the content must have; taken from the URI's path when that names one. */
  readonly sha256?: string;
  readonly onProgress?: (receivedBytes: number, totalBytes: number) => void;
}

export interface FetchResult {
  /** Of the archive; undefined for a folder of single files. */
  readonly sha256: string | undefined;
  /** The digest was known beforehand and the content has it. */
  readonly verified: boolean;
  readonly sizeBytes: number;
  readonly files: number;
}

/** Before KServe 0.20 a URI begins with this in place of https://, so that KServe takes our storage container for it. */
const ownScheme = /^modelwright:\/\//;

/** Work in progress lies here, inside the destination, so that the final renames stay on one disk. */
const stagingName = '.modelwright-fetch';

/**
 * Brings the model at a URI into a folder: a zip is checked and unpacked while it arrives (nothing is stored twice), a folder on Azure is
 * copied file by file, a single file is copied. Files appear under their own names only when everything is there and the digest is right;
 * what an earlier, killed run left is removed first.
 *
 * @throws PackagingError
 */
export async function fetchModel(text: string, destination: string, options: FetchOptions, signal?: AbortSignal): Promise<FetchResult> {
  const uri = text.replace(ownScheme, 'https://');
  const limits = options.limits ?? defaultLimits;
  const address = parsePackageAddress(uri);
  const expected = options.sha256 ?? address.sha256;
  const staging = await prepareStaging(destination);
  try {
    const content = join(staging, 'content');
    const isArchive = address.sha256 !== undefined || address.parsed.archive === 'zip';
    const result = isArchive
      ? await fetchArchive(address.zipUri, content, expected, options, limits, signal)
      : await fetchFiles(uri, content, expected, options, limits, signal);
    await publish(content, destination, staging);
    return result;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Makes the staging folder. A destination with other content is left alone, unless an earlier run of ours did not finish there. */
async function prepareStaging(destination: string): Promise<string> {
  await mkdir(destination, { recursive: true });
  const present = await readdir(destination);
  const staging = join(destination, stagingName);
  if (present.includes(stagingName)) {
    for (const name of present) if (name !== stagingName) await rm(join(destination, name), { recursive: true, force: true });
    await rm(staging, { recursive: true, force: true });
  } else if (present.some((name) => name !== 'lost+found')) {
    throw new PackagingError('TargetNotEmpty', `${destination} is not empty; a model is fetched into an empty folder only.`, destination);
  }
  await mkdir(staging);
  return staging;
}

/** Moves everything to its final place. A run that is killed here leaves the staging folder, by which the next one knows. */
async function publish(content: string, destination: string, staging: string): Promise<void> {
  for (const name of await readdir(content)) await rename(join(content, name), join(destination, name));
  await rm(staging, { recursive: true, force: true });
}

async function fetchArchive(
  uri: string,
  target: string,
  expected: string | undefined,
  options: FetchOptions,
  limits: ArchiveLimits,
  signal?: AbortSignal,
): Promise<FetchResult> {
  await using remote = await openRemote(uri, openOptions(options), signal);
  if (remote.sizeBytes > limits.archiveBytes) {
    throw new PackagingError(
      'ArchiveRefused',
      `${remote.shown} has ${remote.sizeBytes} bytes; at most ${limits.archiveBytes} are accepted, ${raising('size')}.`,
      remote.shown,
    );
  }
  const onProgress = (received: number) => options.onProgress?.(received, remote.sizeBytes);
  let files: ExtractedFile[];
  let sha256: string;
  if (remote.ranges) {
    await using ahead = readAhead(remote, { onProgress }, signal);
    // The directory at the end is read on its own; then the entries from front to back.
    files = await extract({ ...ahead, read: (offset, length) => ahead.read(offset, length) }, target, limits, signal, withWindow(remote));
    sha256 = await ahead.finish();
  } else {
    const file = join(dirname(target), 'archive.zip');
    sha256 = await saveStream(remote, file, limits.archiveBytes, onProgress, signal);
    await using archive = await openFile(file);
    files = await extract(archive, target, limits, signal);
    await rm(file);
  }
  checkDigest(remote.shown, sha256, expected);
  return { sha256, verified: expected !== undefined, sizeBytes: remote.sizeBytes, files: files.length };
}

/** A single file, or every blob of an Azure folder. */
async function fetchFiles(
  uri: string,
  target: string,
  expected: string | undefined,
  options: FetchOptions,
  limits: ArchiveLimits,
  signal?: AbortSignal,
): Promise<FetchResult> {
  const parsed = parseStorageUri(uri, newestKServe);
  if (parsed.archive === 'tar') {
    throw new PackagingError(
      'ArchiveRefused',
      `${parsed.redacted} is a tar archive, which modelwright does not unpack. Make a zip with "modelwright package".`,
    );
  }
  await mkdir(target, { recursive: true });
  const { azure } = parsed;
  if (azure !== undefined && !parsed.hasQuery) {
    const credential = await findCredential(azure.account, azure.cloud, options.settings);
    const container = containerClient(`https://${parsed.host ?? ''}`, azure.container, credential);
    const folder = `${decodeURIComponent(azure.path)}/`;
    const retry = options.retry ?? defaultRetry;
    const blobs = await listBlobs(container, folder, limits.entries, retry, signal).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw explainAzure(error, parsed.redacted);
    });
    if (blobs.length > limits.entries)
      throw new PackagingError('ArchiveRefused', `There are more than ${limits.entries} files in ${parsed.redacted}, ${raising('files')}.`);
    if (blobs.length > 0) {
      const total = blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      if (total > limits.totalBytes)
        throw new PackagingError(
          'ArchiveRefused',
          `The files of ${parsed.redacted} have more than ${limits.totalBytes} bytes together, ${raising('size')}.`,
        );
      let received = 0;
      for (const { name } of blobs) {
        const path = name.slice(folder.length);
        const reason = refuseName(path, limits);
        if (reason !== undefined) throw new PackagingError('ArchiveRefused', `${JSON.stringify(path)} is refused: ${reason}.`, path);
        await using remote = await openBlob(container, name, retry, signal);
        await mkdir(dirname(join(target, path)), { recursive: true });
        if (path.endsWith('/')) continue;
        const before = received;
        await saveRemote(remote, join(target, path), limits.totalBytes, (bytes) => options.onProgress?.(before + bytes, total), signal);
        received += remote.sizeBytes;
      }
      return { sha256: undefined, verified: false, sizeBytes: received, files: blobs.length };
    }
  }
  if (parsed.fileName === '' || refuseName(parsed.fileName, limits) !== undefined) {
    throw new PackagingError('NotFound', `There is nothing at ${parsed.redacted}, and its path names no file.`, parsed.redacted);
  }
  await using remote = await openRemote(uri, openOptions(options), signal);
  const sha256 = await saveRemote(
    remote,
    join(target, decodeURIComponent(parsed.fileName)),
    limits.totalBytes,
    (bytes) => options.onProgress?.(bytes, remote.sizeBytes),
    signal,
  );
  checkDigest(remote.shown, sha256, expected);
  return { sha256, verified: expected !== undefined, sizeBytes: remote.sizeBytes, files: 1 };
}

function openOptions(options: FetchOptions): OpenOptions {
  const { settings, retry, hosts } = options;
  return { settings, ...(retry !== undefined && { retry }), ...(hosts !== undefined && { hosts }) };
}

export function checkDigest(shown: string, found: string, expected: string | undefined): void {
  if (expected === undefined || found === expected) return;
  throw new PackagingError(
    'ChecksumMismatch',
    `${shown} has the SHA-256 ${found}, and ${expected} was expected. It was changed or damaged; push the package again.`,
    shown,
  );
}

/** Saves a remote file, by parallel ranges where the server has them; returns its SHA-256. */
export async function saveRemote(
  remote: RemoteFile,
  path: string,
  most: number,
  onProgress: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  if (!remote.ranges) return saveStream(remote, path, most, onProgress, signal);
  const handle = await open(path, 'wx', 0o644);
  try {
    await using ahead = readAhead(remote, { onProgress }, signal);
    const step = 8 << 20;
    for (let at = 0; at < remote.sizeBytes; at += step) await handle.writeFile(await ahead.read(at, Math.min(step, remote.sizeBytes - at)));
    return await ahead.finish();
  } finally {
    await handle.close();
  }
}

async function saveStream(
  remote: RemoteFile,
  path: string,
  most: number,
  onProgress: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(path, 'wx', 0o644);
  let received = 0;
  try {
    for await (const chunk of remote.stream(signal)) {
      received += chunk.length;
      if (received > most)
        throw new PackagingError('ArchiveRefused', `${remote.shown} has more than ${most} bytes, ${raising('size')}.`, remote.shown);
      hash.update(chunk);
      await handle.writeFile(chunk);
      onProgress(received);
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}
