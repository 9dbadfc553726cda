import { type MarManifest, parseMarManifest } from '../models/torchserve/snapshot.ts';
import { nestedArchive, type PackageContents } from './contents.ts';
import { PackagingError } from './errors.ts';
import { defaultLimits } from './limits.ts';
import { readDirectory } from './zip/directory.ts';
import { locateEntries, readWhole } from './zip/read.ts';

/** The manifests of the model archives in a package, by path; undefined for one that cannot be read. Goes no archive deeper. */
export async function readMars(contents: PackageContents): Promise<Map<string, MarManifest | undefined>> {
  const mars = new Map<string, MarManifest | undefined>();
  for (const path of contents.paths) {
    if (/^model-store\/[^/]+\.mar$/.test(path)) mars.set(path, await readMar(contents, path));
  }
  return mars;
}

async function readMar(contents: PackageContents, path: string): Promise<MarManifest | undefined> {
  try {
    const archive = nestedArchive(contents, path);
    const entries = await readDirectory(archive, defaultLimits);
    const manifest = entries.find(({ name }) => name === 'MAR-INF/MANIFEST.json');
    if (manifest === undefined || manifest.sizeBytes > 1 << 20) return undefined;
    const located = (await locateEntries(archive, entries)).find(({ name }) => name === manifest.name);
    if (located === undefined) return undefined;
    return parseMarManifest((await readWhole(archive, located, { totalBytes: 1 << 20 })).toString('utf8'));
  } catch (error) {
    if (error instanceof PackagingError) return undefined;
    throw error;
  }
}
