/** What one measurement window says: completions per second and the latency the point is judged by. */
export interface Window {
  readonly throughput: number;
  readonly latencyMicroseconds: number;
  readonly requests: number;
}

export interface StabilityRule {
  /** How many of the last windows must agree. */
  readonly windows: number;
  /** Allowed max/min − 1, e.g. 0.10. */
  readonly tolerance: number;
  /** A window with fewer requests says nothing. */
  readonly minimumRequests: number;
}

export const defaultStability: StabilityRule = { windows: 3, tolerance: 0.1, minimumRequests: 10 };

export type Stability = { readonly stable: true } | { readonly stable: false; readonly reason: string };

/**
 * perf_analyzer's rule: over the last three windows the largest throughput and the largest latency are at most 10 % above the smallest,
 * and none is zero. Unlike there, what was not stable is told with its reason, not withheld.
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
  if (!(throughput <= rule.tolerance))
    return { stable: false, reason: `throughput differs by ${percent(throughput)} between windows (at most ${percent(rule.tolerance)})` };
  const latency = spread(last.map((window) => window.latencyMicroseconds));
  if (!(latency <= rule.tolerance))
    return { stable: false, reason: `latency differs by ${percent(latency)} between windows (at most ${percent(rule.tolerance)})` };
  return { stable: true };
}

function spread(values: readonly number[]): number {
  const smallest = Math.min(...values);
  return smallest > 0 ? Math.max(...values) / smallest - 1 : Number.POSITIVE_INFINITY;
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(1)} %` : 'without bound';
}
