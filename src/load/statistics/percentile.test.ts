import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { linearQuantile, nearestRank, quantileOfName } from './percentile.ts';

const samples = fc
  .array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 400 })
  .map((values) => Float64Array.from(values).sort());
const share = fc.integer({ min: 1, max: 999 }).map((permille) => permille / 1000);

describe('percentiles', () => {
  it('nearest rank is the smallest sample that at least that share does not exceed', () => {
    fc.assert(
      fc.property(samples, share, (sorted, q) => {
        const value = nearestRank(sorted, q);
        const atMost = sorted.filter((x) => x <= value).length / sorted.length;
        const below = sorted.filter((x) => x < value).length / sorted.length;
        assert.ok(atMost >= q - 1e-9);
        assert.ok(below < q + 1e-9);
      }),
    );
  });

  it('linear interpolation lies between its neighbours and reaches the extremes', () => {
    fc.assert(
      fc.property(samples, share, (sorted, q) => {
        const value = linearQuantile(sorted, q);
        assert.ok(value >= (sorted[0] as number) && value <= (sorted.at(-1) as number));
        assert.equal(linearQuantile(sorted, 0), sorted[0]);
        assert.equal(linearQuantile(sorted, 1), sorted.at(-1));
      }),
    );
  });

  it('takes 7 of 100 for p7, though 0.07 × 100 is more than 7 in floating point', () => {
    const sorted = Float64Array.from({ length: 100 }, (_, i) => i + 1);
    assert.equal(nearestRank(sorted, 0.07), 7);
    assert.equal(nearestRank(sorted, 0.99), 99);
    assert.equal(linearQuantile(sorted, 0.99), 99.01);
  });

  it('reads the names of percentiles', () => {
    assert.equal(quantileOfName('p99'), 0.99);
    assert.equal(quantileOfName('p99.9'), 0.999);
    assert.equal(quantileOfName('p999'), 0.999);
    assert.equal(quantileOfName('p50'), 0.5);
    assert.equal(quantileOfName('mean'), undefined);
    assert.equal(quantileOfName('p0'), undefined);
  });

  it('reproduces published values that only linear interpolation gives', () => {
    // 20 batch latencies of ResNet50 TorchScript on an i5-6300HQ, as published to four digits with p50 .20766, p95 .26260, p99 .26348.
    const published = [
      0.2061, 0.1933, 0.2335, 0.2625, 0.2092, 0.1806, 0.1842, 0.2122, 0.2293, 0.2117, 0.1858, 0.2054, 0.2529, 0.1998, 0.2132, 0.1682,
      0.2637, 0.1969, 0.1892, 0.2172,
    ].sort();
    for (const [q, expected] of [
      [0.5, 0.20766],
      [0.95, 0.2626],
      [0.99, 0.26348],
    ] as const) {
      assert.ok(Math.abs(linearQuantile(published, q) - expected) < 1e-4, `${q}`);
    }
    assert.ok(Math.abs(nearestRank(published, 0.5) - 0.20766) > 1e-3);
  });
});
