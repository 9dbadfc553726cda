import { binomialCdf, studentT } from './binomial.ts';

/** Values between which the true quantity lies with the stated confidence. `null`: this many samples give no such limit. */
export interface Interval {
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * 1-based ranks [lower, upper] of the order statistics between which the q-quantile lies with at least the given confidence,
 * whatever the distribution (Hahn and Meeker 1991, §5.2). Among the pairs that reach the confidence the one closest to it is
 * taken by moving either end inwards from the equal-tailed pair. An end is `null` when n samples cannot bound that side.
 */
export function quantileRanks(n: number, q: number, confidence = 0.95): { readonly lower: number | null; readonly upper: number | null } {
  const tail = (1 - confidence) / 2;
  const deviation = Math.sqrt(n * q * (1 - q));
  const below = (rank: number) => binomialCdf(rank - 1, n, q);

  let lower = Math.max(0, Math.floor(n * q - 5 * deviation - 3));
  while (lower < n && below(lower + 1) <= tail) lower++;
  let upper = Math.min(n + 1, Math.max(lower + 1, Math.floor(n * q)));
  while (upper <= n && 1 - below(upper) > tail) upper++;

  if (lower >= 1 && upper <= n) {
    for (;;) {
      const fromBelow = below(upper) - below(lower + 1);
      const fromAbove = below(upper - 1) - below(lower);
      if (Math.max(fromBelow, fromAbove) < confidence || upper - lower <= 1) break;
      if (fromBelow >= confidence && (fromAbove < confidence || fromBelow <= fromAbove)) lower++;
      else upper--;
    }
  }
  return { lower: lower >= 1 ? lower : null, upper: upper <= n ? upper : null };
}

/**
 * Distribution-free interval of the q-quantile from sorted samples.
 * @param effective how many independent samples these are worth (see `effectiveSampleSize`); ranks are scaled to it
 */
export function quantileInterval(sorted: ArrayLike<number>, q: number, confidence = 0.95, effective = sorted.length): Interval {
  const n = sorted.length;
  const worth = Math.max(1, Math.min(n, Math.round(effective)));
  const { lower, upper } = quantileRanks(worth, q, confidence);
  const at = (rank: number) => sorted[Math.min(n, Math.max(1, rank)) - 1] as number;
  return {
    low: lower === null ? null : at(worth === n ? lower : Math.floor((lower / worth) * n)),
    high: upper === null ? null : at(worth === n ? upper : Math.ceil((upper / worth) * n)),
  };
}

/** Fewest independent samples that bound the q-quantile from above: the n with qⁿ ≤ (1 − confidence)/2; 368 for p99 at 95 %. */
export function samplesToBound(q: number, confidence = 0.95): number {
  return Math.ceil(Math.log((1 - confidence) / 2) / Math.log(q) - 1e-9);
}

/**
 * How many independent samples a correlated series is worth for its q-quantile. Replies of one batch or one queue are alike, so that
 * their exceedances of the quantile come in clumps. The variance of the number of exceedances per batch of consecutive samples is set
 * against the binomial variance of independent ones (batch means, 30 batches); the excess divides n when it is more than chance would
 * show once in twenty (χ² with 29 degrees of freedom).
 * @param inOrder samples in the order of their arrival
 */
export function effectiveSampleSize(inOrder: ArrayLike<number>, q: number, threshold: number): number {
  const batches = 30;
  const n = inOrder.length;
  const size = Math.floor(n / batches);
  if (size * (1 - q) < 1) return n;
  const counts: number[] = [];
  for (let b = 0; b < batches; b++) {
    let exceeding = 0;
    for (let i = b * size; i < (b + 1) * size; i++) if ((inOrder[i] as number) > threshold) exceeding++;
    counts.push(exceeding);
  }
  const average = counts.reduce((sum, count) => sum + count, 0) / batches;
  if (average === 0) return n;
  const variance = counts.reduce((sum, count) => sum + (count - average) ** 2, 0) / (batches - 1);
  const excess = variance / (average * (1 - average / size));
  const byChance = 42.557 / 29;
  return excess > byChance ? n / excess : n;
}

/** Mean with a t interval over independent repeats, and the coefficient of variation. At least two values. */
export function meanInterval(
  values: readonly number[],
  confidence = 0.95,
): Interval & { readonly mean: number; readonly variation: number } {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { mean, low: null, high: null, variation: Number.NaN };
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  const half = (studentT(confidence, n - 1) * deviation) / Math.sqrt(n);
  return { mean, low: mean - half, high: mean + half, variation: mean === 0 ? Number.NaN : deviation / mean };
}
