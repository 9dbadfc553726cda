/**
 * Writes what follows from the sources: the CRDs and reference pages of the kinds in src/api, and the schema of the benchmark report.
 *
 *   node hack/generate/main.ts           writes the files
 *   node hack/generate/main.ts --check   writes nothing; exits 1 and shows the difference when a file is stale
 */
import { join } from 'node:path';
import { check, write } from './generate.ts';

const root = join(import.meta.dirname, '../..');

if (process.argv.includes('--check')) {
  const { stale, report } = check(root);
  if (stale.length > 0) {
    console.error(`${report}\nRun "npm run generate" and commit the result.`);
    process.exitCode = 1;
  } else console.log(report);
} else console.log(write(root).report);
