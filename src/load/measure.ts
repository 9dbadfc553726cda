import { assess, type Judgement } from './assess.ts';
import { type Sender, senders, splitCount, splitLoad } from './engine/pool.ts';
import type { Bound, ThreadSpec } from './engine/thread.ts';
import { mergeTraces } from './engine/trace.ts';
import { cpuShare, throttledPeriods } from './metrics/host.ts';
import { type MetricSources, type Observed, ServerObserver } from './metrics/observer.ts';
import type { PlannedPoint } from './plan.ts';
import { errorClasses, type Load, type Point } from './point.ts';
import type { RawPoint } from './spans/raw-point.ts';
import { newTracing, shareOf } from './spans/trace-context.ts';
import { mean } from './statistics/mean.ts';
import { readWindow } from './statistics/window.ts';
import { now } from './transport/channel.ts';

/** How long a point is measured. */
export type PointBound = { readonly kind: 'seconds'; readonly seconds: number } | { readonly kind: 'requests'; readonly requests: number };

/** One point to be loaded and judged. */
export interface LoadJob {
  readonly planned: PlannedPoint;
  readonly bound: PointBound;
  readonly workers: number;
  readonly sources: MetricSources;
  readonly judgement: Judgement;
  /** Most requests that are traced; absent: none. */
  readonly traceRequests?: number;
  readonly threadSpec: (load: Load, index: number, count: number, spin: boolean) => ThreadSpec;
  readonly onProgress: (progress: { readonly elapsedSeconds: number; readonly requests: number; readonly errors: number }) => void;
}

/** A measured point and the sorted latencies behind it. */
export interface MeasuredPoint {
  readonly point: Point;
  readonly sorted: Float64Array;
  /** What was recorded of it; `null` for a setting that was not loaded at all. */
  readonly raw: RawPoint | null;
}

/**
 * Warms up, measures on all threads from one moment on with the server's counters read at both ends, and judges. An aborted signal ends
 * the measurement; what has ended by then is the point, marked as interrupted.
 */
export async function measurePoint(job: LoadJob, signal: AbortSignal): Promise<MeasuredPoint> {
  const { batchSize, load, repeat } = job.planned;
  const share = cpuShare();
  const loads = splitLoad(load, job.workers);
  const spin = load.loop === 'open' && (share.quota === null || share.quota >= loads.length) && loads.length <= share.processors;
  const tracing = job.traceRequests === undefined ? undefined : newTracing(job.traceRequests);
  const threads = senders(
    loads.map((part, i) => ({
      ...job.threadSpec(part, i, loads.length, spin),
      ...(tracing && { tracing: shareOf(tracing, i, loads.length) }),
    })),
  );
  const interrupt = () => {
    for (const thread of threads) thread.interrupt();
  };
  const observer = new ServerObserver(job.sources);
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    const warmBegan = now();
    if (signal.aborted) interrupt();
    await Promise.all(threads.map((thread) => thread.warm()));
    const warmupSeconds = (now() - warmBegan) / 1e6;
    await observer.begin();
    const throttledBefore = throttledPeriods();
    const wallBefore = Date.now();
    const startedAt = new Date(wallBefore).toISOString();
    const epochMicroseconds = wallBefore * 1000 - now();
    const asked = now() + 2000;
    const ends = job.bound.kind === 'seconds' ? asked + job.bound.seconds * 1e6 : null;
    const counts = job.bound.kind === 'requests' ? splitCount(job.bound.requests, threads.length) : [];
    const stopProgress = watch(threads, asked, job.onProgress);
    const results = await Promise.all(
      threads.map((thread, i) => {
        const limit: Bound = ends === null ? { kind: 'count', requests: counts[i] as number } : { kind: 'until', at: ends };
        return thread.measure(asked, limit);
      }),
    ).finally(stopProgress);
    const wallAfter = Date.now();
    const finished = now();
    const from = Math.max(...results.map((result) => result.begunAt));
    const trace = mergeTraces(results.map((result) => result.trace));
    const lastDone = trace.length === 0 ? finished : (trace.done[trace.length - 1] as number);
    const interrupted = signal.aborted && (ends === null || finished < ends);
    const window = {
      from,
      to: Math.max(from + 1, interrupted ? finished : (ends ?? lastDone + 1)),
    };
    const facts = readWindow(trace, window, errorClasses.length);
    const observed: Observed = await observer.end(facts.latency.length === 0 ? null : mean(facts.latency));
    const throttledAfter = throttledPeriods();
    const point = assess(
      {
        batchSize,
        load,
        repeat,
        startedAt,
        window,
        results,
        warmupSeconds,
        interrupted,
        throttledPeriods: throttledAfter === null || throttledBefore === null ? null : throttledAfter - throttledBefore,
        spinning: spin,
        clockStepSeconds: (wallAfter - wallBefore) / 1000 - (finished - asked + 2000) / 1e6,
        server: observed.server,
        gpus: observed.gpus,
        serverRestarted: observed.restarted,
        memoryGrowth: observed.memoryGrowth,
      },
      job.judgement,
    );
    return { point, sorted: facts.sorted, raw: { point, trace, window, epochMicroseconds, ...(tracing && { tracing }) } };
  } finally {
    observer.stop();
    signal.removeEventListener('abort', interrupt);
    await Promise.all(threads.map((thread) => thread.close()));
  }
}

function watch(threads: readonly Sender[], from: number, onProgress: LoadJob['onProgress']): () => void {
  const timer = setInterval(async () => {
    const progress = await Promise.all(threads.map((thread) => thread.progress())).catch(() => []);
    const sum = (read: (one: (typeof progress)[number]) => number) => progress.reduce((total, one) => total + read(one), 0);
    onProgress({
      elapsedSeconds: Math.max(0, (now() - from) / 1e6),
      requests: sum((one) => one.requests),
      errors: sum((one) => one.errors),
    });
  }, 500);
  return () => clearInterval(timer);
}
