import type { Candidate } from './best.ts';
import { errorsPerMillion, type Point, percentiles } from './point.ts';

/** A point as the choice of the best sees it. */
export function candidateOf(point: Point): Candidate {
  const { low, high } = point.requestsPerSecondInterval;
  const latency = point.latencyMicroseconds;
  return {
    id: point.id,
    batchSize: point.batchSize,
    valid: point.valid,
    invalidReasons: point.invalidReasons.map((finding) => finding.reason),
    throughput: point.inferencesPerSecond,
    throughputInterval: { low: low === null ? null : low * point.batchSize, high: high === null ? null : high * point.batchSize },
    latencyMicroseconds:
      latency === null ? {} : { mean: latency.mean, ...Object.fromEntries(percentiles.map((name) => [name, latency[name]])) },
    errorsPerMillion: errorsPerMillion(point),
    accuracy: point.accuracy,
  };
}
