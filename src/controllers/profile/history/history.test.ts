import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ProfileResult } from '../../../api/model-profile/index.ts';
import { type PastRun, pastOf, remember, trimmed } from './history.ts';

const point = (id: string, more: Partial<ProfileResult> = {}): ProfileResult => ({
  id,
  batchSize: 1,
  concurrency: 1,
  requests: 1000,
  errors: 0,
  requestsPerSecondMeasured: '100',
  samplesPerSecond: '100',
  samplesPerSecondLow: '98',
  samplesPerSecondHigh: '102.5',
  latencyMicroseconds: { min: 1, mean: 5, p50: 4, p90: 7, p95: 8, p99: 9000, p99Low: 8800, p99High: 9300, p999: 12_000, max: 13_000 },
  valid: true,
  completedAt: '2026-05-04T10:00:00Z',
  ...more,
});
const run = { id: 'run-00001', specHash: 'aa', completionTime: '2026-05-04T10:00:00Z' };
const past = (id: string): PastRun => ({ id, specHash: 'aa', completionTime: '2026-05-04T10:00:00Z', sloMet: 'True' });

describe('a run in short', () => {
  it('has the figures of its best point with their intervals', () => {
    assert.deepEqual(pastOf({ run, results: [point('b1-c1', { samplesPerSecond: '1' }), point('b4-c2')], best: 'b4-c2', sloMet: 'True' }), {
      ...run,
      best: 'b4-c2',
      samplesPerSecond: '100',
      samplesPerSecondLow: '98',
      samplesPerSecondHigh: '102.5',
      p99Microseconds: 9000,
      p99LowMicroseconds: 8800,
      p99HighMicroseconds: 9300,
      sloMet: 'True',
    });
  });

  it('has no figures where no point qualified', () => {
    assert.deepEqual(pastOf({ run, results: [point('b1-c1')], best: undefined, sloMet: 'False' }), { ...run, sloMet: 'False' });
  });

  it('leaves out an end that too few requests bound', () => {
    const { p99High: _, ...latencyMicroseconds } = point('x').latencyMicroseconds as NonNullable<ProfileResult['latencyMicroseconds']>;
    const short = pastOf({ run, results: [point('b1-c1', { latencyMicroseconds })], best: 'b1-c1', sloMet: 'Unknown' });
    assert.ok(!('p99HighMicroseconds' in short));
    assert.equal(short.p99LowMicroseconds, 8800);
  });
});

describe('the history', () => {
  it('has the latest first and forgets the oldest', () => {
    const history = ['a', 'b', 'c', 'd'].reduce<readonly PastRun[]>((known, id) => trimmed(remember(known, past(id)), 3, undefined), []);
    assert.deepEqual(
      history.map(({ id }) => id),
      ['d', 'c', 'b'],
    );
  });

  it('may be none', () => assert.deepEqual(trimmed([past('a')], 0, undefined), []));

  const ids = (limit: number, baseline: string) => trimmed(['e', 'd', 'c', 'b', 'a'].map(past), limit, baseline).map(({ id }) => id);
  it('keeps what the baseline names, however old', () => {
    assert.deepEqual(ids(2, 'b'), ['e', 'd', 'b']);
    assert.deepEqual(ids(2, 'd'), ['e', 'd']);
    assert.deepEqual(ids(0, 'Last'), ['e', 'd']);
    assert.deepEqual(ids(0, 'a'), ['e', 'a']);
    assert.deepEqual(ids(2, 'gone'), ['e', 'd']);
  });
  it('holds no more than the status can, with the baseline among them', () => {
    const many = Array.from({ length: 60 }, (_, i) => past(`r${i}`));
    const kept = trimmed(many, 50, 'r59');
    assert.deepEqual([kept.length, kept.at(-1)?.id], [50, 'r59']);
  });

  it('is the same when a run is remembered again', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1 }),
        fc.nat(),
        fc.integer({ min: 1, max: 50 }),
        (ids, pick, limit) => {
          const history = ids.reduce<readonly PastRun[]>((known, id) => trimmed(remember(known, past(id)), limit, undefined), []);
          const known = history[pick % history.length] as PastRun;
          assert.deepEqual(trimmed(remember(history, known), limit, undefined), history);
        },
      ),
    );
  });
});
