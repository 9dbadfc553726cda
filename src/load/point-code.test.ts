import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { accuracyMetrics } from './accuracy/metric.ts';
import { errorClasses } from './point.ts';
import { type CompactPoint, compactPointBytes, decodePoints, encodePoint } from './point-code.ts';
import { scenarioNames, scenarioRules } from './scenario.ts';
import { invalidReasons } from './validity.ts';

const count = fc.integer({ min: 0, max: 36 ** 6 - 1 });
const micros = fc.integer({ min: 0, max: 3_600_000_000 });
const maybe = (value: fc.Arbitrary<number>) => fc.option(value, { nil: null });

const point: fc.Arbitrary<CompactPoint> = fc.record({
  run: fc.stringMatching(/^[a-z0-9-]{8,32}$/),
  index: fc.integer({ min: 0, max: 10_000 }),
  batchSize: fc.integer({ min: 1, max: 65_536 }),
  load: fc.oneof(
    fc.record({ loop: fc.constant('closed' as const), concurrency: fc.integer({ min: 1, max: 100_000 }) }),
    fc.record({
      loop: fc.constant('open' as const),
      requestsPerSecond: fc.integer({ min: 1, max: 1_000_000_000 }).map((milli) => milli / 1000),
      arrivals: fc.constantFrom('constant' as const, 'poisson' as const),
    }),
  ),
  durationMilliseconds: micros,
  requests: count,
  succeeded: count,
  notSent: count,
  errors: fc.record(Object.fromEntries(errorClasses.map((name) => [name, fc.integer({ min: 1, max: 36 ** 6 - 1 })])), { requiredKeys: [] }),
  throughputMilliPerSecond: count,
  throughputLowMilliPerSecond: maybe(count),
  throughputHighMilliPerSecond: maybe(count),
  latencyMicroseconds: fc.option(
    fc.record({ min: micros, mean: micros, p50: micros, p90: micros, p95: micros, p99: micros, p999: micros, max: micros }),
    { nil: null },
  ),
  p99LowMicroseconds: maybe(micros),
  p99HighMicroseconds: maybe(micros),
  coldStartMicroseconds: maybe(micros),
  sendLagP99Microseconds: maybe(micros),
  serverQueueMicroseconds: maybe(micros),
  serverPreprocessMicroseconds: maybe(micros),
  serverInferMicroseconds: maybe(micros),
  serverPostprocessMicroseconds: maybe(micros),
  gpuUtilisationPermille: maybe(fc.integer({ min: 0, max: 1000 })),
  gpuUtilisationActivePermille: maybe(fc.integer({ min: 0, max: 1000 })),
  gpuUtilisationMaxPermille: maybe(fc.integer({ min: 0, max: 1000 })),
  gpuMemoryUsedMebibytes: maybe(count),
  gpuMemoryTotalMebibytes: maybe(count),
  gpuPowerMilliwatts: maybe(count),
  accuracy: fc.option(
    fc
      .record({
        metric: fc.constantFrom(...accuracyMetrics),
        samples: fc.integer({ min: 1, max: 36 ** 6 - 1 }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      })
      .map(({ metric, samples, share }) => ({ metric, samples, correct: Math.floor(samples * share) })),
    { nil: null },
  ),
  scenario: fc.option(
    fc.record({
      name: fc.constantFrom(...scenarioNames),
      unmet: fc.subarray([...scenarioRules]),
      valueThousandths: maybe(fc.integer({ min: 0, max: 36 ** 8 - 1 })),
    }),
    { nil: null },
  ),
  completedAtSeconds: fc.integer({ min: 0, max: 8_000_000_000 }),
  invalidReasons: fc.subarray([...invalidReasons]),
});

describe('the compact form of a point', () => {
  it('comes back as it was, in at most 450 bytes', () => {
    fc.assert(
      fc.property(point, (original) => {
        const line = encodePoint(original);
        assert.ok(Buffer.byteLength(line) <= compactPointBytes, `${line.length} bytes`);
        assert.match(line, /^[\x20-\x7e]+$/);
        const decoded = decodePoints(line, original.run);
        assert.ok(decoded.ok);
        assert.deepEqual(decoded.points, [JSON.parse(JSON.stringify(original))]);
      }),
    );
  });

  it('lets eight points fit a termination message of 4,096 bytes', () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 8, maxLength: 8 }), (points) => {
        assert.ok(Buffer.byteLength(`${points.map(encodePoint).join('\n')}\n`) <= 4096);
      }),
      { numRuns: 20 },
    );
  });

  it('is refused when cut anywhere', () => {
    fc.assert(
      fc.property(point, fc.nat(), (original, seed) => {
        const line = encodePoint(original);
        const cut = line.slice(0, 1 + (seed % (line.length - 1)));
        assert.equal(decodePoints(cut, original.run).ok, false);
      }),
    );
  });

  it('is refused when one character is altered', () => {
    fc.assert(
      fc.property(point, fc.nat(), (original, seed) => {
        const line = encodePoint(original);
        const at = seed % line.length;
        const altered = `${line.slice(0, at)}${line[at] === 'x' ? 'y' : 'x'}${line.slice(at + 1)}`;
        assert.equal(decodePoints(altered, original.run).ok, false);
      }),
    );
  });

  it('never lets anything but a refusal or points out, whatever comes in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => typeof decodePoints(text, 'run-00001').ok === 'boolean'),
    );
  });

  it('says why it refuses', () => {
    const [sample] = fc.sample(point, { numRuns: 1, seed: 1 }) as [CompactPoint];
    const line = encodePoint({ ...sample, run: 'run-00001' });
    const reason = (message: string, run = 'run-00001') => {
      const decoded = decodePoints(message, run);
      return decoded.ok ? '' : decoded.reason;
    };
    assert.match(reason(line, 'run-00002'), /belongs to run "run-00001", not to "run-00002"/);
    assert.match(reason(`${line}\n${line.slice(0, -9)}`), /line 2 is cut off or altered/);
    assert.match(reason('panic: out of memory'), /line 1 does not start with mw2 or mw1/);
    assert.match(reason(''), /empty/);
    assert.match(reason('mw1,'.padEnd(451, '0')), /more than 450/);
  });

  it('is read as well as the first version wrote it, where what came later is not known', () => {
    const old =
      'mw1,r-of-an-older,0,8,c,4,n5c,2bc,2bc,0,0,h5a8,gz40,hbgg,1,334,3uw,3uw,4mo,5eg,6y0,99c,bko,6k4,7bw,12kw,,,,,,ob,,,,,toupd4,8,ta7hdi';
    const decoded = decodePoints(old, 'r-of-an-older');
    assert.ok(decoded.ok, JSON.stringify(decoded));
    const [read] = decoded.points;
    assert.deepEqual([read?.batchSize, read?.load], [8, { loop: 'closed', concurrency: 4 }]);
    assert.deepEqual(
      [read?.gpuUtilisationPermille, read?.gpuUtilisationMaxPermille, read?.scenario, read?.accuracy],
      [875, null, null, null],
    );
    assert.deepEqual(read?.invalidReasons, ['Unstable']);
    assert.equal(decodePoints(old.replace('mw1', 'mw2'), 'r-of-an-older').ok, false);
  });

  it('caps what is larger than a field holds and never wraps it', () => {
    const [sample] = fc.sample(point, { numRuns: 1, seed: 2 }) as [CompactPoint];
    const decoded = decodePoints(encodePoint({ ...sample, run: 'run-00001', requests: 1e15, coldStartMicroseconds: 1e15 }), 'run-00001');
    assert.ok(decoded.ok);
    assert.equal(decoded.points[0]?.requests, 36 ** 7 - 1);
    assert.equal(decoded.points[0]?.coldStartMicroseconds, 36 ** 7 - 1);
  });
});
