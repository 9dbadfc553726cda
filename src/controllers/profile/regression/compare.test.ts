import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareWithBaseline, type Figure, type Figures, type Regression } from './compare.ts';

const around = (value: number, by = 0.01): Figure => ({ value, low: value * (1 - by), high: value * (1 + by) });
const of = (throughput?: Figure, p99?: Figure): Figures => ({ of: 'b1-c1', ...(throughput && { throughput }), ...(p99 && { p99 }) });

describe('figures against a baseline', () => {
  const cases: readonly [
    what: string,
    current: Figures,
    baseline: Figures,
    status: Regression['status'],
    reason: string,
    message: RegExp,
  ][] = [
    ['the same', of(around(100)), of(around(100)), 'False', 'WithinTolerance', /100\/s \(99\.00 to 101\), 0\.0 % more\.$/],
    [
      'a tenth less, surely',
      of(around(90)),
      of(around(100)),
      'True',
      'ThroughputFell',
      /throughput 90\.00\/s \(89\.10 to 90\.90\) after 100\/s \(99\.00 to 101\), 10\.0 % less, beyond the 5 % that are tolerated/,
    ],
    [
      'a tenth less, by chance',
      of(around(90, 0.1)),
      of(around(100, 0.1)),
      'False',
      'WithinTolerance',
      /10\.0 % less, which chance explains/,
    ],
    ['surely less, within the tolerance', of(around(97, 0.001)), of(around(100, 0.001)), 'False', 'WithinTolerance', /3\.0 % less\.$/],
    ['more throughput', of(around(150)), of(around(100)), 'False', 'WithinTolerance', /50\.0 % more/],
    [
      'a slower p99',
      of(around(100), around(6000)),
      of(around(100), around(5000)),
      'True',
      'LatencyRose',
      /p99 6\.00 ms \(5\.94 to 6\.06\) after 5\.00 ms/,
    ],
    ['a faster p99', of(around(100), around(4000)), of(around(100), around(5000)), 'False', 'WithinTolerance', /p99 4\.00 ms/],
    ['both', of(around(80), around(6000)), of(around(100), around(5000)), 'True', 'ThroughputFellAndLatencyRose', /beyond chance; p99/],
    [
      'a p99 without an upper end',
      of(undefined, { value: 9000, low: 8000 }),
      of(undefined, { value: 5000, low: 4900 }),
      'Unknown',
      'NoInterval',
      /measure longer/,
    ],
    [
      'a p99 whose baseline has both ends',
      of(undefined, { value: 9000, low: 8000 }),
      of(undefined, around(5000)),
      'True',
      'LatencyRose',
      /\(8\.00 to \?\)/,
    ],
    ['nothing in common', of(around(1)), of(undefined, around(1)), 'Unknown', 'NothingToCompare', /no figure in common/],
  ];
  for (const [what, current, baseline, status, reason, message] of cases) {
    it(what, () => {
      const verdict = compareWithBaseline(current, baseline, 5);
      assert.deepEqual([verdict.status, verdict.reason], [status, reason], verdict.message);
      assert.match(verdict.message, message);
    });
  }

  const figure = fc
    .tuple(fc.double({ min: 1, max: 1e6, noNaN: true }), fc.double({ min: 0, max: 0.5, noNaN: true }))
    .map(([value, by]) => around(value, by));

  it('never regress against themselves, whatever the tolerance', () => {
    fc.assert(
      fc.property(figure, figure, fc.integer({ min: 0, max: 100 }), (throughput, p99, tolerance) => {
        assert.equal(compareWithBaseline(of(throughput, p99), of(throughput, p99), tolerance).status, 'False');
      }),
    );
  });

  it('do not regress both ways round, and less readily with more tolerance', () => {
    fc.assert(
      fc.property(figure, figure, fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }), (a, b, one, two) => {
        const [small, large] = [Math.min(one, two), Math.max(one, two)];
        const worse = (x: Figure, y: Figure, tolerance: number) => compareWithBaseline(of(x), of(y), tolerance).status === 'True';
        assert.ok(!(worse(a, b, small) && worse(b, a, small)));
        if (worse(a, b, large)) assert.ok(worse(a, b, small));
      }),
    );
  });
});
