import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const csv = fileURLToPath(new URL('../../load/import/testdata/perf-analyzer-concurrency.csv', import.meta.url));
const run = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

describe('importing on the command line', () => {
  for (const parent of ['bench', 'profile']) {
    it(`modelwright ${parent} import: its own --batch, --slo and -o, not those of the command above it`, () => {
      const { stdout, status } = run(parent, 'import', 'perf-analyzer', csv, '--batch', '2', '--slo', 'p99=30ms', '-o', 'csv');
      assert.equal(status, 0);
      assert.match(stdout, /^id,batch_size,.*\r\nb2-c1,2,1 at once,348\.0,/s);
    });
  }
  it('says what is wrong with a file, and ends with 2', () => {
    const { stderr, status } = run('bench', 'import', 'inference-perf', csv);
    assert.match(stderr, /the file .* is not JSON/);
    assert.equal(status, 2);
  });
});
