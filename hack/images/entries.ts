/** What goes into a layer: folders on disk as entries under the paths that they have in the image. */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from './tar.ts';

/** Whether a path of the image is wanted. */
export type Wanted = (path: string) => boolean;

/**
 * A folder and all below it at `prefix` of the image (`usr/lib`; empty for its root). Files are readable by everyone and executable where
 * they are on disk, whatever else their mode says: an image has no setuid programs. What is neither file, folder nor link is left out.
 */
export function fromFolder(folder: string, prefix: string, wanted: Wanted = () => true): Entry[] {
  const entries: Entry[] = [];
  for (const name of readdirSync(folder)) {
    const source = join(folder, name);
    const path = prefix ? `${prefix}/${name}` : name;
    const stat = lstatSync(source);
    if (stat.isDirectory()) entries.push(...fromFolder(source, path, wanted));
    else if (!wanted(path)) continue;
    else if (stat.isSymbolicLink()) entries.push({ kind: 'link', path, mode: 0o777, target: readlinkSync(source) });
    else if (stat.isFile()) entries.push(fromFile(source, path));
  }
  return entries;
}

/** One file; executable in the image where it is on disk. */
export function fromFile(source: string, path: string): Entry {
  return { kind: 'file', path, mode: lstatSync(source).mode & 0o100 ? 0o755 : 0o644, source };
}

export function text(path: string, content: string, mode = 0o644): Entry {
  return { kind: 'text', path, mode, text: content };
}

export function link(path: string, target: string): Entry {
  return { kind: 'link', path, mode: 0o777, target };
}

/** A folder that is to be there though nothing is in it, or with another mode than 0755. */
export function folder(path: string, mode = 0o755): Entry {
  return { kind: 'folder', path, mode };
}
