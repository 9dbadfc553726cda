import { type ErrorClass, type Point, percentiles } from './point.ts';
import type { Report } from './report/report.ts';
import { Histogram } from './statistics/histogram.ts';
import { quantileRanks } from './statistics/interval.ts';
import { quantileOfName } from './statistics/percentile.ts';
import { UsageError } from './transport/target.ts';

/**
 * One report out of those of several processes or pods that loaded the same server at the same time: rates and counts are summed,
 * percentiles are read from the merged histograms (never averaged). A point is valid when it is valid everywhere.
 */
export function mergeReports(reports: readonly Report[]): Report {
  const [first, ...others] = reports;
  if (first === undefined) throw new UsageError('there is no report to merge');
  const points = first.points.map((point) => {
    const parts = [point, ...others.map((report) => report.points.find((other) => other.id === point.id))];
    const present = parts.filter((part): part is Point => part !== undefined);
    if (present.length !== parts.length) throw new UsageError(`the point ${point.id} is not in every report`);
    return mergePoints(present);
  });
  return {
    ...first,
    partial: reports.some((report) => report.partial),
    points,
    remarks: [...first.remarks, `merged from ${reports.length} processes`],
  };
}

function mergePoints(parts: readonly Point[]): Point {
  const [first] = parts as [Point, ...Point[]];
  const merged = new Histogram();
  for (const part of parts) {
    if (part.latencyMicroseconds === null) continue;
    if (part.histogram === null) throw new UsageError(`the point ${part.id} has no histogram; measure with --histograms`);
    merged.merge(Histogram.from(part.histogram));
  }
  const sum = (read: (part: Point) => number) => parts.reduce((total, part) => total + read(part), 0);
  const sumOrNull = (read: (part: Point) => number | null) =>
    parts.some((part) => read(part) === null) ? null : sum((part) => read(part) ?? 0);
  const errors: Partial<Record<ErrorClass, number>> = {};
  for (const part of parts)
    for (const [name, count] of Object.entries(part.errors)) errors[name as ErrorClass] = (errors[name as ErrorClass] ?? 0) + count;
  const q = (name: (typeof percentiles)[number]) => merged.quantile(quantileOfName(name) as number);
  const worth = Math.max(
    1,
    sum((part) => part.effectiveSamples),
  );
  const at = (rank: number | null) => (rank === null ? null : merged.valueAtRank(Math.round((rank / worth) * merged.total)));
  return {
    ...first,
    load:
      first.load.loop === 'closed'
        ? { loop: 'closed', concurrency: sum((part) => (part.load.loop === 'closed' ? part.load.concurrency : 0)) }
        : { ...first.load, requestsPerSecond: sum((part) => (part.load.loop === 'open' ? part.load.requestsPerSecond : 0)) },
    requests: sum((part) => part.requests),
    succeeded: sum((part) => part.succeeded),
    errors,
    notSent: sum((part) => part.notSent),
    resent: sum((part) => part.resent),
    offeredPerSecond: sumOrNull((part) => part.offeredPerSecond),
    sentPerSecond: sum((part) => part.sentPerSecond),
    requestsPerSecond: sum((part) => part.requestsPerSecond),
    // Independent processes: half-widths add in squares.
    requestsPerSecondInterval: addIntervals(parts),
    inferencesPerSecond: sum((part) => part.inferencesPerSecond),
    goodputPerSecond: sumOrNull((part) => part.goodputPerSecond),
    latencyMicroseconds:
      merged.total === 0
        ? null
        : {
            min: merged.min,
            mean: merged.mean,
            p50: q('p50'),
            p90: q('p90'),
            p95: q('p95'),
            p99: q('p99'),
            p999: q('p999'),
            max: merged.max,
          },
    latencyIntervals:
      merged.total === 0
        ? {}
        : Object.fromEntries(
            percentiles.map((name) => {
              const { lower, upper } = quantileRanks(worth, quantileOfName(name) as number);
              return [name, { low: at(lower), high: at(upper) }];
            }),
          ),
    effectiveSamples: worth,
    valid: parts.every((part) => part.valid),
    invalidReasons: parts.flatMap((part) => part.invalidReasons),
    notes: [...new Set(parts.flatMap((part) => part.notes))],
    histogram: merged.toJSON(),
  };
}

function addIntervals(parts: readonly Point[]) {
  const total = parts.reduce((sum, part) => sum + part.requestsPerSecond, 0);
  const halves = parts.map(({ requestsPerSecondInterval: { low, high } }) => (low === null || high === null ? null : (high - low) / 2));
  if (halves.includes(null)) return { low: null, high: null };
  const half = Math.sqrt(halves.reduce<number>((sum, one) => sum + (one as number) ** 2, 0));
  return { low: Math.max(0, total - half), high: total + half };
}
