/** Observations and reports made from numbers, for tests: what a run would have seen of a server with the given latencies. */
import { assess, type Judgement, type Observation } from './assess.ts';
import { chooseBest } from './best.ts';
import { candidateOf } from './candidate.ts';
import { driftOf } from './drift.ts';
import type { ThreadResult } from './engine/thread.ts';
import { TraceRecorder } from './engine/trace.ts';
import type { ErrorClass, Load, Point } from './point.ts';
import { type Report, reportSchema } from './report/report.ts';
import { defaultStability } from './statistics/stability.ts';

export const judgement: Judgement = {
  judged: 'p99',
  stability: defaultStability,
  validity: { minimumSeconds: 0, minimumRequests: 368, maximumErrorsPerMillion: 1000 },
  latencyBounds: [{ percentile: 'p99', maxMicroseconds: 50_000 }],
  keepHistogram: true,
};

/** A request: start and duration in microseconds after the beginning of the window, how late it was sent, and how it failed. */
export type Row = readonly [start: number, took: number, lag?: number, error?: ErrorClass | null];

export function threadResult(rows: readonly Row[], origin: number, more: Partial<ThreadResult> = {}): ThreadResult {
  const recorder = new TraceRecorder();
  const ended = rows
    .map(([start, took, lag = 0, error = null]) => ({ done: origin + start + took, took, lag, error }))
    .sort((a, b) => a.done - b.done);
  for (const { done, took, lag, error } of ended) recorder.push(done, took, lag, error);
  return {
    trace: recorder.finish(),
    begunAt: origin,
    endedAt: origin + 3_000_000,
    warmupRequests: 10,
    resent: 0,
    inFlightMax: 1,
    queuedMax: 0,
    errorExamples: [],
    loopDelayP99Microseconds: 100,
    cpuMicroseconds: 50_000,
    ...more,
  };
}

export function observation(
  rows: readonly Row[],
  load: Load,
  more: Partial<Observation> = {},
  result: Partial<ThreadResult> = {},
): Observation {
  const from = 1e9;
  return {
    batchSize: 1,
    load,
    repeat: false,
    startedAt: '2026-01-02T03:04:05.000Z',
    window: { from, to: from + 3_000_000 },
    results: [threadResult(rows, from, result)],
    warmupSeconds: 1,
    interrupted: false,
    throttledPeriods: 0,
    spinning: false,
    clockStepSeconds: 0,
    server: null,
    gpus: null,
    serverRestarted: null,
    ...more,
  };
}

/** Back-to-back requests of one slot over three seconds, each taking what `took` says. */
export function slotRows(took: (i: number) => number, until = 3_000_000): Row[] {
  const rows: Row[] = [];
  for (let at = 0, i = 0; at < until; i++) {
    rows.push([at, took(i)]);
    at += took(i);
  }
  return rows;
}

export function pointOf(batchSize: number, microseconds: number, more: Partial<Observation> = {}): Point {
  return assess(
    observation(
      slotRows((i) => microseconds + (i % 5)),
      { loop: 'closed', concurrency: 1 },
      { batchSize, ...more },
    ),
    judgement,
  );
}

export function reportOf(points: readonly Point[]): Report {
  const objective = { maximize: 'Throughput', latency: judgement.latencyBounds, maxErrorsPerMillion: 1000, minAccuracy: null } as const;
  return {
    schema: reportSchema,
    run: 'run-00001',
    tool: { name: 'modelwright', version: '0.0.0' },
    startedAt: '2026-01-02T03:04:05.000Z',
    finishedAt: '2026-01-02T03:05:05.000Z',
    partial: false,
    target: { url: 'http://127.0.0.1:8080', authority: 'iris.example', protocol: 'v2', model: 'iris', modelVersion: null },
    method: {
      percentile: 'nearest-rank',
      mean: 'arithmetic',
      clock: 'monotonic',
      confidence: 0.95,
      closedLoopLatency: 'send to reply',
      openLoopLatency: 'intended send to reply',
      errorsInLatency: false,
    },
    payload: { source: 'V2 metadata: x FP32 [-1, 4]', requestBytes: { '1': 100 }, variants: 8 },
    environment: { node: 'v24.0.0', kernel: '6', processor: 'test', processors: 2, cpuQuota: null },
    coldStartMicroseconds: 5000,
    firstRequestMicroseconds: { '1': 5000 },
    planned: points.length,
    points,
    drift: driftOf(points),
    objective,
    best: chooseBest(points.map(candidateOf), objective),
    searches: [],
    scenario: null,
    remarks: [],
  };
}
