import { type Candidate, type Choice, chooseBest } from '../best.ts';
import { UsageError } from '../transport/target.ts';

/** One published row of MLModelCI's benchmark, in this product's units. */
export interface PublishedRow {
  readonly model: string;
  readonly device: string;
  readonly image: string;
  readonly batchSize: number;
  readonly requests: number;
  readonly totalSeconds: number;
  readonly inferencesPerSecond: number;
  readonly latencyMicroseconds: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly gpuPercent: number | null;
  /** Where the row contradicts itself; empty for a sound one. */
  readonly contradictions: readonly string[];
}

/**
 * Reads MLModelCI's rows (`all_batch_latency`, `all_batch_throughput`, `pNN_latency` in seconds) and checks what they say about
 * themselves: throughput = requests × batch / total time, and p50 ≤ p95 ≤ p99.
 */
export function readMlModelCi(json: unknown): PublishedRow[] {
  if (!Array.isArray(json)) throw new UsageError('this is not an MLModelCI export: a list of rows is expected');
  return json.map((row: Record<string, unknown>, i) => {
    const number = (name: string) => {
      const value = row[name];
      if (typeof value !== 'number' || !Number.isFinite(value)) throw new UsageError(`row ${i + 1} has no number "${name}"`);
      return value;
    };
    const latencyMicroseconds = { p50: number('p50_latency') * 1e6, p95: number('p95_latency') * 1e6, p99: number('p99_latency') * 1e6 };
    const requests = number('request_num');
    const batchSize = number('batch_size');
    const totalSeconds = number('all_batch_latency');
    const inferencesPerSecond = number('all_batch_throughput');
    const contradictions: string[] = [];
    const derived = (requests * batchSize) / totalSeconds;
    if (Math.abs(derived / inferencesPerSecond - 1) > 1e-6)
      contradictions.push(`throughput ${inferencesPerSecond} is not requests × batch / time = ${derived}`);
    const { p50, p95, p99 } = latencyMicroseconds;
    if (!(p50 <= p95 && p95 <= p99)) contradictions.push('percentiles fall: p50 ≤ p95 ≤ p99 does not hold');
    const gpu = row['all_batch_avg_util'];
    return {
      model: String(row['model_name'] ?? ''),
      device: String(row['device_name'] ?? ''),
      image: String(row['serve_image'] ?? ''),
      batchSize,
      requests,
      totalSeconds,
      inferencesPerSecond,
      latencyMicroseconds,
      gpuPercent: typeof gpu === 'number' ? gpu : null,
      contradictions,
    };
  });
}

/** The best batch size of each model within a p99 bound (none: highest throughput), by the same rule that ranks measured points. */
export function bestBatches(rows: readonly PublishedRow[], maxP99Microseconds: number | null): ReadonlyMap<string, Choice> {
  const choices = new Map<string, Choice>();
  for (const model of new Set(rows.map((row) => row.model))) {
    const candidates = rows.filter((row) => row.model === model).map(candidateOf);
    const latency = maxP99Microseconds === null ? [] : [{ percentile: 'p99', maxMicroseconds: maxP99Microseconds }];
    choices.set(model, chooseBest(candidates, { maximize: 'Throughput', latency, maxErrorsPerMillion: null }));
  }
  return choices;
}

function candidateOf(row: PublishedRow): Candidate {
  return {
    id: `b${row.batchSize}`,
    batchSize: row.batchSize,
    valid: row.contradictions.length === 0,
    invalidReasons: row.contradictions,
    throughput: row.inferencesPerSecond,
    throughputInterval: { low: null, high: null },
    latencyMicroseconds: row.latencyMicroseconds,
    errorsPerMillion: 0,
  };
}
