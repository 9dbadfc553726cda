import type { Trace } from '../engine/trace.ts';

/** The measured stretch of time, microseconds of the monotonic clock. */
export interface MeasuredWindow {
  readonly from: number;
  readonly to: number;
}

/** What a trace says about a window, before any judgement. */
export interface WindowFacts {
  /** Latencies of the successful requests that started (or were due) in the window, in the order of their ends. */
  readonly latency: Float64Array;
  readonly sorted: Float64Array;
  /** From the actual send to the end, the same requests, sorted. */
  readonly service: Float64Array;
  /** Intended to actual send of every request that was due in the window, sorted. */
  readonly lag: Float64Array;
  /** Requests that started in the window, successful or not. */
  readonly requests: number;
  readonly errors: Uint32Array;
  /** Of them those that were never sent: all connections were busy until their time was over. */
  readonly notSent: number;
  /** Successful requests that ended in the window, per second. */
  readonly completedPerSecond: number;
  /** Sent per second, of those due in the window. */
  readonly sentPerSecond: number;
  /** Mean of all latencies, errors included: what Little's law takes. */
  readonly meanOfAll: number;
  /** Requests of all kinds that ended in the window, per second. */
  readonly endedPerSecond: number;
  /** Mean number outstanding over the window. */
  readonly meanInFlight: number;
  /** Outstanding at the end minus at the start of the window. */
  readonly backlogChange: number;
}

/** Reads a window out of a trace. */
export function readWindow(trace: Trace, window: MeasuredWindow, errorKinds: number): WindowFacts {
  const seconds = (window.to - window.from) / 1e6;
  const latency = new Float64Array(trace.length);
  const service = new Float64Array(trace.length);
  const lag = new Float64Array(trace.length);
  const errors = new Uint32Array(errorKinds);
  let succeeded = 0;
  let requests = 0;
  let sent = 0;
  let notSent = 0;
  let completed = 0;
  let ended = 0;
  let sumOfAll = 0;
  let area = 0;
  let outstandingAtStart = 0;
  let outstandingAtEnd = 0;
  for (let i = 0; i < trace.length; i++) {
    const done = trace.done[i] as number;
    const took = trace.latency[i] as number;
    const start = done - took;
    const error = trace.error[i] as number;
    if (done >= window.from && done < window.to) {
      ended++;
      if (error === 0) completed++;
    }
    area += Math.max(0, Math.min(done, window.to) - Math.max(start, window.from));
    // Half a microsecond for the rounding of the 32-bit latency column.
    const early = start < window.from - 0.5;
    if (early) outstandingAtStart++;
    if (start < window.to && done >= window.to) outstandingAtEnd++;
    if (early || start >= window.to) continue;
    const late = trace.lag[i] as number;
    requests++;
    sumOfAll += took;
    lag[requests - 1] = late;
    // A request leaves before it ends; one that did not was given up while it waited.
    const isNeverSent = error > 0 && late >= took && took > 0;
    if (isNeverSent) notSent++;
    else if (start + late < window.to) sent++;
    if (error > 0) {
      errors[error - 1] = (errors[error - 1] as number) + 1;
      continue;
    }
    latency[succeeded] = took;
    service[succeeded++] = took - late;
  }
  const kept = latency.subarray(0, succeeded);
  return {
    latency: kept,
    sorted: kept.slice().sort(),
    service: service.subarray(0, succeeded).sort(),
    lag: lag.subarray(0, requests).sort(),
    requests,
    errors,
    notSent,
    completedPerSecond: completed / seconds,
    sentPerSecond: sent / seconds,
    meanOfAll: requests === 0 ? Number.NaN : sumOfAll / requests,
    endedPerSecond: ended / seconds,
    meanInFlight: area / (window.to - window.from),
    backlogChange: outstandingAtEnd - outstandingAtStart,
  };
}

/** Equal parts of a window. */
export function partsOf(window: MeasuredWindow, count: number): MeasuredWindow[] {
  const length = (window.to - window.from) / count;
  return Array.from({ length: count }, (_, i) => ({ from: window.from + i * length, to: window.from + (i + 1) * length }));
}

/** Per part: the latencies of successful requests that ended in it, in the order of their ends. */
export function splitByEnd(trace: Trace, parts: readonly MeasuredWindow[]): Float64Array[] {
  const first = parts[0] as MeasuredWindow;
  const length = first.to - first.from;
  const lists: number[][] = parts.map(() => []);
  for (let i = 0; i < trace.length; i++) {
    if ((trace.error[i] as number) > 0) continue;
    const part = Math.floor(((trace.done[i] as number) - first.from) / length);
    if (part >= 0 && part < lists.length) (lists[part] as number[]).push(trace.latency[i] as number);
  }
  return lists.map((list) => Float64Array.from(list));
}
