import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ProfileResult } from '../../../api/model-profile/index.ts';
import { type PastRun, pastOf, remember } from './history.ts';

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
    const history = ['a', 'b', 'c', 'd'].reduce<readonly PastRun[]>((known, id) => remember(known, past(id), 3), []);
    assert.deepEqual(
      history.map(({ id }) => id),
      ['d', 'c', 'b'],
    );
  });

  it('may be none', () => assert.deepEqual(remember([past('a')], past('b'), 0), []));

  it('is the same when a run is remembered again', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1 }),
        fc.nat(),
        fc.integer({ min: 1, max: 50 }),
        (ids, pick, limit) => {
          const history = ids.reduce<readonly PastRun[]>((known, id) => remember(known, past(id), limit), []);
          const known = history[pick % history.length] as PastRun;
          assert.deepEqual(remember(history, known, limit), history);
        },
      ),
    );
  });
});
