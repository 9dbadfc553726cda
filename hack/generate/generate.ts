/** Compares the generated files with those on disk, and writes or reports what differs. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { difference } from './difference.ts';
import { generatedFiles } from './files.ts';

export interface Outcome {
  /** Files whose content on disk was not what it should be. */
  readonly stale: readonly string[];
  /** What to print. */
  readonly report: string;
}

/** Writes the files that differ below `root`. */
export function write(root: string): Outcome {
  const stale = staleFiles(root);
  for (const { path, content } of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return outcome(stale.map(({ path }) => ({ path, line: `wrote ${path}` })));
}

/** Writes nothing; the report shows for each stale file how it differs. */
export function check(root: string): Outcome {
  return outcome(
    staleFiles(root).map(({ path, onDisk, content }) => ({
      path,
      line: onDisk === undefined ? `${path} is missing` : `${path} is stale:\n${difference(onDisk, content)}`,
    })),
  );
}

function outcome(files: readonly { path: string; line: string }[]): Outcome {
  return {
    stale: files.map(({ path }) => path),
    report: files.length === 0 ? 'generated files are up to date' : files.map(({ line }) => line).join('\n'),
  };
}

interface Stale {
  readonly path: string;
  readonly content: string;
  readonly onDisk: string | undefined;
}

function staleFiles(root: string): Stale[] {
  return [...generatedFiles()]
    .map(([path, content]) => ({ path, content, onDisk: read(join(root, path)) }))
    .filter(({ content, onDisk }) => content !== onDisk);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
