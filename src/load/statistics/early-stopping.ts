import { binomialCdf } from './binomial.ts';

/**
 * MLPerf's early stopping: how many queries must have been measured for `overLatency` of them to be allowed above the bound, so that the
 * bound holds for a share `percentile` of all queries with the given confidence (inference rules, "Early Stopping"; tolerance d = 0).
 * It is the smallest n with P[Binomial(n, 1 − percentile) ≤ overLatency] ≤ 1 − confidence: 459 for p99 at 99 % and none over, 662 with one.
 */
export function queriesNeeded(percentile: number, overLatency: number, confidence = 0.99): number {
  const enough = (n: number) => binomialCdf(overLatency, n, 1 - percentile) <= 1 - confidence + 1e-12;
  let high = Math.max(1, Math.ceil((overLatency + 1) / (1 - percentile)));
  while (!enough(high)) high *= 2;
  let low = 0;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

export type EarlyStopping =
  | { readonly met: true; readonly queries: number; readonly needed: number; readonly overLatency: number }
  | { readonly met: false; readonly queries: number; readonly needed: number; readonly overLatency: number };

/** Whether n queries with this many above the bound prove the bound at the percentile. */
export function provesBound(queries: number, overLatency: number, percentile: number, confidence = 0.99): EarlyStopping {
  const needed = queriesNeeded(percentile, overLatency, confidence);
  return { met: queries >= needed, queries, needed, overLatency };
}

/**
 * MLPerf's conservative estimate of a percentile for SingleStream and MultiStream: with t the most queries that n allows above a bound,
 * the t − 1 … largest are discarded and the largest of the rest is reported. `null`: fewer queries than the percentile needs at all.
 */
export function earlyStoppingEstimate(
  sorted: ArrayLike<number>,
  percentile: number,
  confidence = 0.99,
): { readonly value: number; readonly discarded: number } | null {
  const n = sorted.length;
  // LoadGen demands room for one query above the bound (t = 1) before it gives an estimate at all: 662 for p99, 64 for p90.
  if (n < queriesNeeded(percentile, 1, confidence)) return null;
  let low = 1;
  let high = Math.max(2, Math.ceil(n * (1 - percentile)) + 1);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (queriesNeeded(percentile, middle, confidence) <= n) low = middle;
    else high = middle;
  }
  return { value: sorted[n - low] as number, discarded: low - 1 };
}
