import type { Accuracy } from '../accuracy/evaluate.ts';
import type { Choice } from '../best.ts';
import type { Drift } from '../drift.ts';
import type { GpuUse, Latency, Point, ServerStages } from '../point.ts';
import type { ScenarioVerdict } from '../scenario.ts';
import type { Trial } from '../statistics/search.ts';

/** Names the layout of the JSON report; its schema is `schemas/bench-report.schema.json`. */
export const reportSchema = 'modelwright.dev/bench-report/v1';

/** Everything a run gives: the JSON report is this value. Times in microseconds, rates per second, `null` for unknown. */
export interface Report {
  readonly schema: typeof reportSchema;
  readonly run: string;
  readonly tool: { readonly name: string; readonly version: string };
  readonly startedAt: string;
  readonly finishedAt: string;
  /** The run was stopped before its plan was done. */
  readonly partial: boolean;
  readonly target: {
    readonly url: string;
    readonly authority: string;
    readonly protocol: string;
    readonly model: string;
    readonly modelVersion: string | null;
  };
  readonly method: {
    readonly percentile: 'nearest-rank';
    readonly mean: 'arithmetic';
    readonly clock: 'monotonic';
    readonly confidence: 0.95;
    readonly closedLoopLatency: 'send to reply';
    readonly openLoopLatency: 'intended send to reply';
    readonly errorsInLatency: false;
  };
  readonly payload: { readonly source: string; readonly requestBytes: Readonly<Record<string, number>>; readonly variants: number };
  readonly environment: {
    readonly node: string;
    readonly kernel: string;
    readonly processor: string | null;
    readonly processors: number;
    readonly cpuQuota: number | null;
  };
  /** First request of the run, on a connection of its own, before any warm-up. */
  readonly coldStartMicroseconds: number | null;
  /** First request of each batch size. */
  readonly firstRequestMicroseconds: Readonly<Record<string, number>>;
  readonly planned: number;
  readonly points: readonly Point[];
  readonly drift: Drift | null;
  readonly objective: {
    readonly maximize: 'Throughput' | 'LowLatency';
    readonly latency: readonly { readonly percentile: string; readonly maxMicroseconds: number }[];
    readonly maxErrorsPerMillion: number | null;
    readonly minAccuracy?: number | null;
  };
  readonly best: Choice;
  readonly searches: readonly SearchReport[];
  readonly scenario: ScenarioVerdict | null;
  readonly remarks: readonly string[];
}

/**
 * What tables, pages and comparisons show of a point. A run gives all of it; what was kept of one, or published of another tool's, may lack
 * percentiles, intervals and what the client itself did.
 */
export interface ShownPoint
  extends Pick<
    Point,
    | 'id'
    | 'batchSize'
    | 'load'
    | 'repeat'
    | 'errorExamples'
    | 'offeredPerSecond'
    | 'requestsPerSecond'
    | 'requestsPerSecondInterval'
    | 'inferencesPerSecond'
    | 'goodputPerSecond'
    | 'latencyIntervals'
    | 'valid'
    | 'notes'
  > {
  /** How often the model is right there; absent or null: not measured. */
  readonly accuracy?: Pick<Accuracy, 'metric' | 'samples' | 'correct' | 'share' | 'interval'> | null;
  /** Entry of the hardware measured, where a sweep has several. */
  readonly hardware?: string;
  readonly startedAt: string | null;
  readonly durationSeconds: number | null;
  readonly requests: number | null;
  readonly succeeded: number | null;
  readonly latencyMicroseconds: Readonly<Partial<Latency>> | null;
  readonly sendLagMicroseconds: { readonly p99: number } | null;
  readonly client: Pick<Point['client'], 'cpuMicrosecondsPerRequest'>;
  readonly server:
    | (Pick<ServerStages, 'queue' | 'infer' | 'averageBatch'> & Partial<Pick<ServerStages, 'preprocess' | 'postprocess' | 'other'>>)
    | null;
  readonly gpus:
    | readonly (Pick<GpuUse, 'uuid' | 'utilisationPercent' | 'utilisationMaxPercent' | 'memoryUsedMaxBytes' | 'memoryPreallocated'> &
        Partial<Pick<GpuUse, 'stale' | 'utilisationActivePercent' | 'memoryTotalBytes' | 'powerWatts'>>)[]
    | null;
  readonly invalidReasons: readonly { readonly reason: string; readonly message: string }[];
}

/** What tables, pages and comparisons show of a report. */
export interface ShownReport
  extends Pick<
    Report,
    'run' | 'tool' | 'partial' | 'coldStartMicroseconds' | 'drift' | 'objective' | 'best' | 'searches' | 'scenario' | 'remarks'
  > {
  readonly startedAt: string | null;
  readonly target: Pick<Report['target'], 'url' | 'protocol' | 'model'>;
  readonly payload: Pick<Report['payload'], 'source'>;
  /** `null`: the client's machine was not kept. */
  readonly environment: Report['environment'] | null;
  /** How the figures are defined, where it is not as in `Report.method`. */
  readonly definitions?: string;
  readonly points: readonly ShownPoint[];
}

/** The line below a title: when, how it was asked, by what, and how the figures are defined. */
export function origin({ startedAt, target, tool, run, definitions }: ShownReport): string {
  const said = definitions ?? 'Percentiles by nearest rank, monotonic clock, intervals at 95 %.';
  return `${[startedAt, target.protocol, `${tool.name} ${tool.version}`.trim(), `run ${run}`].filter((part) => part !== null).join(', ')}. ${said}`;
}

/** One search for the largest level within the bounds. */
export interface SearchReport {
  readonly batchSize: number;
  readonly over: 'concurrency' | 'rate';
  readonly found: number | null;
  readonly failedAt: number | null;
  readonly tolerance: number;
  readonly trials: readonly Trial[];
}
