import { assess, type Judgement } from './assess.ts';
import type { ThreadResult } from './engine/thread.ts';
import type { PlannedPoint } from './plan.ts';
import type { Point } from './point.ts';
import { now } from './transport/channel.ts';

/** A setting whose first request already failed: shown with the server's words, and not loaded. */
export function failedPoint({ batchSize, load, repeat }: PlannedPoint, failure: string, judgement: Judgement): Point {
  const nothing: ThreadResult = {
    trace: {
      length: 0,
      done: new Float64Array(0),
      latency: new Float32Array(0),
      lag: new Float32Array(0),
      error: new Uint8Array(0),
      span: null,
    },
    begunAt: now(),
    endedAt: now(),
    warmupRequests: 0,
    resent: 0,
    inFlightMax: 0,
    queuedMax: 0,
    errorExamples: [failure],
    loopDelayP99Microseconds: 0,
    cpuMicroseconds: 0,
  };
  const from = now();
  const point = assess(
    {
      batchSize,
      load,
      repeat,
      startedAt: new Date().toISOString(),
      window: { from, to: from + 1 },
      results: [nothing],
      warmupSeconds: 0,
      interrupted: false,
      throttledPeriods: null,
      spinning: false,
      clockStepSeconds: 0,
      server: null,
      gpus: null,
      serverRestarted: null,
    },
    judgement,
  );
  return { ...point, invalidReasons: [{ reason: 'NothingSucceeded', message: failure }] };
}
