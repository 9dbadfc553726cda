import type { Interval } from './interval.ts';

/** What one measurement window says: completions per second and the latency the point is judged by. */
export interface Window {
  readonly throughput: number;
  readonly latencyMicroseconds: number;
  /** 95 % interval of that latency; without one every difference counts. */
  readonly latencyInterval?: Interval;
  readonly requests: number;
}

export interface StabilityRule {
  /** How many of the last windows must agree. */
  readonly windows: number;
  /** Allowed max/min − 1, e.g. 0.10. */
  readonly tolerance: number;
  /** A window with fewer requests says nothing. */
  readonly minimumRequests: number;
  /** Arrivals are random (open loop): their number differs between windows by chance, √n in standard deviations. */
  readonly randomArrivals?: boolean;
}

export const defaultStability: StabilityRule = { windows: 3, tolerance: 0.1, minimumRequests: 10 };

export type Stability = { readonly stable: true } | { readonly stable: false; readonly reason: string };

/**
 * perf_analyzer's rule: over the last three windows the largest throughput and the largest latency are at most 10 % above the smallest,
 * and none is zero. Unlike there, what was not stable is told with its reason, not withheld, and a difference that chance explains (the
 * windows' 95 % intervals overlap; the number of Poisson arrivals differs) is no instability.
 */
export function stability(windows: readonly Window[], rule: StabilityRule = defaultStability): Stability {
  if (windows.length < rule.windows) return { stable: false, reason: `${windows.length} of ${rule.windows} windows measured` };
  const last = windows.slice(-rule.windows);
  const scarce = last.find((window) => window.requests < rule.minimumRequests);
  if (scarce !== undefined) {
    return {
      stable: false,
      reason: `a window has ${scarce.requests} requests, at least ${rule.minimumRequests} are needed: measure longer`,
    };
  }
  const throughput = spread(last.map((window) => window.throughput));
  // 95 % limit of the difference of two Poisson counts, relative to their mean.
  const chance = rule.randomArrivals === true ? 2.77 / Math.sqrt(Math.min(...last.map((window) => window.requests))) : 0;
  if (!(throughput <= rule.tolerance + chance))
    return { stable: false, reason: `throughput differs by ${percent(throughput)} between windows (at most ${percent(rule.tolerance)})` };
  const latency = spread(last.map((window) => window.latencyMicroseconds));
  if (!(latency <= rule.tolerance) && !overlapping(last))
    return { stable: false, reason: `latency differs by ${percent(latency)} between windows (at most ${percent(rule.tolerance)})` };
  return { stable: true };
}

/** Whether the intervals of the fastest and the slowest window have a value in common; an open end reaches everything. */
function overlapping(windows: readonly Window[]): boolean {
  const sorted = [...windows].sort((a, b) => a.latencyMicroseconds - b.latencyMicroseconds);
  const fastest = sorted[0]?.latencyInterval;
  const slowest = sorted.at(-1)?.latencyInterval;
  if (fastest === undefined || slowest === undefined) return false;
  return fastest.high === null || slowest.low === null || slowest.low <= fastest.high;
}

function spread(values: readonly number[]): number {
  const smallest = Math.min(...values);
  return smallest > 0 ? Math.max(...values) / smallest - 1 : Number.POSITIVE_INFINITY;
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(1)} %` : 'without bound';
}
