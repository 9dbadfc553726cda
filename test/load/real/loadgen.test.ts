/** MLPerf's own LoadGen as the oracle of early stopping. Install it with: node test/load/real/install.ts loadgen */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { earlyStoppingEstimate } from '../../../src/load/statistics/early-stopping.ts';
import { installed } from './install.ts';

const loadgen = installed('loadgen');

function run(scenario: string, queries: number): { readonly summary: string; readonly latencies: readonly number[] } {
  if ('missing' in loadgen) throw new Error(loadgen.missing);
  const folder = mkdtempSync(join(tmpdir(), 'modelwright-loadgen-'));
  try {
    const script = fileURLToPath(new URL('./loadgen.py', import.meta.url));
    return JSON.parse(
      execFileSync(join(loadgen.folder, 'bin', 'python'), [script, scenario, String(queries), folder], {
        encoding: 'utf8',
        maxBuffer: 1 << 26,
      }),
    ) as ReturnType<typeof run>;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('early stopping as LoadGen does it', 'missing' in loadgen ? { skip: loadgen.missing } : {}, () => {
  for (const [scenario, percentile, counts] of [
    ['SingleStream', 0.9, [63, 64, 100, 500, 1000, 3000]],
    ['MultiStream', 0.99, [661, 662, 1000, 3000]],
  ] as const) {
    for (const queries of counts) {
      it(`${scenario}: the estimate and the number discarded from the latencies it recorded itself, ${queries} queries`, () => {
        const { summary, latencies } = run(scenario, queries);
        assert.equal(latencies.length, queries);
        const ours = earlyStoppingEstimate(Float64Array.from(latencies).sort(), percentile);
        const said = new RegExp(`Early stopping ${percentile * 100}\\.0th percentile estimate: (\\d+)`).exec(summary)?.[1];
        const discarded = /Would discard (\d+) highest latency/.exec(summary)?.[1];
        assert.equal(ours?.value, said === undefined ? undefined : Number(said));
        if (discarded !== undefined) assert.equal(ours?.discarded, Number(discarded));
      });
    }
  }
});
