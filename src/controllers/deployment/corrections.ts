/**
 * How often an InferenceService was put back of late. Another controller that wants one of our fields for itself would otherwise have both of
 * us write as fast as the API server answers.
 */
export interface Corrections {
  readonly count: number;
  /** The last one, in milliseconds on a clock that does not jump. */
  readonly at: number;
}

/** The first correction is made at once, later ones wait: 1 s, 2 s, 4 s, and so on up to the second value. */
const [firstWait, longestWait] = [1000, 10_000];
/** After this long without a correction, the next one is a first one again. */
const forgottenAfter = 60_000;

/** Milliseconds until the next correction may be made; 0: now. */
export function waitBeforeCorrection(past: Corrections | undefined, now: number): number {
  if (past === undefined || now - past.at >= forgottenAfter) return 0;
  const wait = Math.min(firstWait * 2 ** (past.count - 1), longestWait);
  return Math.max(0, past.at + wait - now);
}

/** The record after a correction at `now`. */
export function countCorrection(past: Corrections | undefined, now: number): Corrections {
  const isFirst = past === undefined || now - past.at >= forgottenAfter;
  return { count: isFirst ? 1 : past.count + 1, at: now };
}
