/** Arithmetic mean; NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

/** Median of unsorted values: the mean of the middle two when their number is even. NaN of nothing. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/**
 * Mean without the lowest and highest share of the values: MLModelScope's published durations (sort, drop ⌊share·n⌋ on each side, mean of
 * the rest, three decimals; fewer than 3 values: plain mean; exactly 3: the median).
 */
export function trimmedMean(values: ArrayLike<number>, share = 0.2): number {
  const n = values.length;
  const round = (value: number) => Math.round(value * 1000) / 1000;
  if (n < 3) return round(mean(values));
  if (n === 3) return round(median(values));
  const sorted = Float64Array.from(values).sort();
  const drop = Math.floor(share * n);
  return round(mean(sorted.subarray(drop, n - drop)));
}
