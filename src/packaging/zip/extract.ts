import { createHash } from 'node:crypto';
import { constants, mkdir, open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PackagingError } from '../errors.ts';
import type { ArchiveLimits } from '../limits.ts';
import type { RandomAccess } from '../random-access.ts';
import { readDirectory } from './directory.ts';
import { locateEntries, readEntry } from './read.ts';

export interface ExtractedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * Unpacks an archive into `target`, which must be empty or not exist. Every header is checked before the first byte is written;
 * when a later check fails, what was written is removed again. Files get mode 0644, directories 0755, links are never made or followed.
 *
 * @param headers the same archive for the small reads of the headers, where `source` is made for reading forward.
 * @throws PackagingError ArchiveRefused, TargetNotEmpty
 */
export async function extract(
  source: RandomAccess,
  target: string,
  limits: ArchiveLimits,
  signal?: AbortSignal,
  headers: RandomAccess = source,
): Promise<ExtractedFile[]> {
  const entries = await locateEntries(headers, await readDirectory(headers, limits, signal), signal);
  const fresh = await prepareTarget(target);
  const files: ExtractedFile[] = [];
  try {
    const made = new Set<string>();
    const ensure = async (folder: string) => {
      if (made.has(folder)) return;
      await mkdir(folder, { recursive: true, mode: 0o755 });
      made.add(folder);
    };
    for (const entry of entries) {
      const path = join(target, entry.name);
      if (entry.directory) {
        await ensure(path.replace(/\/$/, ''));
        continue;
      }
      await ensure(dirname(path));
      const hash = createHash('sha256');
      const handle = await open(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW, 0o644);
      try {
        for await (const chunk of readEntry(source, entry, signal)) {
          hash.update(chunk);
          await handle.writeFile(chunk);
        }
      } finally {
        await handle.close();
      }
      files.push({ path: entry.name, sizeBytes: entry.sizeBytes, sha256: hash.digest('hex') });
    }
  } catch (error) {
    await emptyTarget(target, fresh);
    throw error;
  }
  return files.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

/** True when the folder did not exist before. */
export async function prepareTarget(target: string): Promise<boolean> {
  const present = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (present !== undefined && present.length > 0) {
    throw new PackagingError(
      'TargetNotEmpty',
      `${target} is not empty; unpacking there could mix two models. Name an empty or a new folder.`,
      target,
    );
  }
  await mkdir(target, { recursive: true });
  return present === undefined;
}

export async function emptyTarget(target: string, remove: boolean): Promise<void> {
  for (const name of await readdir(target)) await rm(join(target, name), { recursive: true, force: true });
  if (remove) await rm(target, { recursive: true, force: true });
}
