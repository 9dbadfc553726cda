import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assess } from './assess.ts';
import { judgement, observation, type Row, slotRows, threadResult } from './observation.fixture.ts';
import type { Load, Point } from './point.ts';
import { seededRandom } from './statistics/random.ts';

const closed: Load = { loop: 'closed', concurrency: 1 };
const open: Load = { loop: 'open', requestsPerSecond: 1000, arrivals: 'constant' };
const steady = slotRows((i) => 1000 + (i % 10));
const everyMillisecond = (took: (i: number) => number, lag: (i: number) => number = () => 0): Row[] =>
  Array.from({ length: 3000 }, (_, i) => [i * 1000, took(i), lag(i)] as const);
const reasons = (point: Point) => point.invalidReasons.map((finding) => finding.reason);

describe('a point', () => {
  it('has the figures of its requests', () => {
    const point = assess(observation(steady, closed, { batchSize: 4 }), judgement);
    assert.equal(point.valid, true, JSON.stringify(point.invalidReasons));
    assert.equal(point.id, 'b4-c1');
    assert.ok(Math.abs(point.requestsPerSecond - 995.5) < 1, `${point.requestsPerSecond}`);
    assert.equal(point.inferencesPerSecond, point.requestsPerSecond * 4);
    assert.equal(point.latencyMicroseconds?.p50, 1004);
    assert.equal(point.latencyMicroseconds?.p99, 1009);
    assert.ok(Math.abs((point.littleRatio as number) - 1) < 0.001);
    assert.equal(point.requests, point.succeeded);
    assert.equal(point.histogram?.layout, 'log-linear-1024/0.1us');
    assert.ok(Math.abs((point.goodputPerSecond as number) - point.requestsPerSecond) < 1);
  });

  it('counts throughput by the ends and latency by the starts in the window', () => {
    // One request began before the window and ended in it; one began in it and ended after.
    const rows: Row[] = [
      [-500, 1000],
      ...slotRows(() => 1000, 2_990_000).map(([start, took]) => [start + 1000, took] as const),
      [2_999_500, 2000],
    ];
    const point = assess(observation(rows, closed), judgement);
    assert.equal(point.requests, rows.length - 1);
    assert.ok(Math.abs(point.requestsPerSecond * 3 - (rows.length - 1)) < 1e-6);
    assert.equal(point.latencyMicroseconds?.max, 2000);
  });

  it('keeps errors out of the latency and in the count', () => {
    const rows = steady.map(([start, took], i) => [start, i % 10 === 0 ? 1 : took, 0, i % 10 === 0 ? 'http5xx' : null] as const);
    const point = assess(observation(rows, closed), judgement);
    assert.equal(point.errors.http5xx, Math.ceil(rows.length / 10));
    assert.equal(point.latencyMicroseconds?.min, 1001);
    assert.deepEqual(reasons(point).includes('Errors'), true);
  });

  it('adds up several threads', () => {
    const from = 1e9;
    const results = [threadResult(steady, from), threadResult(steady, from)];
    const point = assess({ ...observation([], { loop: 'closed', concurrency: 2 }), results }, judgement);
    assert.equal(point.requests, 2 * steady.length);
    assert.equal(point.client.workers, 2);
    assert.ok(Math.abs((point.littleRatio as number) - 1) < 0.001);
  });

  it('of an open loop counts from the intended time and shows the service time beside it', () => {
    const point = assess(
      observation(
        everyMillisecond(
          () => 800,
          () => 200,
        ),
        open,
      ),
      judgement,
    );
    assert.equal(point.latencyMicroseconds?.p50, 800);
    assert.equal(point.serviceMicroseconds?.p50, 600);
    assert.equal(point.sendLagMicroseconds?.p99, 200);
    assert.equal(point.valid, true, JSON.stringify(point.invalidReasons));
  });
});

describe('requests of an open loop that never left', () => {
  /** Each tenth is given up after 100 ms of waiting, within the window. */
  const rows = Array.from({ length: 2800 }, (_, i): Row => (i % 10 === 0 ? [i * 1000, 100_000, 100_000, 'timeout'] : [i * 1000, 800, 50]));

  it('are requests, and failed ones, and not sent', () => {
    const point = assess(observation(rows, open), judgement);
    assert.deepEqual([point.requests, point.succeeded, point.notSent], [2800, 2520, 280]);
    assert.deepEqual(point.errors, { timeout: 280 });
    assert.ok(Math.abs(point.sentPerSecond - 2520 / 3) < 1, String(point.sentPerSecond));
    assert.ok(reasons(point).includes('RateNotReached'));
  });

  it('are told from those that left and were not answered', () => {
    const unanswered = rows.map(
      ([start, took, lag, error]): Row => (error === undefined ? [start, took, lag ?? 0] : [start, took, 50, error]),
    );
    const point = assess(observation(unanswered, open), judgement);
    assert.deepEqual([point.notSent, point.errors], [0, { timeout: 280 }]);
    assert.ok(!reasons(point).includes('RateNotReached'));
  });

  it('that were due before the window are outstanding at its beginning, and nothing else', () => {
    const before: Row[] = Array.from({ length: 100 }, (_, i) => [-50_000 + i, 100_000, 100_000, 'timeout']);
    const sound = everyMillisecond(() => 800);
    const [alone, both] = [assess(observation(sound, open), judgement), assess(observation([...before, ...sound], open), judgement)];
    assert.deepEqual([both.requests, both.notSent, both.errors], [alone.requests, 0, {}]);
    assert.equal(both.sentPerSecond, alone.sentPerSecond);
  });

  it('are none in a closed loop, where a slot sends when it is free', () => {
    const failing = slotRows(() => 1000).map(([start, took], i): Row => [start, took, 0, i % 2 === 0 ? 'timeout' : null]);
    assert.equal(assess(observation(failing, closed), judgement).notSent, 0);
  });
});

