/** Two definitions of a percentile exist in published numbers; a report names the one it used. */
export type PercentileMethod = 'nearest-rank' | 'linear';

/**
 * 1-based nearest rank ⌈n·q⌉ of a quantile. The small allowance keeps q·n that is an integer on paper (0.07 × 100) from being rounded up.
 * @param q in (0, 1]
 */
export function nearestRankIndex(n: number, q: number): number {
  return Math.min(n, Math.max(1, Math.ceil(n * q - 1e-9)));
}

/** Nearest-rank quantile: the smallest sample that at least a share q of the samples does not exceed. NaN when there are none. */
export function nearestRank(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[nearestRankIndex(sorted.length, q) - 1] as number;
}

/** Linear interpolation between order statistics at rank 1 + (n − 1)·q: numpy's default, Hyndman and Fan's type 7. NaN when there are none. */
export function linearQuantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}

/** A quantile by the named method. */
export function quantile(sorted: ArrayLike<number>, q: number, method: PercentileMethod): number {
  return method === 'linear' ? linearQuantile(sorted, q) : nearestRank(sorted, q);
}

/** `p99` → 0.99, `p99.9` and `p999` → 0.999. Undefined when the name is none. */
export function quantileOfName(name: string): number | undefined {
  const match = /^p(\d{1,2})(?:\.?(\d{1,3}))?$/.exec(name);
  if (match === null) return undefined;
  const q = Number(`${match[1]}.${match[2] ?? '0'}`) / 100;
  return q > 0 && q < 1 ? Number(q.toPrecision(6)) : undefined;
}
