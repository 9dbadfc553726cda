import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { now } from './channel.ts';

/** How far `now()` is from the system's monotonic clock, microseconds: the reading that took least. */
function offset(): number {
  let [shortest, found] = [Number.POSITIVE_INFINITY, Number.NaN];
  for (let reading = 0; reading < 5000; reading++) {
    const before = Number(process.hrtime.bigint()) / 1000;
    const told = now();
    const after = Number(process.hrtime.bigint()) / 1000;
    if (after - before >= shortest) continue;
    [shortest, found] = [after - before, told - (before + after) / 2];
  }
  return found;
}

describe('the clock', () => {
  it("is the system's monotonic one in this thread", () => assert.ok(Math.abs(offset()) < 100, `${offset()} µs`));

  it('is the same in other threads, also in one that reads it first thing', async () => {
    const module = new URL('./channel.ts', import.meta.url).href;
    const program = `(async () => {
      const { now } = await import(${JSON.stringify(module)});
      require('node:worker_threads').parentPort.postMessage((${offset.toString()})());
    })()`;
    for (let thread = 0; thread < 3; thread++) {
      const [found] = (await once(new Worker(program, { eval: true }), 'message')) as [number];
      assert.ok(Math.abs(found) < 100, `${found} µs`);
    }
  });
});
