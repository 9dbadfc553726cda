/**
 * Runs one tier of the tests with Node's own runner.
 *
 *   node hack/test.ts unit|integration|conformance|e2e|load|packaging [--again] [--if-possible] [file or pattern …] [-- node --test options]
 *
 * A tier with a `global-setup.ts` in its folder gets it run once before and after all of its files.
 *
 * `--again`: files in which a test failed run a second time, one after the other, and must pass then. For tiers that run the controllers of other
 * projects on a machine that others use too; what passed only the second time is named at the end, and is a race to be found.
 *
 * `--if-possible`, for e2e: on a machine that can run no real node (`hack/controlplane/node/tools.ts` says why) nothing is run, which is told,
 * and is no failure. On every other machine it changes nothing: what fails there fails.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { whyNoEndToEndTests } from './e2e-possible.ts';

const [tier = 'unit', ...rest] = process.argv.slice(2);
const split = rest.indexOf('--');
const words = split < 0 ? rest : rest.slice(0, split);
const options = split < 0 ? [] : rest.slice(split + 1);
const patterns = words.filter((word) => !['--again', '--if-possible'].includes(word));

const folder = tier === 'unit' ? 'src' : `test/${tier}`;
const files = globSync(
  patterns.length > 0 ? patterns : [`${folder}/**/*.test.ts`, ...(tier === 'unit' ? ['hack/**/*.test.ts'] : [])],
).sort();
if (files.length === 0) {
  console.error(`no test files for tier "${tier}" under ${folder}/`);
  process.exit(1);
}
if (tier === 'e2e') {
  const why = await whyNoEndToEndTests(console.error);
  if (why !== undefined) {
    const isLeftOut = words.includes('--if-possible');
    console.log(`==> THE END-TO-END TESTS WERE NOT RUN: ${why}`);
    console.log(isLeftOut ? '==> left out, as --if-possible allows' : '==> with --if-possible that is no failure');
    process.exit(isLeftOut ? 0 : 1);
  }
}
const setup = `${folder}/global-setup.ts`;
// The one real node of the end-to-end tests carries one file's models at a time.
const atOnce = tier === 'e2e' ? 1 : 2;

const first = runFiles(files, atOnce);
if (first.status === 0 || !words.includes('--again') || first.failed.length === 0) process.exit(first.status);
console.log(`\n==> not all passed; once more, one after the other: ${first.failed.join(' ')}`);
const second = runFiles(first.failed, 1);
if (second.status === 0) console.log(`==> passed only the second time: ${first.failed.join(' ')}`);
process.exit(second.status);

function runFiles(files: readonly string[], concurrency: number): { readonly status: number; readonly failed: readonly string[] } {
  const scratch = mkdtempSync(join(tmpdir(), 'modelwright-test-'));
  const list = join(scratch, 'failed');
  const flags = [
    ...['-r', './hack/require-node.cjs', '--test', '--test-timeout=900000'],
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...['--test-reporter=./hack/failed-files.ts', `--test-reporter-destination=${list}`],
    ...(existsSync(setup) ? [`--test-global-setup=${setup}`, `--test-concurrency=${concurrency}`] : []),
  ];
  try {
    const { status } = spawnSync(process.execPath, [...flags, ...options, ...files], { stdio: 'inherit' });
    const failed = existsSync(list) ? readFileSync(list, 'utf8').trim().split('\n') : [];
    return { status: status ?? 1, failed: failed.filter((file) => file !== '').map((file) => relative('.', file)) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
