import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { microTimestamp, sleep, systemClock, timestamp } from './clock.ts';
import { FakeClock } from './testing/fake-clock.ts';

describe('sleeping', () => {
  it('ends in time', async () => {
    const clock = new FakeClock();
    let awake = false;
    void sleep(clock, 100).then(() => {
      awake = true;
    });
    await clock.advance(99);
    assert.equal(awake, false);
    await clock.advance(1);
    assert.equal(awake, true);
  });

  it('ends at once when told to stop, without an exception, and leaves no timer', async () => {
    const clock = new FakeClock();
    const stop = new AbortController();
    const slept = sleep(clock, 100, stop.signal);
    stop.abort();
    await slept;
    assert.deepEqual(clock.pending, []);
    await sleep(clock, 100, stop.signal);
  });

  it('for no time needs no timer', async () => {
    const clock = new FakeClock();
    await sleep(clock, 0);
    assert.deepEqual(clock.pending, []);
  });
});

describe('the system clock', () => {
  it('can be told not to call back', async () => {
    let called = false;
    systemClock.schedule(() => {
      called = true;
    }, 1)();
    await sleep(systemClock, 5);
    assert.equal(called, false);
  });

  it('does not take a delay of months for none', async () => {
    let called = false;
    const cancel = systemClock.schedule(() => {
      called = true;
    }, 1e12);
    await sleep(systemClock, 10);
    cancel();
    assert.equal(called, false);
  });
});

describe('timestamps', () => {
  const clock = new FakeClock('2026-03-04T05:06:07.089Z');
  it('have whole seconds where Kubernetes writes Time', () => assert.equal(timestamp(clock), '2026-03-04T05:06:07Z'));
  it('have six digits where it writes MicroTime', () => assert.equal(microTimestamp(clock), '2026-03-04T05:06:07.089000Z'));
});
