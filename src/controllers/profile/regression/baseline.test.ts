import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ProfileResult } from '../../../api/model-profile/index.ts';
import type { PastRun } from '../history/history.ts';
import { type Baseline, judgeRegression, type MeasuredRun, type OtherProfile } from './baseline.ts';

/** A point with intervals of 1 % around its figures. */
function point(id: string, samplesPerSecond: number, p99: number, more: Partial<ProfileResult> = {}): ProfileResult {
  return {
    id,
    batchSize: 1,
    requests: 10_000,
    errors: 0,
    requestsPerSecondMeasured: String(samplesPerSecond),
    samplesPerSecond: String(samplesPerSecond),
    samplesPerSecondLow: String(samplesPerSecond * 0.99),
    samplesPerSecondHigh: String(samplesPerSecond * 1.01),
    latencyMicroseconds: { min: 1, mean: 2, p50: 2, p90: 3, p95: 4, p99, p99Low: p99 * 0.99, p99High: p99 * 1.01, p999: p99, max: p99 },
    valid: true,
    completedAt: '2026-05-04T10:00:00Z',
    ...more,
  };
}

const past = (id: string, more: Partial<PastRun> = {}): PastRun => ({
  id,
  specHash: 'aa',
  completionTime: '2026-05-03T10:00:00Z',
  best: 'b1-c4',
  samplesPerSecond: '100',
  samplesPerSecondLow: '99',
  samplesPerSecondHigh: '101',
  p99Microseconds: 5000,
  p99LowMicroseconds: 4950,
  p99HighMicroseconds: 5050,
  sloMet: 'True',
  ...more,
});
const { best: _best, samplesPerSecond: _throughput, ...withoutBest } = past('run-0000');

const run = (results: readonly ProfileResult[], history: readonly PastRun[], more: Partial<MeasuredRun> = {}): MeasuredRun => ({
  id: 'run-0009',
  specHash: 'aa',
  results,
  best: results[0]?.id,
  history,
  ...more,
});

describe('a run and spec.baseline', () => {
  const last: Baseline = { run: 'Last' };
  const slower = point('b1-c4', 90, 5000);
  const cases: readonly [
    what: string,
    baseline: Baseline,
    run: MeasuredRun,
    status: string,
    reason: string,
    message: RegExp,
    named?: OtherProfile,
  ][] = [
    [
      'Last: worse than the run before',
      last,
      run([slower], [past('run-0008')]),
      'True',
      'ThroughputFell',
      /b1-c4 against b1-c4 of run run-0008/,
    ],
    [
      'Last: the run itself, remembered already, is not the one before',
      last,
      run([slower], [past('run-0009', { samplesPerSecond: '90' }), past('run-0008')]),
      'True',
      'ThroughputFell',
      /run-0008/,
    ],
    [
      'Last: a run without a best point is passed over',
      last,
      run([slower], [{ ...withoutBest, id: 'run-0008' }, past('run-0007')]),
      'True',
      'ThroughputFell',
      /run-0007/,
    ],
    ['Last: none before', last, run([slower], []), 'Unknown', 'BaselineMissing', /next run is compared with this one/],
    ['Last: another spec before', last, run([slower], [past('run-0008', { specHash: 'bb' })]), 'Unknown', 'NotComparable', /another spec/],
    [
      'a better best elsewhere does not hide that the same setting became slower',
      last,
      run([point('b8-c8', 300, 9000), slower], [past('run-0008')]),
      'True',
      'ThroughputFell',
      /^b1-c4 against/,
    ],
    [
      'an invalid point is compared with nothing',
      last,
      run([point('b1-c4', 50, 5000, { valid: false })], [past('run-0008')]),
      'Unknown',
      'NothingMeasured',
      /b1-c4/,
    ],
    [
      'a search that ends elsewhere is compared by throughput alone',
      last,
      run([point('b1-c3', 98, 9000)], [past('run-0008')]),
      'False',
      'WithinTolerance',
      /^b1-c3 against b1-c4 of run run-0008: throughput [^;]*$/,
    ],
    [
      'a run by its id',
      { run: 'run-0002' },
      run([slower], [past('run-0008', { samplesPerSecond: '90' }), past('run-0002', { specHash: 'bb' })]),
      'True',
      'ThroughputFell',
      /run-0002/,
    ],
    [
      'a run by an id that is forgotten',
      { run: 'run-0001' },
      run([slower], [past('run-0008')]),
      'Unknown',
      'BaselineMissing',
      /spec\.baseline\.run: run run-0001 is not in status\.history; .*spec\.historyLimit/,
    ],
    [
      'a run by its id that has no best point',
      { run: 'run-0000' },
      run([slower], [withoutBest]),
      'Unknown',
      'BaselineMissing',
      /has no best point/,
    ],
    [
      'another profile',
      { profile: 'other' },
      run([slower], []),
      'True',
      'ThroughputFell',
      /b1-c4 of ModelProfile other/,
      { status: { best: { id: 'b1-c4' } as never, results: [point('b1-c4', 100, 5000)] } },
    ],
    ['another profile that is not there', { profile: 'other' }, run([slower], []), 'Unknown', 'BaselineMissing', /no ModelProfile other/],
    ['another profile without results', { profile: 'other' }, run([slower], []), 'Unknown', 'BaselineMissing', /has no best point yet/, {}],
    [
      'a fixed p99',
      { fixed: { p99Milliseconds: '4' } },
      run([slower], []),
      'True',
      'LatencyRose',
      /b1-c4 against spec\.baseline\.fixed: p99 5\.00 ms \(4\.95 to 5\.05\) after 4\.00 ms/,
    ],
    [
      'a fixed throughput that is kept',
      { fixed: { samplesPerSecond: '90.5' } },
      run([slower], []),
      'False',
      'WithinTolerance',
      /0\.6 % less/,
    ],
    [
      'fixed figures and no best point',
      { fixed: { samplesPerSecond: '90' } },
      run([slower], [], { best: undefined }),
      'Unknown',
      'NothingMeasured',
      /no point of this run qualified/,
    ],
    ['more tolerance', { ...last, tolerancePercent: 20 }, run([slower], [past('run-0008')]), 'False', 'WithinTolerance', /10\.0 % less/],
  ];
  for (const [what, baseline, measured, status, reason, message, named] of cases) {
    it(what, () => {
      const verdict = judgeRegression(baseline, measured, named);
      assert.deepEqual([verdict.status, verdict.reason], [status, reason], verdict.message);
      assert.match(verdict.message, message);
    });
  }
});
