import { createHash } from 'node:crypto';
import { type Layout, recogniseLayout } from '../models/layout.ts';
import { PackagingError } from './errors.ts';
import { type ArchiveLimits, defaultLimits } from './limits.ts';
import { openFile, type RandomAccess, withWindow } from './random-access.ts';
import { type OpenOptions, openRemote, parsePackageAddress } from './remote/open.ts';
import { readAhead } from './remote/read-ahead.ts';
import { readDirectory } from './zip/directory.ts';
import { locateEntries, readEntry } from './zip/read.ts';
import type { WrittenFile } from './zip/write.ts';

export interface InspectedEntry {
  readonly path: string;
  readonly sizeBytes: number;
  readonly packedBytes: number;
  /** Only after everything was read. */
  readonly sha256?: string;
}

export interface Inspection {
  readonly shown: string;
  readonly sizeBytes: number;
  /** How much was read to know this. */
  readonly readBytes: number;
  readonly layout: Layout | undefined;
  readonly entries: readonly InspectedEntry[];
  /** SHA-256 of the archive, when all of it was read. */
  readonly sha256?: string;
  /** The digest that the address names, if any. */
  readonly expectedSha256?: string;
}

export function isAddress(target: string): boolean {
  return /^(?:https?|az):\/\//.test(target.trim());
}

/** An archive on disk or behind a URL, ready to be read in parts, with what may be shown of its name. */
export async function openArchive(
  target: string,
  options: OpenOptions,
  signal?: AbortSignal,
): Promise<{ source: RandomAccess; shown: string; expectedSha256?: string }> {
  if (!isAddress(target)) {
    const source = await openFile(target).catch((error: NodeJS.ErrnoException) => {
      throw new PackagingError(
        'NotFound',
        `${target}: ${error.code === 'ENOENT' ? 'does not exist' : (error.code ?? 'cannot be read')}.`,
        target,
      );
    });
    return { source, shown: target };
  }
  const address = parsePackageAddress(target);
  const remote = await openRemote(address.zipUri, options, signal);
  if (!remote.ranges) {
    throw new PackagingError(
      'StorageFailed',
      `${remote.shown}: the server sends no parts of the file. Download it and name the file.`,
      remote.shown,
    );
  }
  return { source: remote, shown: remote.shown, ...(address.sha256 === undefined ? {} : { expectedSha256: address.sha256 }) };
}

/**
 * Lists an archive from its central directory; `verify` reads all of it and gives the digests.
 *
 * @throws PackagingError
 */
export async function inspectArchive(
  target: string,
  options: OpenOptions & { readonly verify?: boolean },
  signal?: AbortSignal,
): Promise<Inspection> {
  const limits = options.limits ?? defaultLimits;
  const opened = await openArchive(target, options, signal);
  await using source = counting(opened.source);
  const entries = await readDirectory(source, limits, signal);
  const layout = recogniseLayout(
    entries.map(({ name }) => name),
    { name: 'model' },
  );
  let verified: { sha256: string; files: readonly WrittenFile[] } | undefined;
  if (options.verify === true) verified = await digestArchive(source, limits, signal);
  const digests = new Map(verified?.files.map(({ path, sha256 }) => [path, sha256]));
  return {
    shown: opened.shown,
    sizeBytes: source.sizeBytes,
    readBytes: source.readBytes(),
    layout: typeof layout === 'string' ? undefined : layout,
    entries: entries.map(({ name, sizeBytes, packedBytes }) => {
      const sha256 = digests.get(name);
      return { path: name, sizeBytes, packedBytes, ...(sha256 === undefined ? {} : { sha256 }) };
    }),
    ...(verified === undefined ? {} : { sha256: verified.sha256 }),
    ...(opened.expectedSha256 === undefined ? {} : { expectedSha256: opened.expectedSha256 }),
  };
}

/** Reads all of an archive, checks every entry, and returns the digests of the whole and of each file. */
export async function digestArchive(
  source: RandomAccess,
  limits: ArchiveLimits = defaultLimits,
  signal?: AbortSignal,
): Promise<{ sha256: string; files: WrittenFile[] }> {
  const headers = withWindow(source);
  const entries = await locateEntries(headers, await readDirectory(headers, limits, signal), signal);
  await using ahead = readAhead(source, {}, signal);
  const files: WrittenFile[] = [];
  for (const entry of entries) {
    const hash = createHash('sha256');
    for await (const chunk of readEntry(ahead, entry, signal)) hash.update(chunk);
    if (!entry.directory) files.push({ path: entry.name, sizeBytes: entry.sizeBytes, sha256: hash.digest('hex') });
  }
  files.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  return { sha256: await ahead.finish(), files };
}

function counting(source: RandomAccess): RandomAccess & { readBytes(): number } {
  let total = 0;
  return {
    sizeBytes: source.sizeBytes,
    read(offset, length, signal) {
      total += length;
      return source.read(offset, length, signal);
    },
    readBytes: () => total,
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}
