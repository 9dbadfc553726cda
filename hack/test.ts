/**
 * Runs one tier of the tests with Node's own runner.
 *
 *   node hack/test.ts unit|integration|conformance|e2e [file or pattern …] [-- node --test options]
 *
 * A tier with a `global-setup.ts` in its folder gets it run once before and after all of its files.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';

const [tier = 'unit', ...rest] = process.argv.slice(2);
const split = rest.indexOf('--');
const patterns = split < 0 ? rest : rest.slice(0, split);
const options = split < 0 ? [] : rest.slice(split + 1);

const folder = tier === 'unit' ? 'src' : `test/${tier}`;
const files = globSync(
  patterns.length > 0 ? patterns : [`${folder}/**/*.test.ts`, ...(tier === 'unit' ? ['hack/**/*.test.ts'] : [])],
).sort();
if (files.length === 0) {
  console.error(`no test files for tier "${tier}" under ${folder}/`);
  process.exit(1);
}
const setup = `${folder}/global-setup.ts`;
const flags = ['-r', './hack/require-node.cjs', '--test', '--test-reporter=spec', '--test-timeout=900000'];
// The one real node of the end-to-end tests carries one file's models at a time.
if (existsSync(setup)) flags.push(`--test-global-setup=${setup}`, `--test-concurrency=${tier === 'e2e' ? 1 : 2}`);
const run = spawnSync(process.execPath, [...flags, ...options, ...files], { stdio: 'inherit' });
process.exit(run.status ?? 1);
