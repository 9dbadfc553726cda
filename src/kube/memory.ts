import { memoryUsage } from 'node:process';
import { type Clock, sleep } from './clock.ts';

export interface MemoryPorts {
  readonly clock: Clock;
  /** Share of the time since the last call in which this process had something to do. @default that of the event loop */
  readonly utilization?: () => number;
  /** Bytes that this process holds. @default its resident set */
  readonly resident?: () => number;
  /** Collects garbage, and gives the memory back. Absent: as Node's `--expose-gc` lets us; without that flag nothing is done. */
  readonly collect?: (() => void) | undefined;
}

const lookMilliseconds = 5_000;
/** A process with less to do than this rests. */
const restUtilization = 0.05;
/** Growth since the last collection that is worth another. */
const worthwhileGrowth = 1.15;

/**
 * Gives memory back when the process has come to rest, until `signal` aborts. V8 itself keeps what its heap has grown to while caches were filled, as long as
 * little is allocated afterwards: 10 MB of an idle operator, more of one with many objects. A collection takes about 1 ms for each MB.
 */
export async function giveBackMemory(
  { clock, utilization = loopUtilization(), resident = memoryUsage.rss, collect = exposedCollection() }: MemoryPorts,
  signal: AbortSignal,
): Promise<void> {
  if (collect === undefined) return;
  let least = 0;
  while (!signal.aborted) {
    await sleep(clock, lookMilliseconds, signal);
    if (signal.aborted || utilization() > restUtilization || resident() <= least * worthwhileGrowth) continue;
    collect();
    least = resident();
  }
}

function loopUtilization(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}

function exposedCollection(): (() => void) | undefined {
  const { gc } = globalThis;
  // The only flavour that unmaps pages at once; others leave them to V8, in case they are needed again.
  return gc && (() => void gc({ type: 'major', flavor: 'last-resort', execution: 'sync' }));
}
