/** What a profile's history keeps of an earlier run, as a report that can be compared. Pure. */
import type { ModelProfile } from '../../api/model-profile/index.ts';
import { shownReport } from '../../controllers/profile/report/shown.ts';
import { unknownPoint } from '../../load/import/imported.ts';
import type { ShownPoint, ShownReport } from '../../load/report/report.ts';
import { Failure } from '../failure.ts';

type Past = NonNullable<NonNullable<ModelProfile['status']>['history']>[number];

/** The one point that every run keeps for good. */
const bestPoint = 'best';

export type RunOfProfile =
  | { readonly kind: 'latest'; readonly profile: ModelProfile }
  | { readonly kind: 'earlier'; readonly profile: ModelProfile; readonly past: Past };

/**
 * The run of a profile that is meant: its id, the `spec.runId` it was asked for by, or `previous`; the latest one without.
 * Throws a `Failure` that names the runs there are.
 */
export function runOf(profile: ModelProfile, wanted?: string): RunOfProfile {
  const { history = [], measuring } = profile.status ?? {};
  // A run under way has no results of its own to compare yet.
  const run = measuring === undefined ? profile.status?.run : { id: measuring.resultsOf, requestedRunId: undefined };
  if (wanted === undefined || wanted === run?.id || wanted === run?.requestedRunId) return { kind: 'latest', profile };
  const earlier = history.filter(({ id }) => id !== run?.id);
  const past = wanted === 'previous' ? earlier[0] : earlier.find(({ id }) => id === wanted);
  if (past !== undefined) return { kind: 'earlier', profile, past };
  const known = [run?.id, ...earlier.map(({ id }) => id)].filter((id) => id !== undefined);
  if (wanted === 'previous') throw new Failure(`ModelProfile ${profile.metadata.name} has no earlier run to compare with`);
  throw new Failure(`ModelProfile ${profile.metadata.name} knows no run "${wanted}"; it has ${known.join(', ') || 'none yet'}`);
}

/** All points where both runs have them; the best ones alone where one of the runs is only history. */
export function comparable(before: RunOfProfile, after: RunOfProfile): { readonly before: ShownReport; readonly after: ShownReport } {
  const whole = before.kind === 'latest' && after.kind === 'latest';
  return { before: reportOf(before, whole), after: reportOf(after, whole) };
}

function reportOf(run: RunOfProfile, whole: boolean): ShownReport {
  const report = shownReport(run.profile);
  if (run.kind === 'earlier') return { ...report, run: run.past.id, partial: false, points: pastPoints(run.past) };
  if (whole) return report;
  const best = report.points.find(({ id }) => id === report.best.best);
  return { ...report, points: best === undefined ? [] : [{ ...best, id: bestPoint }] };
}

/** What is kept is the throughput in samples and the p99 of the best point, with their intervals. */
function pastPoints(past: Past): ShownPoint[] {
  if (past.samplesPerSecond === undefined) return [];
  const number = (text: string | undefined) => (text === undefined ? null : Number(text));
  return [
    {
      ...unknownPoint,
      id: bestPoint,
      batchSize: 1,
      load: { loop: 'closed', concurrency: 1 },
      requestsPerSecond: Number(past.samplesPerSecond),
      requestsPerSecondInterval: { low: number(past.samplesPerSecondLow), high: number(past.samplesPerSecondHigh) },
      inferencesPerSecond: Number(past.samplesPerSecond),
      latencyMicroseconds: past.p99Microseconds === undefined ? null : { p99: past.p99Microseconds },
      latencyIntervals: { p99: { low: past.p99LowMicroseconds ?? null, high: past.p99HighMicroseconds ?? null } },
    },
  ];
}

/** Which point was best in a run. */
export function bestOf(run: RunOfProfile): string | undefined {
  return run.kind === 'earlier' ? run.past.best : run.profile.status?.best?.id;
}
