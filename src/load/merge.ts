import { chooseBest } from './best.ts';
import { candidateOf } from './candidate.ts';
import { driftOf } from './drift.ts';
import { type ErrorClass, type Load, type Point, percentiles, pointId } from './point.ts';
import type { Report } from './report/report.ts';
import { Histogram } from './statistics/histogram.ts';
import { quantileRanks } from './statistics/interval.ts';
import { quantileOfName } from './statistics/percentile.ts';
import { UsageError } from './transport/target.ts';

/** Rates add up only while all load the server: with less than this share of the time in common nothing is merged, */
const leastOverlap = 0.5;
/** and below this it is told. */
const goodOverlap = 0.9;

/**
 * One report out of those of several processes or pods that loaded the same server at the same time: rates and counts are summed,
 * percentiles are read from the merged histograms (never averaged), and the choice of the best is made anew. A point is valid when it is
 * valid everywhere. Throws a `UsageError` for reports that have nothing to do with each other.
 */
export function mergeReports(reports: readonly Report[]): Report {
  const [first, ...others] = reports.toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
  if (first === undefined) throw new UsageError('there is no report to merge');
  const extra = others.flatMap((report) => report.points).find(({ id }) => !first.points.some((point) => point.id === id));
  if (extra !== undefined) throw new UsageError(`the point ${extra.id} is not in every report`);
  const points = first.points.map((point) => mergePoints(partsOf(point, first, others)));
  const has = (read: (report: Report) => boolean) => reports.some(read);
  return {
    ...first,
    finishedAt: new Date(Math.max(...reports.map(({ finishedAt }) => Date.parse(finishedAt)))).toISOString(),
    partial: has(({ partial }) => partial),
    points,
    drift: driftOf(points),
    best: chooseBest(points.filter(({ repeat }) => !repeat).map(candidateOf), first.objective),
    searches: [],
    scenario: null,
    remarks: [
      ...new Set(reports.flatMap(({ remarks }) => remarks)),
      `merged from ${reports.length} processes`,
      ...(has(({ scenario }) => scenario !== null) ? ['the verdicts of the scenario were those of single processes and are left out'] : []),
      ...(has(({ searches }) => searches.length > 0) ? ['what single processes found by searching is left out'] : []),
    ],
  };
}

/** The same point of every report. */
function partsOf(point: Point, first: Report, others: readonly Report[]): [Point, ...Point[]] {
  const facts = ({ target, objective }: Report) => ({
    model: target.model,
    protocol: target.protocol,
    objective: JSON.stringify(objective),
  });
  const own = facts(first);
  for (const fact of ['model', 'protocol', 'objective'] as const) {
    const foreign = others.find((report) => facts(report)[fact] !== own[fact]);
    if (foreign !== undefined)
      throw new UsageError(
        `the reports are not of one measurement: the ${fact} is ${own[fact]} in one and ${facts(foreign)[fact]} in another`,
      );
  }
  const found = others.map((report) => report.points.find(({ id }) => id === point.id));
  if (found.includes(undefined)) throw new UsageError(`the point ${point.id} is not in every report`);
  return [point, ...(found as Point[])];
}

function mergePoints(parts: readonly [Point, ...Point[]]): Point {
  const [first] = parts;
  const merged = new Histogram();
  for (const part of parts) {
    if (part.latencyMicroseconds === null) continue;
    if (part.histogram === null) throw new UsageError(`the point ${part.id} has no histogram; measure with --histograms`);
    merged.merge(Histogram.from(part.histogram));
  }
  const common = overlap(parts);
  const sum = (read: (part: Point) => number) => parts.reduce((total, part) => total + read(part), 0);
  const sumOrNull = (read: (part: Point) => number | null) =>
    parts.some((part) => read(part) === null) ? null : sum((part) => read(part) ?? 0);
  const most = (read: (part: Point) => number | null | undefined) => {
    const known = parts.flatMap((part) => read(part) ?? []);
    return known.length === 0 ? null : Math.max(...known);
  };
  const errors: Partial<Record<ErrorClass, number>> = {};
  for (const part of parts)
    for (const [name, count] of Object.entries(part.errors)) errors[name as ErrorClass] = (errors[name as ErrorClass] ?? 0) + count;
  const load = addLoads(parts);
  const id = pointId(first.batchSize, load, first.repeat);
  const requests = sum((part) => part.requests);
  const inFlight = sum((part) => part.inFlight.mean);
  const worth = Math.max(
    1,
    sum((part) => part.effectiveSamples),
  );
  return {
    ...first,
    id,
    load,
    durationSeconds: Math.max(...parts.map((part) => part.durationSeconds)),
    requests,
    succeeded: sum((part) => part.succeeded),
    errors,
    errorExamples: [...new Set(parts.flatMap((part) => part.errorExamples))].slice(0, 10),
    notSent: sum((part) => part.notSent),
    resent: sum((part) => part.resent),
    offeredPerSecond: sumOrNull((part) => part.offeredPerSecond),
    sentPerSecond: sum((part) => part.sentPerSecond),
    requestsPerSecond: sum((part) => part.requestsPerSecond),
    // Independent processes: half-widths add in squares.
    requestsPerSecondInterval: addIntervals(parts),
    inferencesPerSecond: sum((part) => part.inferencesPerSecond),
    goodputPerSecond: sumOrNull((part) => part.goodputPerSecond),
    ...latencies(merged, worth),
    // A percentile of all together is at most the largest of theirs.
    serviceMicroseconds: pair(
      most((part) => part.serviceMicroseconds?.p50),
      most((part) => part.serviceMicroseconds?.p99),
    ),
    sendLagMicroseconds: lag(
      most((part) => part.sendLagMicroseconds?.p50),
      most((part) => part.sendLagMicroseconds?.p99),
      most((part) => part.sendLagMicroseconds?.max),
    ),
    warmup: { requests: sum((part) => part.warmup.requests), seconds: Math.max(...parts.map((part) => part.warmup.seconds)) },
    windows: addWindows(parts),
    effectiveSamples: worth,
    inFlight: { mean: inFlight, max: sum((part) => part.inFlight.max), queuedMax: sum((part) => part.inFlight.queuedMax) },
    littleRatio:
      inFlight > 0 && parts.every((part) => part.littleRatio !== null)
        ? sum((part) => (part.littleRatio ?? 0) * part.inFlight.mean) / inFlight
        : null,
    client: {
      workers: sum((part) => part.client.workers),
      cpuPercent: sum((part) => part.client.cpuPercent),
      cpuMicrosecondsPerRequest:
        requests === 0 ? null : sum((part) => (part.client.cpuMicrosecondsPerRequest ?? 0) * part.requests) / requests,
      loopDelayP99Microseconds: most((part) => part.client.loopDelayP99Microseconds),
      throttledPeriods: sumOrNull((part) => part.client.throttledPeriods),
    },
    // Each of them read the counters of the whole server.
    server: parts.find((part) => part.server !== null)?.server ?? null,
    gpus: parts.find((part) => part.gpus !== null)?.gpus ?? null,
    valid: parts.every((part) => part.valid),
    invalidReasons: parts.flatMap((part) => part.invalidReasons),
    notes: [
      ...new Set(parts.flatMap((part) => part.notes)),
      ...(common < goodOverlap
        ? [`${id}: only ${Math.round(common * 100)} % of the time did all ${parts.length} processes load the server`]
        : []),
    ],
    histogram: merged.toJSON(),
  };
}

