import { allGpus, type GpuColumns } from '../metrics/all-gpus.ts';
import { errorsPerMillion } from '../point.ts';
import type { ShownPoint } from './report.ts';

/** A column of the tabular reports: one heading, one value a point. Empty for unknown, never 0. */
export interface ReportColumn {
  readonly heading: string;
  /** In the CSV; with the unit in the name. */
  readonly field: string;
  readonly value: (point: ShownPoint) => string;
  /** Shown in the terminal and in Markdown. */
  readonly brief: boolean;
}

export const reportColumns: readonly ReportColumn[] = [
  { heading: 'point', field: 'id', brief: true, value: (p) => p.id },
  { heading: 'batch', field: 'batch_size', brief: true, value: (p) => String(p.batchSize) },
  { heading: 'load', field: 'load', brief: true, value: levelOf },
  { heading: 'inf/s', field: 'inferences_per_second', brief: true, value: (p) => decimal(p.inferencesPerSecond) },
  { heading: 'req/s', field: 'requests_per_second', brief: false, value: (p) => decimal(p.requestsPerSecond) },
  { heading: 'offered', field: 'offered_per_second', brief: false, value: (p) => decimal(p.offeredPerSecond) },
  { heading: 'goodput', field: 'goodput_per_second', brief: false, value: (p) => decimal(p.goodputPerSecond) },
  { heading: 'p50 ms', field: 'p50_ms', brief: true, value: (p) => ms(p.latencyMicroseconds?.p50) },
  { heading: 'p90 ms', field: 'p90_ms', brief: false, value: (p) => ms(p.latencyMicroseconds?.p90) },
  { heading: 'p95 ms', field: 'p95_ms', brief: true, value: (p) => ms(p.latencyMicroseconds?.p95) },
  { heading: 'p99 ms', field: 'p99_ms', brief: true, value: (p) => ms(p.latencyMicroseconds?.p99) },
  { heading: 'p99 95 %', field: 'p99_interval_ms', brief: true, value: p99Interval },
  { heading: 'mean ms', field: 'mean_ms', brief: false, value: (p) => ms(p.latencyMicroseconds?.mean) },
  { heading: 'max ms', field: 'max_ms', brief: false, value: (p) => ms(p.latencyMicroseconds?.max) },
  { heading: 'requests', field: 'requests', brief: true, value: (p) => count(p.requests) },
  { heading: 'errors', field: 'errors', brief: true, value: (p) => count(failed(p)) },
  { heading: 'errors/M', field: 'errors_per_million', brief: false, value: (p) => count(errorRate(p)) },
  { heading: 'queue ms', field: 'server_queue_ms', brief: false, value: (p) => ms(p.server?.queue) },
  { heading: 'preprocess ms', field: 'server_preprocess_ms', brief: false, value: (p) => ms(p.server?.preprocess) },
  { heading: 'infer ms', field: 'server_infer_ms', brief: true, value: (p) => ms(p.server?.infer) },
  { heading: 'postprocess ms', field: 'server_postprocess_ms', brief: false, value: (p) => ms(p.server?.postprocess) },
  { heading: 'other ms', field: 'outside_server_ms', brief: false, value: (p) => ms(p.server?.other) },
  { heading: 'srv batch', field: 'server_average_batch', brief: false, value: (p) => decimal(p.server?.averageBatch) },
  { heading: 'gpu %', field: 'gpu_percent', brief: true, value: (p) => decimal(gpu(p).utilisationPercent) },
  { heading: 'gpu active %', field: 'gpu_active_percent', brief: false, value: (p) => decimal(gpu(p).utilisationActivePercent) },
  { heading: 'gpu max %', field: 'gpu_max_percent', brief: false, value: (p) => decimal(gpu(p).utilisationMaxPercent) },
  { heading: 'gpu MiB', field: 'gpu_memory_mib', brief: false, value: gpuMemory },
  { heading: 'gpu W', field: 'gpu_power_watts', brief: false, value: (p) => decimal(gpu(p).powerWatts) },
  { heading: 'lag p99 ms', field: 'send_lag_p99_ms', brief: false, value: (p) => ms(p.sendLagMicroseconds?.p99) },
  { heading: 'client us/req', field: 'client_cpu_us_per_request', brief: false, value: (p) => decimal(p.client.cpuMicrosecondsPerRequest) },
  {
    heading: 'accuracy %',
    field: 'accuracy_percent',
    brief: false,
    value: (p) => decimal(p.accuracy == null ? null : p.accuracy.share * 100),
  },
  {
    heading: 'valid',
    field: 'valid',
    brief: true,
    value: (p) => (p.valid ? 'yes' : p.invalidReasons.map((finding) => finding.reason).join('+')),
  },
];

/** `16 at once`, `500/s Poisson`. */
export function levelOf({ load }: Pick<ShownPoint, 'load'>): string {
  if (load.loop === 'closed') return `${load.concurrency} at once`;
  return `${Number(load.requestsPerSecond.toFixed(2))}/s ${load.arrivals === 'poisson' ? 'Poisson' : 'constant'}`;
}

export function ms(microseconds: number | null | undefined): string {
  return microseconds === null || microseconds === undefined ? '' : (microseconds / 1000).toFixed(microseconds < 10_000 ? 3 : 1);
}

export function decimal(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : value.toFixed(value < 100 ? 2 : 1);
}

function count(value: number | null): string {
  return value === null ? '' : String(Math.round(value));
}

function failed({ requests, succeeded }: ShownPoint): number | null {
  return requests === null || succeeded === null ? null : requests - succeeded;
}

function errorRate({ requests, succeeded }: ShownPoint): number | null {
  return requests === null || succeeded === null ? null : errorsPerMillion({ requests, succeeded });
}

function p99Interval(point: ShownPoint): string {
  const interval = point.latencyIntervals.p99;
  return interval === undefined ? '' : `${ms(interval.low) || '?'}–${ms(interval.high) || '?'}`;
}

/** All GPUs of the server together. */
function gpu({ gpus }: ShownPoint): GpuColumns {
  return allGpus(gpus ?? []);
}

function gpuMemory(point: ShownPoint): string {
  const { memoryUsedMaxBytes } = gpu(point);
  if (memoryUsedMaxBytes === null) return '';
  const isPreallocated = point.gpus?.some(({ memoryPreallocated }) => memoryPreallocated) ?? false;
  return `${Math.round(memoryUsedMaxBytes / 2 ** 20)}${isPreallocated ? ' (preallocated)' : ''}`;
}

/** Points as reports list them: by batch size, then load, the repeated one last. */
export function inOrder<P extends Pick<ShownPoint, 'load' | 'repeat' | 'batchSize'>>(points: readonly P[]): P[] {
  const level = ({ load }: P) => (load.loop === 'closed' ? load.concurrency : load.requestsPerSecond);
  return [...points].sort((a, b) => Number(a.repeat) - Number(b.repeat) || a.batchSize - b.batchSize || level(a) - level(b));
}
