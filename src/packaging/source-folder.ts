import { lstat, open, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { findConflict, refuseName } from './entry-name.ts';
import { PackagingError } from './errors.ts';
import { type ArchiveLimits, defaultLimits, raising } from './limits.ts';

/** A file or an empty directory of the folder that is packaged. */
export interface SourceEntry {
  /** Path inside the package, with `/`; an empty directory ends in one. */
  readonly path: string;
  /** Where it lies on disk; the empty string for what is not on disk. */
  readonly file: string;
  readonly sizeBytes: number;
  /** Content that is made and not read from disk (a generated config.pbtxt). */
  readonly content?: Buffer;
}

/** Names that version control and desktops leave behind; they are no part of a model. */
const ignored: ReadonlySet<string> = new Set(['.git', '.DS_Store', '__MACOSX', 'Thumbs.db', 'desktop.ini', '.ipynb_checkpoints']);

/**
 * Lists a folder (or a single file) for packaging, in the order of the names' bytes. Links, devices, sockets and names that unpackers
 * read differently are refused with their path; {@link ignored} names are left out.
 *
 * @throws PackagingError SourceRefused, NotFound
 */
export async function listSource(root: string, limits: ArchiveLimits = defaultLimits): Promise<SourceEntry[]> {
  const info = await lstat(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new PackagingError('NotFound', `${root} does not exist.`, root);
    throw error;
  });
  const entries: SourceEntry[] = [];
  if (info.isFile()) entries.push({ path: root.slice(root.lastIndexOf('/') + 1), file: root, sizeBytes: info.size });
  else if (info.isDirectory()) await walk(root, '', entries, limits);
  else throw new PackagingError('SourceRefused', `${root} is neither a folder nor a file.`, root);

  const total = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (total > limits.totalBytes) {
    throw new PackagingError(
      'SourceRefused',
      `${root} has ${total} bytes; a package has at most ${limits.totalBytes}, ${raising('size')}, for whoever makes it and for whoever reads it.`,
      root,
    );
  }
  const conflict = findConflict(entries.map(({ path }) => path));
  if (conflict !== undefined)
    throw new PackagingError('SourceRefused', `${conflict.name} cannot be packaged: ${conflict.reason}.`, conflict.name);
  return entries.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

async function walk(folder: string, prefix: string, entries: SourceEntry[], limits: ArchiveLimits): Promise<void> {
  let empty = true;
  for await (const item of await opendir(folder)) {
    if (ignored.has(item.name)) continue;
    empty = false;
    const path = prefix + item.name;
    const file = join(folder, item.name);
    const reason = refuseName(path, limits);
    if (reason !== undefined) throw new PackagingError('SourceRefused', `${JSON.stringify(path)} cannot be packaged: ${reason}.`, path);
    if (item.isDirectory()) await walk(file, `${path}/`, entries, limits);
    else if (item.isFile()) entries.push({ path, file, sizeBytes: (await lstat(file)).size });
    else if (item.isSymbolicLink()) {
      throw new PackagingError(
        'SourceRefused',
        `${path} is a symbolic link; put the file itself there (cp -L), since a package has no links.`,
        path,
      );
    } else throw new PackagingError('SourceRefused', `${path} is a device, a pipe or a socket.`, path);
    if (entries.length > limits.entries)
      throw new PackagingError('SourceRefused', `There are more than ${limits.entries} files in the folder, ${raising('files')}.`, folder);
  }
  if (empty && prefix !== '') entries.push({ path: prefix, file: '', sizeBytes: 0, content: Buffer.alloc(0) });
}

/** Reads part of an entry; fewer bytes than asked mean that the file has changed. */
export async function readSource(entry: SourceEntry, start: number, length: number): Promise<Buffer> {
  if (entry.content !== undefined) return entry.content.subarray(start, start + length);
  const handle = await open(entry.file, 'r');
  try {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await handle.read(buffer, 0, length, start);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
