import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Histogram } from './histogram.ts';
import { nearestRank } from './percentile.ts';

const values = fc.array(fc.oneof(fc.double({ min: 0, max: 3.6e9, noNaN: true }), fc.double({ min: 0, max: 1000, noNaN: true })), {
  maxLength: 200,
});

function of(samples: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const sample of samples) histogram.record(sample);
  return histogram;
}

describe('a histogram', () => {
  it('gives every quantile to ±0.05 % or ±0.05 µs of the exact one', () => {
    fc.assert(
      fc.property(
        values.filter((v) => v.length > 0),
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        (samples, q) => {
          const exact = nearestRank(Float64Array.from(samples).sort(), q);
          const estimate = of(samples).quantile(q);
          assert.ok(Math.abs(estimate - exact) <= Math.max(0.0501, exact * 0.0005), `${estimate} for ${exact}`);
        },
      ),
    );
  });

  it('merges in any order and grouping to the same counts', () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const buckets = (h: Histogram) => ({ ...h.toJSON(), sum: Math.round(h.toJSON().sum) });
        const left = of(a).merge(of(b)).merge(of(c));
        const right = of(a).merge(of(c).merge(of(b)));
        const { sum: leftSum, ...leftRest } = buckets(left);
        const { sum: rightSum, ...rightRest } = buckets(right);
        assert.deepEqual(leftRest, rightRest);
        assert.ok(Math.abs(leftSum - rightSum) <= 1 + leftSum * 1e-9);
        assert.deepEqual(leftRest.buckets, of([...a, ...b, ...c]).toJSON().buckets);
      }),
    );
  });

  it('survives JSON', () => {
    fc.assert(
      fc.property(values, (samples) => {
        const original = of(samples);
        assert.deepEqual(Histogram.from(JSON.parse(JSON.stringify(original))).toJSON(), original.toJSON());
      }),
    );
  });

  it('counts what is beyond its range and keeps the true maximum', () => {
    const histogram = of([1, 4e9]);
    assert.equal(histogram.clamped, 1);
    assert.equal(histogram.max, 4e9);
    assert.equal(histogram.total, 2);
  });

  it('refuses another layout and damaged buckets', () => {
    assert.throws(() => Histogram.from({ ...of([1]).toJSON(), layout: 'other' }), /unknown layout "other"/);
    assert.throws(() => Histogram.from({ ...of([1]).toJSON(), buckets: [1e9, 1] }), /damaged/);
    assert.throws(() => Histogram.from({ ...of([1]).toJSON(), buckets: [1] }), /damaged/);
  });
});
