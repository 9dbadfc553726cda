import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Candidate, chooseBest, type Objective, paretoSet } from './best.ts';

const unknown = { low: null, high: null };
const under = (maxMicroseconds: number): Objective => ({
  maximize: 'Throughput',
  latency: [{ percentile: 'p99', maxMicroseconds }],
  maxErrorsPerMillion: 1000,
});

function candidate(id: string, batchSize: number, throughput: number, p99: number, more: Partial<Candidate> = {}): Candidate {
  return {
    id,
    batchSize,
    valid: true,
    invalidReasons: [],
    throughput,
    throughputInterval: unknown,
    latencyMicroseconds: { p99 },
    errorsPerMillion: 0,
    ...more,
  };
}

describe('choosing the best setting', () => {
  it('takes the highest throughput that keeps the bound, and looks beyond a drop', () => {
    const choice = chooseBest(
      [candidate('b1', 1, 100, 10_000), candidate('b2', 2, 90, 20_000), candidate('b4', 4, 150, 40_000), candidate('b8', 8, 300, 90_000)],
      under(50_000),
    );
    assert.equal(choice.best, 'b4');
    assert.equal(choice.runnerUp, 'b1');
    assert.deepEqual(choice.rejected, [{ id: 'b8', constraint: 'p99 90 ms is above 50 ms' }]);
    assert.match(choice.reason, /^highest throughput with p99 ≤ 50 ms: 150.0\/s at p99 40 ms; runner-up b1 100.0\/s$/);
  });

  it('never ranks an invalid point', () => {
    const choice = chooseBest(
      [candidate('b1', 1, 100, 10_000), candidate('b2', 2, 900, 10_000, { valid: false, invalidReasons: ['Throttled'] })],
      under(50_000),
    );
    assert.equal(choice.best, 'b1');
    assert.deepEqual(choice.pareto, ['b1']);
    assert.equal(choice.rejected[0]?.constraint, 'not valid: Throttled');
  });

  it('names the nearest miss when none qualifies', () => {
    const choice = chooseBest([candidate('b1', 1, 100, 60_000), candidate('b2', 2, 200, 80_000)], under(50_000));
    assert.equal(choice.best, null);
    assert.deepEqual(choice.nearestMiss, { id: 'b1', constraint: 'p99 60 ms is above 50 ms' });
    assert.match(choice.reason, /no setting keeps the constraints; nearest is b1/);
  });

  it('tells of ties and of the smallest batch within 5 %', () => {
    const choice = chooseBest(
      [
        candidate('b4', 4, 196, 10_000, { throughputInterval: { low: 190, high: 202 } }),
        candidate('b8', 8, 200, 20_000, { throughputInterval: { low: 195, high: 205 } }),
        candidate('b2', 2, 120, 5_000, { throughputInterval: { low: 118, high: 122 } }),
      ],
      under(50_000),
    );
    assert.equal(choice.best, 'b8');
    assert.equal(choice.economical, 'b4');
    assert.deepEqual(choice.ties, ['b4']);
  });

  it('refuses a point whose bound percentile was not measured, and one with too many errors', () => {
    const choice = chooseBest(
      [candidate('a', 1, 1, 1, { latencyMicroseconds: {} }), candidate('b', 1, 1, 1, { errorsPerMillion: 2000 })],
      under(10),
    );
    assert.deepEqual(choice.rejected, [
      { id: 'a', constraint: 'p99 was not measured' },
      { id: 'b', constraint: '2000 errors per million, at most 1000' },
    ]);
  });

  const arbitrary = fc
    .array(
      fc.record({
        batch: fc.integer({ min: 1, max: 64 }),
        throughput: fc.integer({ min: 1, max: 50 }),
        p99: fc.integer({ min: 1, max: 50 }),
        valid: fc.boolean(),
      }),
      { maxLength: 30 },
    )
    .map((rows) => rows.map((row, i) => candidate(`p${i}`, row.batch, row.throughput, row.p99, { valid: row.valid })));

  it('accounts for every candidate, and none that qualifies beats the best', () => {
    fc.assert(
      fc.property(arbitrary, fc.integer({ min: 1, max: 50 }), (candidates, bound) => {
        const choice = chooseBest(candidates, under(bound));
        const qualified = candidates.filter((c) => c.valid && (c.latencyMicroseconds['p99'] as number) <= bound);
        assert.equal(choice.rejected.length, candidates.length - qualified.length);
        assert.equal(choice.best === null, qualified.length === 0);
        const best = qualified.find((c) => c.id === choice.best);
        for (const c of qualified) assert.ok(c.throughput <= (best as Candidate).throughput);
      }),
    );
  });

  it('keeps exactly the undominated candidates in the Pareto set', () => {
    fc.assert(
      fc.property(arbitrary, (candidates) => {
        const kept = new Set(paretoSet(candidates, 'p99'));
        for (const a of candidates) {
          const better = candidates.some(
            (b) =>
              b.throughput >= a.throughput &&
              (b.latencyMicroseconds['p99'] as number) <= (a.latencyMicroseconds['p99'] as number) &&
              (b.throughput > a.throughput || (b.latencyMicroseconds['p99'] as number) < (a.latencyMicroseconds['p99'] as number)),
          );
          assert.equal(kept.has(a.id), !better);
        }
      }),
    );
  });
});
