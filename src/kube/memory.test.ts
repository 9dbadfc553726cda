import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { giveBackMemory } from './memory.ts';
import { FakeClock } from './testing/fake-clock.ts';

/** A process whose work and size the test sets; a collection brings it to `collected` bytes. */
function aProcess() {
  const clock = new FakeClock();
  const stop = new AbortController();
  const state = { utilization: 0, resident: 100, collected: 80, collections: 0 };
  const ended = giveBackMemory(
    {
      clock,
      utilization: () => state.utilization,
      resident: () => state.resident,
      collect() {
        state.collections += 1;
        state.resident = state.collected;
      },
    },
    stop.signal,
  );
  return { clock, stop, state, ended };
}

describe('memory', () => {
  it('is given back once the process rests, and not before', async () => {
    const { clock, stop, state, ended } = aProcess();
    state.utilization = 0.5;
    await clock.advance(20_000);
    assert.equal(state.collections, 0);
    state.utilization = 0.01;
    await clock.advance(5_000);
    assert.equal(state.collections, 1);
    stop.abort();
    await ended;
  });

  it('is left alone until the process has grown again', async () => {
    const { clock, stop, state, ended } = aProcess();
    await clock.advance(60_000);
    assert.equal(state.collections, 1);
    state.resident = 90;
    await clock.advance(60_000);
    assert.equal(state.collections, 1);
    state.resident = 93;
    await clock.advance(60_000);
    assert.equal(state.collections, 2);
    stop.abort();
    await ended;
  });

  it('needs nobody to wait for it: it ends with its signal', async () => {
    const { clock, stop, state, ended } = aProcess();
    stop.abort();
    await ended;
    assert.deepEqual(clock.pending, []);
    assert.equal(state.collections, 0);
  });

  it('of a process that may not collect is left alone', async () => {
    await giveBackMemory({ clock: new FakeClock(), collect: undefined }, new AbortController().signal);
  });
});
