/**
 * Writes what follows from the kinds in src/api: the CRDs and their reference pages.
 *
 *   node hack/generate/main.ts           writes the files
 *   node hack/generate/main.ts --check   writes nothing; exits 1 and shows the difference when a file is stale
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { difference } from './difference.ts';
import { generatedFiles } from './files.ts';

const root = join(import.meta.dirname, '../..');
const check = process.argv.includes('--check');
let stale = 0;

for (const [path, content] of generatedFiles()) {
  const onDisk = read(join(root, path));
  if (onDisk === content) continue;
  stale++;
  if (check) {
    console.error(`${path} ${onDisk === undefined ? 'is missing' : 'is stale'}:\n${difference(onDisk ?? '', content)}`);
    continue;
  }
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
  console.log(`wrote ${path}`);
}

if (check && stale > 0) {
  console.error('Run "npm run generate" and commit the result.');
  process.exit(1);
}
if (stale === 0) console.log('generated files are up to date');

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
