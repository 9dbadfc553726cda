import type { Point } from './point.ts';

/** How the first setting's figures changed between the beginning and the end of a sweep; shares, e.g. 0.03 for 3 % more. */
export interface Drift {
  readonly id: string;
  readonly throughput: number;
  readonly p50: number;
  /** The change is larger than both intervals allow. */
  readonly significant: boolean;
}

/** Compares the first point with its repetition; null when it was not repeated. */
export function driftOf(points: readonly Point[]): Drift | null {
  const again = points.find((point) => point.repeat);
  const first = points.find((point) => !point.repeat && `${point.id}-repeat` === again?.id);
  if (again === undefined || first === undefined || first.latencyMicroseconds === null || again.latencyMicroseconds === null) return null;
  const a = first.requestsPerSecondInterval;
  const b = again.requestsPerSecondInterval;
  const apart = a.low !== null && a.high !== null && b.low !== null && b.high !== null && (a.high < b.low || b.high < a.low);
  const throughput = again.requestsPerSecond / first.requestsPerSecond - 1;
  return {
    id: first.id,
    throughput,
    p50: again.latencyMicroseconds.p50 / first.latencyMicroseconds.p50 - 1,
    significant: apart && Math.abs(throughput) > 0.05,
  };
}
