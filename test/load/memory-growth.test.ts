/** A server whose GPU memory grows with every request by a known amount: what the report says of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Point } from '../../src/load/point.ts';
import { benchReport } from './bench.ts';
import { startTruthServer, type TruthServer } from './servers/start.ts';
import { startMemory } from './servers/truth.ts';

/** For six seconds: a reading each second and one at each end. */
async function measured(server: TruthServer): Promise<Point> {
  const flags = [
    '--model',
    'truth',
    '--metrics-url',
    `${server.url}/metrics`,
    '--duration',
    '6s',
    '--warmup',
    '200ms',
    '--no-repeat-first',
  ];
  const { points } = await benchReport([server.url, ...flags]);
  assert.ok(points[0] !== undefined);
  return points[0];
}

const saidOf = ({ notes }: Point) => notes.find((note) => note.includes('memory of'));

describe('the memory of a server', () => {
  it('that leaks is named with what a request costs, and its largest reading is the true one', async () => {
    const each = 256 << 10;
    await using server = await startTruthServer({ kind: 'fixed', microseconds: 2000 }, { memoryGrowth: each });
    let said: string | undefined;
    // Where the machine stands still for a good part of the window, the growth lies in one half of it and is rightly not called steady.
    for (let attempt = 0; attempt < 8 && said === undefined; attempt++) {
      const point = await measured(server);
      const { received } = await server.counts();
      assert.equal(point.gpus?.[0]?.memoryUsedMaxBytes, startMemory + received * each, 'the last reading follows the last request');
      said = saidOf(point);
    }
    assert.match(said ?? '', /^b1-c1: memory of GPU GPU-test grew from \d+\.\d to \d+\.\d MiB, about \d+ bytes a request/);
    const perRequest = Number(/about (\d+) bytes/.exec(said ?? '')?.[1]);
    // The readings lie around the window, not at its very ends.
    assert.ok(perRequest > each * 0.5 && perRequest < each * 1.5, `${perRequest} bytes a request, ${each} in truth`);
  });

  it('that does not leak is not mentioned', async () => {
    await using server = await startTruthServer({ kind: 'fixed', microseconds: 2000 });
    const point = await measured(server);
    assert.equal(point.gpus?.[0]?.memoryUsedMaxBytes, startMemory);
    assert.equal(saidOf(point), undefined);
  });
});
