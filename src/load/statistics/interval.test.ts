import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { binomialCdf, incompleteBeta, studentT } from './binomial.ts';
import { effectiveSampleSize, meanInterval, quantileInterval, quantileRanks, samplesToBound } from './interval.ts';
import { nearestRank } from './percentile.ts';
import { exponential, type Random, seededRandom } from './random.ts';

describe('distribution functions', () => {
  it('binomial tails agree with the sum of their terms', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(60), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (n, k, p) => {
        let sum = 0;
        let term = (1 - p) ** n;
        for (let i = 0; i <= Math.min(k, n); i++) {
          sum += term;
          term *= ((n - i) / (i + 1)) * (p / (1 - p));
        }
        assert.ok(Math.abs(binomialCdf(k, n, p) - Math.min(1, sum)) < 1e-9);
      }),
    );
  });
  it('the incomplete beta function is symmetric', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 5000 }),
        (x, a, b) => {
          assert.ok(Math.abs(incompleteBeta(x, a, b) + incompleteBeta(1 - x, b, a) - 1) < 1e-9);
        },
      ),
    );
  });
  it('t quantiles are the printed ones', () => {
    for (const [degrees, expected] of [
      [1, 12.706],
      [4, 2.776],
      [9, 2.262],
      [29, 2.045],
    ] as const) {
      assert.ok(Math.abs(studentT(0.95, degrees) - expected) < 0.001, `${degrees}`);
    }
  });
});

describe('the interval of a percentile', () => {
  it('has the ranks of the printed tables', () => {
    // 95 % limits of p99 as percentiles: 98.3–99.8 at n = 1,000; 98.7–99.3 at 5,000; 98.8–99.2 at 10,000.
    for (const [n, low, high] of [
      [1000, 98.3, 99.8],
      [5000, 98.7, 99.3],
      [10_000, 98.8, 99.2],
    ] as const) {
      const { lower, upper } = quantileRanks(n, 0.99);
      assert.ok(Math.abs(((lower as number) / n) * 100 - low) < 0.21, `${n}: ${lower}`);
      assert.ok(Math.abs(((upper as number) / n) * 100 - high) < 0.21, `${n}: ${upper}`);
    }
  });

  it('has no upper limit for p99 below 368 samples', () => {
    assert.equal(samplesToBound(0.99), 368);
    assert.equal(quantileRanks(367, 0.99).upper, null);
    assert.notEqual(quantileRanks(368, 0.99).upper, null);
  });

  it('reaches its confidence for every n and q', () => {
    fc.assert(
      fc.property(fc.integer({ min: 400, max: 20_000 }), fc.constantFrom(0.5, 0.9, 0.95, 0.99), (n, q) => {
        const { lower, upper } = quantileRanks(n, q) as { lower: number; upper: number };
        const coverage = binomialCdf(upper - 1, n, q) - binomialCdf(lower - 1, n, q);
        assert.ok(coverage >= 0.95 - 1e-9 && coverage < 0.985, `${coverage}`);
        assert.ok(lower <= n * q + 1 && upper >= n * q);
      }),
    );
  });

  const distributions: Readonly<Record<string, { draw: (random: Random) => number; p99: number }>> = {
    exponential: { draw: (random) => exponential(random, 5000), p99: -5000 * Math.log(0.01) },
    uniform: { draw: (random) => random.next() * 1000, p99: 990 },
    // 98 of 100 near 5 ms, 2 of 100 spread over 45 to 55 ms: the 99th percentile is the middle of the upper mode.
    bimodal: { draw: (random) => (random.next() < 0.98 ? 5000 + random.next() * 100 : 45_000 + random.next() * 10_000), p99: 50_000 },
  };
  for (const [name, { draw, p99 }] of Object.entries(distributions)) {
    it(`holds the true p99 in 93 to 97 % of 2,000 repeats of 1,000 samples (${name})`, (test) => {
      const random = seededRandom(7);
      let held = 0;
      for (let repeat = 0; repeat < 2000; repeat++) {
        const inOrder = Float64Array.from({ length: 1000 }, () => draw(random));
        const sorted = Float64Array.from(inOrder).sort();
        const worth = effectiveSampleSize(inOrder, 0.99, nearestRank(sorted, 0.99));
        const { low, high } = quantileInterval(sorted, 0.99, 0.95, worth);
        if (low !== null && low <= p99 && (high === null || p99 <= high)) held++;
      }
      test.diagnostic(`covered ${(held / 20).toFixed(2)} %`);
      assert.ok(held >= 1860 && held <= 1940, `${held} of 2000`);
    });
  }

  it('stays honest for correlated samples: a queue at half load', (test) => {
    const random = seededRandom(11);
    const truth = -Math.log(0.01) / (1 - 0.5);
    let held = 0;
    let naive = 0;
    for (let repeat = 0; repeat < 500; repeat++) {
      const inOrder = new Float64Array(5000);
      let wait = exponential(random, 1 / (1 - 0.5)) * (random.next() < 0.5 ? 1 : 0);
      for (let i = 0; i < inOrder.length; i++) {
        const service = exponential(random, 1);
        inOrder[i] = wait + service;
        wait = Math.max(0, wait + service - exponential(random, 2));
      }
      const sorted = Float64Array.from(inOrder).sort();
      const within = (worth: number) => {
        const { low, high } = quantileInterval(sorted, 0.99, 0.95, worth);
        return low !== null && low <= truth && (high === null || truth <= high);
      };
      if (within(effectiveSampleSize(inOrder, 0.99, nearestRank(sorted, 0.99)))) held++;
      if (within(inOrder.length)) naive++;
    }
    test.diagnostic(`covered ${(held / 5).toFixed(1)} %, without the correction ${(naive / 5).toFixed(1)} %`);
    assert.ok(held >= 450, `${held} of 500`);
    assert.ok(naive < held);
  });
});

describe('the interval of a mean over repeats', () => {
  it('is the t interval', () => {
    const { mean, low, high, variation } = meanInterval([10, 12, 11, 13, 14]);
    assert.equal(mean, 12);
    assert.ok(Math.abs((low as number) - (12 - 1.9632)) < 0.001 && Math.abs((high as number) - (12 + 1.9632)) < 0.001);
    assert.ok(Math.abs(variation - 0.1318) < 0.001);
  });
  it('has no limits for one repeat', () =>
    assert.deepEqual({ ...meanInterval([10]), variation: 0 }, { mean: 10, low: null, high: null, variation: 0 }));
});
