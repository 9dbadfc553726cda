import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { loadAll } from 'js-yaml';
import { group } from '../api/kind.ts';
import { type ModelDeployment, modelDeployment } from '../api/model-deployment/index.ts';
import { Failure } from './failure.ts';

/** An object of a file, and where it was read. */
export interface Manifest {
  readonly file: string;
  readonly object: {
    readonly apiVersion?: string;
    readonly kind?: string;
    readonly metadata?: { readonly name?: string; readonly namespace?: string };
  };
}

const extensions = ['.yaml', '.yml', '.json'];

/** Reads the objects of files, of the YAML and JSON files of a folder, or of standard input (`-`), as `kubectl -f` does. */
export async function readManifests(paths: readonly string[]): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const path of paths) for (const file of await filesOf(path)) manifests.push(...parse(file, await contentOf(file)));
  return manifests;
}

/** The ModelDeployments among the manifests; other kinds are somebody else's. */
export function modelDeploymentsOf(manifests: readonly Manifest[]): { readonly file: string; readonly object: ModelDeployment }[] {
  return manifests.flatMap(({ file, object }) =>
    object.kind === modelDeployment.kind && object.apiVersion?.startsWith(`${group}/`) === true
      ? [{ file, object: object as ModelDeployment }]
      : [],
  );
}

async function filesOf(path: string): Promise<string[]> {
  if (path === '-') return [path];
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new Failure(`the path "${path}" does not exist`);
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => extensions.includes(extname(name))).sort();
  if (names.length === 0) throw new Failure(`no YAML or JSON files in "${path}"`);
  return names.map((name) => join(path, name));
}

async function contentOf(file: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new Failure(`cannot read ${file}: ${(error as Error).message}`);
  }
}

function parse(file: string, content: string): Manifest[] {
  let documents: unknown[];
  try {
    documents = loadAll(content) as unknown[];
  } catch (error) {
    throw new Failure(`${file} is not valid YAML: ${(error as Error).message}`);
  }
  return documents.flatMap((document) => {
    if (typeof document !== 'object' || document === null) return [];
    const { kind, items } = document as { kind?: unknown; items?: unknown };
    const objects = kind === 'List' && Array.isArray(items) ? (items as unknown[]) : [document];
    return objects.map((object) => ({ file, object: object as Manifest['object'] }));
  });
}
