/** Earlier runs of a profile, in short: enough to see a trend and to be a baseline. */
import type { ModelProfileStatus, ProfileResult } from '../../../api/model-profile/index.ts';

export type PastRun = NonNullable<ModelProfileStatus['history']>[number];
type Run = NonNullable<ModelProfileStatus['run']>;

/** A run that ended, and what came of it. */
export interface EndedRun {
  readonly run: Pick<Run, 'id' | 'specHash'> & { readonly completionTime: string };
  readonly results: readonly ProfileResult[];
  /** Id of the best point, where there is one. */
  readonly best: string | undefined;
  readonly sloMet: PastRun['sloMet'];
}

/** The run in short. Figures are those of its best point, with their intervals as far as they are known. */
export function pastOf({ run, results, best, sloMet }: EndedRun): PastRun {
  const point = results.find(({ id }) => id === best);
  const latency = point?.latencyMicroseconds;
  return {
    id: run.id,
    completionTime: run.completionTime,
    specHash: run.specHash,
    ...(point !== undefined && {
      best: point.id,
      samplesPerSecond: point.samplesPerSecond,
      ...(point.samplesPerSecondLow !== undefined && { samplesPerSecondLow: point.samplesPerSecondLow }),
      ...(point.samplesPerSecondHigh !== undefined && { samplesPerSecondHigh: point.samplesPerSecondHigh }),
    }),
    ...(latency !== undefined && {
      p99Microseconds: latency.p99,
      ...(latency.p99Low !== undefined && { p99LowMicroseconds: latency.p99Low }),
      ...(latency.p99High !== undefined && { p99HighMicroseconds: latency.p99High }),
    }),
    sloMet,
  };
}

/** The history with one more run in front. A run that is there already is replaced in its place, so that writing it twice adds nothing. */
export function remember(history: readonly PastRun[], past: PastRun): readonly PastRun[] {
  const isKnown = history.some(({ id }) => id === past.id);
  return isKnown ? history.map((one) => (one.id === past.id ? past : one)) : [past, ...history];
}

/**
 * The history without the oldest beyond `limit`. What `spec.baseline.run` names stays, however old: the run of that id, or with `Last` the
 * one before the latest.
 */
export function trimmed(history: readonly PastRun[], limit: number, baseline: string | undefined): readonly PastRun[] {
  if (baseline === undefined) return history.slice(0, limit);
  const least = Math.max(limit, baseline === 'Last' ? 2 : 1);
  const [kept, older] = [history.slice(0, least), history.slice(least)];
  const named = older.find(({ id }) => id === baseline);
  return named === undefined ? kept : [...kept.slice(0, mostPast - 1), named];
}

/** As many as the schema lets the status hold. */
const mostPast = 50;
