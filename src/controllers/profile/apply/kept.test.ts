import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Applied } from '../../../api/model-profile/apply.ts';
import type { ModelProfileStatus, ProfileResult } from '../../../api/model-profile/index.ts';
import { keptFor } from './kept.ts';

/** A point with ±1 % around its figures. */
function point(id: string, perSecond: number, p99 = 10_000, valid = true): ProfileResult {
  return {
    id,
    samplesPerSecond: String(perSecond),
    samplesPerSecondLow: String(perSecond * 0.99),
    samplesPerSecondHigh: String(perSecond * 1.01),
    latencyMicroseconds: { p99, p99Low: p99 * 0.99, p99High: p99 * 1.01 },
    valid,
  } as ProfileResult;
}
const applied = {
  run: 'r1',
  point: 'b1-c4',
  samplesPerSecond: '100',
  samplesPerSecondLow: '99',
  samplesPerSecondHigh: '101',
  p99Microseconds: 10_000,
  p99LowMicroseconds: 9900,
  p99HighMicroseconds: 10_100,
} as Applied;
function kept(
  results: readonly ProfileResult[],
  best: string,
  more: { rejected?: ModelProfileStatus['rejected']; maximize?: 'LowLatency' } = {},
) {
  const { rejected, maximize = 'Throughput' } = more;
  return keptFor(
    { best: { id: best } as NonNullable<ModelProfileStatus['best']>, results, rejected, maximize, tolerancePercent: 5 },
    applied,
  );
}

describe('a setting that was applied', () => {
  it('stays while the new best is no better by more than the tolerance', () =>
    assert.match(kept([point('b1-c4', 100), point('b1-c8', 104)], 'b1-c8') ?? '', /^b1-c4, which run r1 applied, stays: .*3\.8 % less/));
  it('stays while chance explains the gain', () => {
    const wide = { ...point('b1-c8', 120), samplesPerSecondLow: '90' };
    assert.match(kept([point('b1-c4', 100), wide], 'b1-c8') ?? '', /chance explains/);
  });
  it('gives way to one that is better beyond both', () =>
    assert.equal(kept([point('b1-c4', 100), point('b1-c8', 120)], 'b1-c8'), undefined));
  it('gives way when it breaks the objective by now', () => {
    const rejected = [{ id: 'b1-c4', constraint: 'p99 120 ms is above 100 ms' }];
    assert.equal(kept([point('b1-c4', 100), point('b1-c2', 60)], 'b1-c2', { rejected }), undefined);
  });
  it('stays when it could not be measured validly, unless the new one beats what it was applied for', () => {
    assert.ok(kept([point('b1-c4', 10, 1, false), point('b1-c8', 103)], 'b1-c8'));
    assert.equal(kept([point('b1-c4', 10, 1, false), point('b1-c8', 120)], 'b1-c8'), undefined);
  });
  it('is judged by latency where that is what counts', () => {
    const results = [point('b1-c4', 100, 10_000), point('b1-c1', 50, 8000), point('b1-c2', 200, 9800)];
    assert.equal(kept(results, 'b1-c1', { maximize: 'LowLatency' }), undefined);
    assert.ok(kept(results, 'b1-c2', { maximize: 'LowLatency' }));
  });
  it('that a search did not come by again gives way to figures that are different, up or down', () => {
    assert.ok(kept([point('b1-c5', 102)], 'b1-c5'));
    assert.equal(kept([point('b1-c5', 120)], 'b1-c5'), undefined);
    assert.equal(kept([point('b1-c3', 80)], 'b1-c3'), undefined);
  });
  it('is not applied again while it is the best', () =>
    assert.match(kept([point('b1-c4', 50)], 'b1-c4') ?? '', /is the best setting still$/));
});