/** The share of the longest window that all have in common. Throws a `UsageError` where that is too little for rates to add up. */
function overlap(parts: readonly [Point, ...Point[]]): number {
  const starts = parts.map(({ startedAt }) => Date.parse(startedAt) / 1000);
  const ends = parts.map(({ durationSeconds }, i) => (starts[i] as number) + durationSeconds);
  const longest = Math.max(...parts.map(({ durationSeconds }) => durationSeconds));
  const share = longest > 0 ? Math.max(0, Math.min(...ends) - Math.max(...starts)) / longest : 1;
  if (share >= leastOverlap) return share;
  throw new UsageError(
    `the point ${parts[0].id} was not measured at the same time everywhere (${parts.map(({ startedAt }) => startedAt).join(', ')}): rates add up only while all load the server`,
  );
}

function addLoads(parts: readonly [Point, ...Point[]]): Load {
  const [{ load }] = parts;
  return load.loop === 'closed'
    ? { loop: 'closed', concurrency: parts.reduce((sum, part) => sum + (part.load.loop === 'closed' ? part.load.concurrency : 0), 0) }
    : { ...load, requestsPerSecond: parts.reduce((sum, part) => sum + (part.load.loop === 'open' ? part.load.requestsPerSecond : 0), 0) };
}

function latencies(merged: Histogram, worth: number): Pick<Point, 'latencyMicroseconds' | 'latencyIntervals'> {
  if (merged.total === 0) return { latencyMicroseconds: null, latencyIntervals: {} };
  const q = (name: (typeof percentiles)[number]) => merged.quantile(quantileOfName(name) as number);
  const at = (rank: number | null) => (rank === null ? null : merged.valueAtRank(Math.round((rank / worth) * merged.total)));
  const { min, mean, max } = merged;
  return {
    latencyMicroseconds: { min, mean, p50: q('p50'), p90: q('p90'), p95: q('p95'), p99: q('p99'), p999: q('p999'), max },
    latencyIntervals: Object.fromEntries(
      percentiles.map((name) => {
        const { lower, upper } = quantileRanks(worth, quantileOfName(name) as number);
        return [name, { low: at(lower), high: at(upper) }];
      }),
    ),
  };
}

/** Rates of the parts of the window add up; percentiles of them do not. */
function addWindows(parts: readonly [Point, ...Point[]]): Point['windows'] {
  const count = Math.min(...parts.map(({ windows }) => windows.length));
  return Array.from({ length: count }, (_, i) => ({
    requestsPerSecond: parts.reduce((sum, { windows }) => sum + (windows[i]?.requestsPerSecond ?? 0), 0),
    p50: null,
    judged: null,
    requests: parts.reduce((sum, { windows }) => sum + (windows[i]?.requests ?? 0), 0),
  }));
}

function pair(p50: number | null, p99: number | null): Point['serviceMicroseconds'] {
  return p50 === null || p99 === null ? null : { p50, p99 };
}

function lag(p50: number | null, p99: number | null, max: number | null): Point['sendLagMicroseconds'] {
  return p50 === null || p99 === null || max === null ? null : { p50, p99, max };
}

function addIntervals(parts: readonly Point[]) {
  const total = parts.reduce((sum, part) => sum + part.requestsPerSecond, 0);
  const halves = parts.map(({ requestsPerSecondInterval: { low, high } }) => (low === null || high === null ? null : (high - low) / 2));
  if (halves.includes(null)) return { low: null, high: null };
  const half = Math.sqrt(halves.reduce<number>((sum, one) => sum + (one as number) ** 2, 0));
  return { low: Math.max(0, total - half), high: total + half };
}
