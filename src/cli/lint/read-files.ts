/** The files that `-f` names: as kubectl takes them, a file, a folder, or `-` for standard input. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { compare } from '../../models/finding.ts';
import { Failure } from '../failure.ts';
import type { ManifestFile } from './judge-manifests.ts';

const extensions = ['.yaml', '.yml', '.json'];

/** Exit code of a lint that could not be done, other than one that found something. */
export const notDone = 2;

export interface ReadOptions {
  /** Folders with all below them. */
  readonly recursive?: boolean;
  /** What `-` reads; the standard input of the process when left out. */
  readonly stdin?: Readable;
}

/** @throws Failure when a path is not there or cannot be read. */
export async function readFiles(
  paths: readonly string[],
  { recursive = false, stdin = process.stdin }: ReadOptions = {},
): Promise<ManifestFile[]> {
  const files: ManifestFile[] = [];
  for (const path of paths) for (const file of await filesOf(path, recursive)) files.push({ file, text: await contentOf(file, stdin) });
  return files;
}

async function filesOf(path: string, recursive: boolean): Promise<string[]> {
  if (path === '-') return [path];
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new Failure(`the path "${path}" does not exist`, notDone);
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path, { recursive })).filter((name) => extensions.includes(extname(name))).sort(compare);
  return names.map((name) => join(path, name));
}

async function contentOf(file: string, stdin: Readable): Promise<string> {
  try {
    return file === '-' ? await text(stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new Failure(`cannot read ${file}: ${(error as Error).message}`, notDone);
  }
}
