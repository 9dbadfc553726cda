import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { arrivals } from './arrivals.ts';
import { earlyStoppingEstimate, provesBound, queriesNeeded } from './early-stopping.ts';
import { littleRatio } from './little.ts';
import { mean, median, trimmedMean } from './mean.ts';
import { exponential, seededRandom, shuffled } from './random.ts';
import { searchLargest } from './search.ts';
import { stability } from './stability.ts';

describe('early stopping', () => {
  it("needs as many queries as MLPerf's rules", () => {
    const table: readonly (readonly [number, number, readonly number[]])[] = [
      [0.9, 0.99, [44, 64, 81, 127, 197]],
      [0.95, 0.99, [90, 130, 165, 259, 398]],
      [0.99, 0.99, [459, 662, 838, 1307, 2010]],
    ];
    for (const [percentile, confidence, expected] of table) {
      assert.deepEqual(
        [0, 1, 2, 5, 10].map((over) => queriesNeeded(percentile, over, confidence)),
        expected,
      );
    }
    assert.deepEqual(
      [0, 1, 2, 5, 10].map((over) => queriesNeeded(0.99, over, 0.95)),
      [299, 473, 628, 1049, 1693],
    );
    assert.deepEqual(
      [0, 1, 2].map((over) => queriesNeeded(0.999, over)),
      [4603, 6636, 8403],
    );
  });

  it('needs more queries for each one over the bound', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), (over) => queriesNeeded(0.99, over + 1) > queriesNeeded(0.99, over)),
      { numRuns: 30 },
    );
  });

  it('proves a bound exactly from the needed number on', () => {
    assert.equal(provesBound(661, 1, 0.99).met, false);
    assert.equal(provesBound(662, 1, 0.99).met, true);
  });

  it('estimates a percentile from above, and not at all with too few queries', () => {
    const sorted = Float64Array.from({ length: 10_000 }, (_, i) => i + 1);
    const estimate = earlyStoppingEstimate(sorted, 0.99);
    assert.ok(estimate !== null && estimate.value >= 9900 && estimate.value <= 9930, `${estimate?.value}`);
    assert.equal(earlyStoppingEstimate(sorted.subarray(0, 661), 0.99), null);
    assert.equal(earlyStoppingEstimate(sorted.subarray(0, 662), 0.99)?.value, 662);
  });
});

describe('stability', () => {
  const window = (throughput: number, latencyMicroseconds: number, requests = 100) => ({ throughput, latencyMicroseconds, requests });
  it('holds when the last three windows agree to 10 %', () => {
    assert.deepEqual(stability([window(1, 900), window(100, 10), window(105, 10.5), window(109, 10.9)]), { stable: true });
  });
  it('says what did not agree', () => {
    const reason = (...windows: Parameters<typeof stability>[0][number][]) => {
      const result = stability(windows);
      return result.stable ? '' : result.reason;
    };
    assert.match(reason(window(100, 10), window(100, 10), window(111, 10)), /throughput differs by 11.0 %/);
    assert.match(reason(window(100, 10), window(100, 20), window(100, 10)), /latency differs by 100.0 %/);
    assert.match(reason(window(100, 10), window(0, 10), window(100, 10)), /without bound/);
    assert.match(reason(window(100, 10), window(100, 10, 3), window(100, 10)), /3 requests, at least 10/);
    assert.match(reason(window(100, 10)), /1 of 3 windows/);
  });
});

describe("Little's law", () => {
  it('is 1 for a full closed loop', () => assert.equal(littleRatio(1000, 8000, 8), 1));
  it('is below 1 when slots stood empty', () => assert.equal(littleRatio(900, 8000, 8), 0.9));
  it('says nothing when nothing was in flight', () => assert.ok(Number.isNaN(littleRatio(0, 0, 0))));
});

describe('means', () => {
  it("trim like MLModelScope's published durations", () => {
    assert.equal(trimmedMean([10, 11, 12, 13, 100]), 12);
    assert.equal(trimmedMean([3, 1, 50]), 3);
    assert.equal(trimmedMean([1, 2]), 1.5);
  });
  it('stay between the extremes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 1 }), (values) => {
        for (const value of [mean(values), median(values), trimmedMean(values)]) {
          assert.ok(value >= Math.min(...values) - 1e-3 && value <= Math.max(...values) + 1e-3);
        }
      }),
    );
  });
});

describe('arrivals', () => {
  it('keep an absolute schedule at the rate', () => {
    const next = arrivals('constant', 200, seededRandom(1));
    assert.deepEqual([next(), next(), next()], [0, 5000, 10_000]);
  });
  it('have exponential gaps for Poisson', () => {
    const next = arrivals('poisson', 1000, seededRandom(5));
    const times = Float64Array.from({ length: 20_000 }, next);
    const gaps = times.map((time, i) => time - (i === 0 ? 0 : (times[i - 1] as number))).sort();
    // Kolmogorov–Smirnov distance from the exponential distribution; 1.63/√n is the 1 % limit.
    const distance = gaps.reduce((most, gap, i) => Math.max(most, Math.abs(1 - Math.exp(-gap / 1000) - i / gaps.length)), 0);
    assert.ok(distance < 1.63 / Math.sqrt(gaps.length), `${distance}`);
  });
  it('shuffle without loss', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
        assert.deepEqual(shuffled(items, seededRandom(seed)).sort(), [...items].sort());
      }),
    );
  });
  it('draw exponentials of the asked mean', () => {
    const random = seededRandom(9);
    assert.ok(Math.abs(mean(Float64Array.from({ length: 50_000 }, () => exponential(random, 7))) - 7) < 0.1);
  });
});

describe('the search for the largest level', () => {
  it('finds a known capacity to the tolerance', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 2, max: 50_000, noNaN: true }),
        fc.double({ min: 1, max: 5000, noNaN: true }),
        async (capacity, start) => {
          const result = await searchLargest({ start, minimum: 1, maximum: 100_000, tolerance: 0.01 }, async (level) => level <= capacity);
          assert.ok(result.found);
          assert.ok(result.level <= capacity && result.level >= capacity * 0.99, `${result.level} for ${capacity}`);
        },
      ),
    );
  });
  it('finds whole numbers exactly', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 64 }), async (capacity, start) => {
        const result = await searchLargest(
          { start, minimum: 1, maximum: 4096, tolerance: 0, integer: true },
          async (level) => level <= capacity,
        );
        assert.ok(result.found && result.level === capacity);
      }),
    );
  });
  it('stops at the maximum, and says so when even the minimum fails', async () => {
    const all = await searchLargest({ start: 1, minimum: 1, maximum: 64, tolerance: 0.01 }, async () => true);
    assert.deepEqual(all.found && [all.level, all.failedAt], [64, null]);
    const none = await searchLargest({ start: 16, minimum: 1, maximum: 64, tolerance: 0.01 }, async () => false);
    assert.deepEqual([none.found, none.failedAt], [false, 1]);
  });
  it('ends on a server that answers at random', async () => {
    const random = seededRandom(2);
    for (let i = 0; i < 50; i++) {
      const result = await searchLargest(
        { start: 10, minimum: 1, maximum: 1e6, tolerance: 0.001, mostTrials: 30 },
        async () => random.next() < 0.5,
      );
      assert.ok(result.trials.length <= 30);
    }
  });
  it('takes a lower level when the found one fails its second look', async () => {
    let looks = 0;
    const result = await searchLargest(
      { start: 100, minimum: 1, maximum: 1e6, tolerance: 0.05 },
      async (level) => level <= 350 && !(level > 330 && ++looks > 1),
    );
    assert.ok(result.found && result.level < 350);
  });
});
