import type { ArchiveLimits } from './limits.ts';
import type { RandomAccess } from './random-access.ts';
import { readSource, type SourceEntry } from './source-folder.ts';
import { type LocatedEntry, readWhole } from './zip/read.ts';
import { stored } from './zip/records.ts';

/** The files of a package, wherever they lie; what the rules read. */
export interface PackageContents {
  /** Files and empty directories (these end in a slash), sorted. */
  readonly paths: readonly string[];
  sizeOf(path: string): number;
  /** At most `length` bytes from `start` on; fewer only at the file's end. */
  read(path: string, start: number, length: number): Promise<Buffer>;
}

/** Largest deflated entry that is unpacked to look into it. */
export const maxInspected = 64 << 20;

/** The files of a folder, under the paths that they will have in the package. */
export function contentsOfFolder(entries: readonly SourceEntry[]): PackageContents {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  return {
    paths: entries.map(({ path }) => path),
    sizeOf: (path) => byPath.get(path)?.sizeBytes ?? 0,
    async read(path, start, length) {
      const entry = byPath.get(path);
      return entry === undefined ? Buffer.alloc(0) : readSource(entry, start, Math.max(0, Math.min(length, entry.sizeBytes - start)));
    },
  };
}

/** The entries of an archive. A stored entry is read where it lies; of the deflated ones the last is kept unpacked. */
export function contentsOfArchive(source: RandomAccess, entries: readonly LocatedEntry[], limits: ArchiveLimits): PackageContents {
  const byPath = new Map(entries.map((entry) => [entry.name, entry]));
  let last: { path: string; content: Buffer } | undefined;
  return {
    paths: entries.map(({ name }) => name).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    sizeOf: (path) => byPath.get(path)?.sizeBytes ?? 0,
    async read(path, start, length) {
      const entry = byPath.get(path);
      if (entry === undefined || entry.directory) return Buffer.alloc(0);
      if (entry.method === stored) return source.read(entry.dataOffset + start, Math.max(0, Math.min(length, entry.sizeBytes - start)));
      if (last?.path !== path)
        last = { path, content: await readWhole(source, entry, { totalBytes: Math.min(limits.totalBytes, maxInspected) }) };
      return last.content.subarray(start, start + length);
    },
  };
}

/** The text of a small file; undefined when there is none or it is larger than `most` bytes. */
export async function readText(contents: PackageContents, path: string, most = 1 << 20): Promise<string | undefined> {
  if (!contents.paths.includes(path) || contents.sizeOf(path) > most) return undefined;
  return (await contents.read(path, 0, contents.sizeOf(path))).toString('utf8');
}

/** A file of a package as an archive of its own (a .mar). */
export function nestedArchive(contents: PackageContents, path: string): RandomAccess {
  return {
    sizeBytes: contents.sizeOf(path),
    read: (offset, length) => contents.read(path, offset, length),
    async [Symbol.asyncDispose]() {},
  };
}
