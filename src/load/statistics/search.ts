/** One level that was tried, with the verdict of the caller's measurement. */
export interface Trial {
  readonly level: number;
  readonly passed: boolean;
}

export type SearchResult =
  | { readonly found: true; readonly level: number; readonly failedAt: number | null; readonly trials: readonly Trial[] }
  | { readonly found: false; readonly failedAt: number; readonly trials: readonly Trial[] };

export interface SearchOptions {
  /** First level; it must pass for a search to make sense, else the search goes down by halves to `minimum`. */
  readonly start: number;
  readonly minimum: number;
  readonly maximum: number;
  /** Stop when (failed − passed)/passed is at most this, e.g. 0.01. */
  readonly tolerance: number;
  /** Levels are whole numbers (concurrency). */
  readonly integer?: boolean;
  /** Upper bound of measurements, so that a search ends. Default 40. */
  readonly mostTrials?: number;
}

/**
 * The largest level that passes: double until one fails, then bisect to the tolerance (MLPerf's FindPeakPerformance, Model Analyzer).
 * A server's latency is not monotonic near its bound, so the level found is measured once more at the end; when it then fails, the
 * next lower passed level is taken.
 * @param passes measures one level; may be slow
 */
export async function searchLargest(options: SearchOptions, passes: (level: number) => Promise<boolean>): Promise<SearchResult> {
  const { start, minimum, maximum, tolerance, integer = false, mostTrials = 40 } = options;
  const trials: Trial[] = [];
  const round = (level: number) => (integer ? Math.max(1, Math.round(level)) : level);
  const attempt = async (level: number) => {
    const passed = await passes(level);
    trials.push({ level, passed });
    return passed;
  };

  let passed: number | null = null;
  let failed: number | null = null;
  let level = round(Math.min(maximum, Math.max(minimum, start)));
  while (trials.length < mostTrials) {
    if (await attempt(level)) {
      passed = level;
      if (failed !== null || level >= maximum) break;
      level = round(Math.min(maximum, level * 2));
    } else {
      failed = level;
      if (passed !== null || level <= minimum) break;
      level = round(Math.max(minimum, level / 2));
    }
  }
  if (passed === null) return { found: false, failedAt: failed ?? level, trials };

  while (failed !== null && trials.length < mostTrials && (failed - passed) / passed > tolerance) {
    const middle: number = integer ? Math.floor((passed + failed) / 2) : (passed + failed) / 2;
    if (middle <= passed || middle >= failed) break;
    if (await attempt(middle)) passed = middle;
    else failed = middle;
  }
  if (failed !== null && trials.at(-1)?.level !== passed && trials.length < mostTrials && !(await attempt(passed))) {
    failed = passed;
    passed = trials
      .filter((trial) => trial.passed && trial.level < (failed as number))
      .reduce((best, trial) => Math.max(best, trial.level), 0);
    if (passed === 0) return { found: false, failedAt: failed, trials };
  }
  return { found: true, level: passed, failedAt: failed, trials };
}
