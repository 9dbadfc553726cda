/** MLPerf's own LoadGen as the oracle of the scenarios' rules and of early stopping. Install it with: node test/load/real/install.ts loadgen */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { judgeScenario, type ScenarioName, type ScenarioVerdict } from '../../../src/load/scenario.ts';
import { earlyStoppingEstimate } from '../../../src/load/statistics/early-stopping.ts';
import { installed } from './install.ts';

const loadgen = installed('loadgen');
const needs = 'missing' in loadgen ? { skip: loadgen.missing } : {};

interface Run {
  /** What LoadGen says. */
  readonly summary: string;
  /** Nanoseconds of each query, from its scheduled time. */
  readonly latencies: readonly number[];
  readonly seconds: number;
}

/** @param more share of slow queries, least duration in milliseconds */
function run(scenario: ScenarioName, queries: number, ...more: number[]): Run {
  if ('missing' in loadgen) throw new Error(loadgen.missing);
  const folder = mkdtempSync(join(tmpdir(), 'modelwright-loadgen-'));
  try {
    const script = fileURLToPath(new URL('./loadgen.py', import.meta.url));
    return JSON.parse(
      execFileSync(join(loadgen.folder, 'bin', 'python'), [script, scenario, String(queries), folder, ...more.map(String)], {
        encoding: 'utf8',
        maxBuffer: 1 << 26,
      }),
    ) as Run;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('early stopping as LoadGen does it', needs, () => {
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

/** A `Yes` or `NO` of the summary; undefined where it has no such line. */
function satisfied(summary: string, what: string): boolean | undefined {
  const answer = new RegExp(`${what} satisfied\\s*: (Yes|NO)`).exec(summary)?.[1];
  return answer === undefined ? undefined : answer === 'Yes';
}

const met = ({ rules }: ScenarioVerdict, name: string) => rules.find(({ rule }) => rule === name)?.met;

describe('the rules of a scenario as LoadGen judges them', needs, () => {
  const cases: readonly (readonly [what: string, queries: number, slowShare: number, minimumMs: number])[] = [
    ['fast and long enough', 700, 0, 500],
    ['too short', 700, 0, 5000],
    ['too many over the bound', 700, 0.05, 500],
    ['a few over the bound, more queries than one needs', 900, 0.002, 500],
    ['fewer queries than the percentile needs', 400, 0, 100],
  ];
  for (const [what, queries, slowShare, minimumMs] of cases) {
    it(`Server: ${what}`, () => {
      const { summary, latencies, seconds } = run('Server', queries, slowShare, minimumMs);
      assert.equal(latencies.length, queries);
      const ours = judgeScenario(
        {
          name: 'Server',
          minimumSeconds: minimumMs / 1000,
          minimumQueries: queries,
          samples: 1,
          boundMicroseconds: 5000,
          targetPerSecond: 500,
        },
        { sorted: Float64Array.from(latencies, (ns) => ns / 1000).sort(), queries, errors: 0, batchSize: 1, seconds },
      );
      assert.equal(met(ours, 'minimum duration'), satisfied(summary, 'Min duration'), summary);
      assert.equal(met(ours, 'minimum queries'), satisfied(summary, 'Min queries'));
      assert.equal(met(ours, 'p99 within the bound (early stopping)'), satisfied(summary, 'Early stopping'), JSON.stringify(ours));
      assert.equal(ours.valid, /Result is : VALID/.test(summary));
      assert.equal(ours.metric.value?.toFixed(1), Number(/Scheduled samples per second : ([\d.]+)/.exec(summary)?.[1]).toFixed(1));
      // How many queries more it would take, were all of them fast.
      const more = /run at least (\d+) more queries/.exec(summary)?.[1];
      const rule = ours.rules.find(({ rule }) => rule === 'p99 within the bound (early stopping)');
      if (more !== undefined) assert.match(rule?.detail ?? '', new RegExp(`; ${queries + Number(more)} are needed for that many`));
    });
  }

  for (const [what, minimumMs] of [
    ['long enough', 1],
    ['too short', 60_000],
  ] as const) {
    it(`Offline: ${what}`, () => {
      const { summary, seconds } = run('Offline', 3000, 0, minimumMs);
      // One query with all samples: as many as its expected rate takes for the least duration, and a tenth more.
      const samples = Number(/samples_per_query : (\d+)/.exec(summary)?.[1]);
      assert.ok(samples >= 3000);
      const ours = judgeScenario(
        { name: 'Offline', minimumSeconds: minimumMs / 1000, minimumQueries: 1, samples, boundMicroseconds: null, targetPerSecond: null },
        { sorted: [], queries: samples, errors: 0, batchSize: 1, seconds },
      );
      assert.equal(met(ours, 'minimum duration'), satisfied(summary, 'Min duration'), summary);
      assert.equal(ours.valid, /Result is : VALID/.test(summary));
      const said = Number(/Samples per second: (\S+)/.exec(summary)?.[1]);
      assert.ok(Math.abs((ours.metric.value ?? 0) / said - 1) < 1e-4, `${ours.metric.value} and ${said}`);
    });
  }
});
