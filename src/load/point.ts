import type { Accuracy } from './accuracy/evaluate.ts';
import type { HistogramJson } from './statistics/histogram.ts';
import type { Interval } from './statistics/interval.ts';
import type { Finding } from './validity.ts';

/** How requests are started. Closed: the next when one has come back. Open: at their intended times, whatever comes back. */
export type Load =
  | { readonly loop: 'closed'; readonly concurrency: number }
  | { readonly loop: 'open'; readonly requestsPerSecond: number; readonly arrivals: 'constant' | 'poisson' };

/** Ways a request can fail. The order is fixed: the compact form counts by position. */
export const errorClasses = [
  'connect',
  'tls',
  'timeout',
  'reset',
  'protocol',
  'tooLarge',
  'http4xx',
  'http5xx',
  'httpOther',
  'grpc',
  'badBody',
] as const;
export type ErrorClass = (typeof errorClasses)[number];

/** Microseconds. Percentiles are nearest rank over every successful request of the point. */
export interface Latency {
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export type Percentile = 'p50' | 'p90' | 'p95' | 'p99' | 'p999';
export const percentiles: readonly Percentile[] = ['p50', 'p90', 'p95', 'p99', 'p999'];

/** What the server says about the requests of the window, averages per request in microseconds; `null` where it does not tell. */
export interface ServerStages {
  readonly source: string;
  readonly queue: number | null;
  /** Reading and converting the request (Triton compute_input). */
  readonly preprocess: number | null;
  readonly infer: number | null;
  /** Building the reply (Triton compute_output). */
  readonly postprocess: number | null;
  /** Time to load and ready the model, before any request; known only where the server tells. */
  readonly initialise: number | null;
  /** Whatever of the client's mean latency the server's stages do not explain: network, framing, client. */
  readonly other: number | null;
  /** Samples per execution: above the request's own batch when the server batches requests together. */
  readonly averageBatch: number | null;
  readonly requests: number | null;
}

/** One GPU over the window. `null` is unknown, never 0. */
export interface GpuUse {
  readonly uuid: string;
  readonly model: string | null;
  readonly source: 'triton' | 'dcgm' | 'torchserve';
  readonly samples: number;
  /** All samples the same while the source refreshes more slowly than the window: the value may be older than the window. */
  readonly stale: boolean;
  readonly utilisationPercent: number | null;
  /** Mean of the samples above 0 only. */
  readonly utilisationActivePercent: number | null;
  /** The largest of the samples. */
  readonly utilisationMaxPercent: number | null;
  readonly memoryUsedMaxBytes: number | null;
  readonly memoryTotalBytes: number | null;
  /** The server takes all memory at its start, so that "used" says nothing about the model. */
  readonly memoryPreallocated: boolean;
  readonly powerWatts: number | null;
  readonly energyJoules: number | null;
}

/** One measured setting: everything that is reported about it. */
export interface Point {
  readonly id: string;
  readonly batchSize: number;
  readonly load: Load;
  /** The first point measured once more at the end, to show drift. */
  readonly repeat: boolean;
  readonly startedAt: string;
  readonly durationSeconds: number;
  /** Requests that started in the window (closed loop) or were due in it (open loop); each of them is waited for. */
  readonly requests: number;
  readonly succeeded: number;
  readonly errors: Readonly<Partial<Record<ErrorClass, number>>>;
  readonly errorExamples: readonly string[];
  /** Due in the window and never sent. */
  readonly notSent: number;
  /** Sent once more because the server had closed an idle connection before any byte came back. */
  readonly resent: number;
  readonly offeredPerSecond: number | null;
  readonly sentPerSecond: number;
  readonly requestsPerSecond: number;
  /** 95 % interval of `requestsPerSecond`, from the spread between parts of the window. */
  readonly requestsPerSecondInterval: Interval;
  readonly inferencesPerSecond: number;
  /** Requests that succeeded within every latency bound, per second; `null` without bounds. */
  readonly goodputPerSecond: number | null;
  readonly latencyMicroseconds: Latency | null;
  readonly latencyIntervals: Readonly<Partial<Record<Percentile, Interval>>>;
  /** From the actual send to the reply (open loop); in a closed loop the same as the latency and left out. */
  readonly serviceMicroseconds: { readonly p50: number; readonly p99: number } | null;
  readonly sendLagMicroseconds: { readonly p50: number; readonly p99: number; readonly max: number } | null;
  readonly warmup: { readonly requests: number; readonly seconds: number };
  readonly windows: readonly {
    readonly requestsPerSecond: number;
    readonly p50: number | null;
    readonly judged: number | null;
    readonly requests: number;
  }[];
  readonly effectiveSamples: number;
  readonly inFlight: { readonly mean: number; readonly max: number; readonly queuedMax: number };
  readonly littleRatio: number | null;
  readonly client: {
    readonly workers: number;
    readonly cpuPercent: number;
    readonly cpuMicrosecondsPerRequest: number | null;
    readonly loopDelayP99Microseconds: number | null;
    readonly throttledPeriods: number | null;
  };
  readonly server: ServerStages | null;
  readonly gpus: readonly GpuUse[] | null;
  /** How often the model is right at this batch size; `null` where it was not asked. */
  readonly accuracy: Accuracy | null;
  readonly valid: boolean;
  readonly invalidReasons: readonly Finding[];
  /** True remarks that do not make the point invalid. */
  readonly notes: readonly string[];
  readonly histogram: HistogramJson | null;
}

/** `b8-c16`, `b1-r500`: the name of a setting in reports, arguments and status. */
export function pointId(batchSize: number, load: Load, repeat = false): string {
  const level = load.loop === 'closed' ? `c${load.concurrency}` : `r${Number(load.requestsPerSecond.toFixed(3))}`;
  return `b${batchSize}-${level}${repeat ? '-repeat' : ''}`;
}

/** Errors of all classes, per million requests. */
export function errorsPerMillion(point: Pick<Point, 'requests' | 'succeeded'>): number {
  return point.requests === 0 ? 0 : ((point.requests - point.succeeded) / point.requests) * 1e6;
}