describe('a point is not valid', () => {
  const invalid = (name: string, reason: string, message: RegExp, point: () => Point) =>
    it(`when ${name}`, () => {
      const found = point().invalidReasons.find((finding) => finding.reason === reason);
      assert.ok(found !== undefined, `${reason} is missing: ${JSON.stringify(point().invalidReasons)}`);
      assert.match(found.message, message);
      assert.equal(point().valid, false);
    });

  invalid('nothing succeeded', 'NothingSucceeded', /none of \d+ requests/, () =>
    assess(
      observation(
        steady.map(([start, took]) => [start, took, 0, 'timeout'] as const),
        closed,
      ),
      judgement,
    ),
  );
  invalid('too few requests bound its percentile', 'TooFewRequests', /100 requests; .* needs 368/, () =>
    assess(
      observation(
        slotRows(() => 30_000),
        closed,
      ),
      judgement,
    ),
  );
  invalid('its windows differ', 'Unstable', /throughput differs by/, () =>
    assess(
      observation(
        slotRows((i) => (i < 1000 ? 1000 : 2500)),
        closed,
      ),
      judgement,
    ),
  );
  invalid('it was interrupted', 'Interrupted', /stopped after 3.0 s/, () =>
    assess(observation(steady, closed, { interrupted: true }), judgement),
  );
  invalid('the kernel throttled the client', 'Throttled', /7 scheduling periods/, () =>
    assess(observation(steady, closed, { throttledPeriods: 7 }), judgement),
  );
  invalid('the event loop was late', 'EventLoopDelay', /25.0 ms/, () =>
    assess(observation(steady, closed, {}, { loopDelayP99Microseconds: 25_000 }), judgement),
  );
  invalid('the client used its whole core', 'ClientBusy', /used 100 % of its core/, () =>
    assess(observation(steady, closed, {}, { cpuMicroseconds: 3_000_000 }), judgement),
  );
  invalid("Little's law does not hold", 'LittlesLaw', /is 0\.\d+ of the mean/, () =>
    assess(
      observation(
        slotRows(() => 1000).filter((_, i) => i % 5 !== 0),
        closed,
      ),
      judgement,
    ),
  );
  invalid('the server was restarted', 'ServerRestarted', /counters fell/, () =>
    assess(observation(steady, closed, { serverRestarted: 'its counters fell' }), judgement),
  );
  invalid('requests left late', 'SendLag', /30.00 ms late/, () =>
    assess(
      observation(
        everyMillisecond(
          () => 31_000,
          () => 30_000,
        ),
        open,
      ),
      judgement,
    ),
  );
  invalid('a backlog grew', 'Saturated', /backlog grew/, () =>
    assess(
      observation(
        everyMillisecond((i) => 1000 + i * 1000),
        open,
      ),
      judgement,
    ),
  );
  invalid('the rate was not sent', 'RateNotReached', /were sent in time/, () =>
    assess(
      observation(
        everyMillisecond(
          (i) => 500_000 + i,
          (i) => (i > 2000 ? 1_000_000 : 0),
        ),
        open,
      ),
      judgement,
    ),
  );
});

describe('chance', () => {
  it('is no instability: Poisson arrivals and the noise of a tail', () => {
    let invalid = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const random = seededRandom(seed);
      const rows: Row[] = [];
      for (let at = 0; at < 3_000_000; at += -1000 * Math.log(1 - random.next())) rows.push([at, -700 * Math.log(1 - random.next())]);
      const point = assess(observation(rows, { ...open, arrivals: 'poisson' }), judgement);
      if (reasons(point).includes('Unstable')) invalid++;
    }
    assert.ok(invalid <= 10, `${invalid} of 100 called unstable`);
  });
});

describe('remarks', () => {
  it('tell of a stepped clock, which touches no figure', () => {
    const point = assess(observation(steady, closed, { clockStepSeconds: -3600 }), judgement);
    assert.match(point.notes.join('\n'), /wall clock was stepped by -3600.0 s/);
    assert.equal(point.valid, true);
  });
  it('tell of requests sent twice and of a p99 that is not supported', () => {
    const point = assess(
      observation(
        slotRows(() => 10_000),
        closed,
        {},
        { resent: 2 },
      ),
      judgement,
    );
    assert.match(point.notes.join('\n'), /2 requests were sent a second time/);
    assert.match(point.notes.join('\n'), /p99 is not supported by 300 requests/);
  });
});
