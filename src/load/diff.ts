import type { ShownPoint, ShownReport } from './report/report.ts';
import type { Interval } from './statistics/interval.ts';

export type Verdict = 'better' | 'worse' | 'no evidence';

export interface Comparison {
  readonly metric: 'throughput' | 'p50' | 'p95' | 'p99' | 'errors per million';
  readonly before: number;
  readonly after: number;
  readonly beforeInterval: Interval;
  readonly afterInterval: Interval;
  /** after/before − 1; null when before is 0. */
  readonly change: number | null;
  readonly verdict: Verdict;
}

export interface PointDiff {
  readonly id: string;
  readonly comparisons: readonly Comparison[];
  readonly verdict: Verdict;
  readonly remark: string | null;
}

export interface Diff {
  readonly points: readonly PointDiff[];
  readonly onlyBefore: readonly string[];
  readonly onlyAfter: readonly string[];
  /** `worse` as soon as one point is worse; else `better` when one is. */
  readonly verdict: Verdict;
  readonly remarks: readonly string[];
}

/**
 * Compares two reports point by point. A difference counts only when the 95 % intervals lie apart and it is larger than `tolerance`:
 * intervals that lie apart are rarer than one in twenty when nothing has changed, so a verdict is on the cautious side.
 */
export function diffReports(before: ShownReport, after: ShownReport, tolerance = 0.02): Diff {
  const first = usable(before);
  const second = usable(after);
  const points = [...first].flatMap(([id, point]) => {
    const other = second.get(id);
    return other === undefined ? [] : [diffPoint(point, other, tolerance)];
  });
  return {
    points,
    onlyBefore: [...first.keys()].filter((id) => !second.has(id)),
    onlyAfter: [...second.keys()].filter((id) => !first.has(id)),
    verdict: overall(points.map((point) => point.verdict)),
    remarks: differences(before, after),
  };
}

function usable(report: ShownReport): Map<string, ShownPoint> {
  return new Map(report.points.filter((point) => !point.repeat).map((point) => [point.id, point]));
}

function diffPoint(before: ShownPoint, after: ShownPoint, tolerance: number): PointDiff {
  const invalid = [before, after].filter((point) => !point.valid);
  const comparisons = compare(before, after, tolerance);
  if (invalid.length > 0) {
    const reasons = [...new Set(invalid.flatMap((point) => point.invalidReasons.map((finding) => finding.reason)))].join(', ');
    return {
      id: before.id,
      comparisons: comparisons.map((one) => ({ ...one, verdict: 'no evidence' })),
      verdict: 'no evidence',
      remark: `not valid (${reasons}): nothing can be concluded`,
    };
  }
  return { id: before.id, comparisons, verdict: overall(comparisons.map((one) => one.verdict)), remark: null };
}

function compare(before: ShownPoint, after: ShownPoint, tolerance: number): Comparison[] {
  const comparisons: Comparison[] = [
    judge(
      'throughput',
      before.inferencesPerSecond,
      after.inferencesPerSecond,
      throughputInterval(before),
      throughputInterval(after),
      'higher',
      tolerance,
    ),
  ];
  for (const name of ['p50', 'p95', 'p99'] as const) {
    const a = before.latencyMicroseconds?.[name];
    const b = after.latencyMicroseconds?.[name];
    if (a === undefined || b === undefined) continue;
    comparisons.push(
      judge(name, a, b, before.latencyIntervals[name] ?? unknown, after.latencyIntervals[name] ?? unknown, 'lower', tolerance),
    );
  }
  const [was, is] = [errors(before), errors(after)];
  if (was !== null && is !== null)
    comparisons.push(judge('errors per million', was.rate, is.rate, was.interval, is.interval, 'lower', tolerance));
  return comparisons;
}

const unknown: Interval = { low: null, high: null };

function judge(
  metric: Comparison['metric'],
  before: number,
  after: number,
  beforeInterval: Interval,
  afterInterval: Interval,
  good: 'higher' | 'lower',
  tolerance: number,
): Comparison {
  const change = before === 0 ? null : after / before - 1;
  const rose = beforeInterval.high !== null && afterInterval.low !== null && afterInterval.low > beforeInterval.high;
  const fell = beforeInterval.low !== null && afterInterval.high !== null && afterInterval.high < beforeInterval.low;
  const large = change === null ? after !== before : Math.abs(change) > tolerance;
  const verdict: Verdict = !large || (!rose && !fell) ? 'no evidence' : rose === (good === 'higher') ? 'better' : 'worse';
  return { metric, before, after, beforeInterval, afterInterval, change, verdict };
}

/** Samples per second, as the throughput beside it. */
function throughputInterval({ requestsPerSecondInterval: { low, high }, batchSize }: ShownPoint): Interval {
  return { low: low === null ? null : low * batchSize, high: high === null ? null : high * batchSize };
}

/** Errors per million with Wilson's score interval; `null` where nobody tells how many requests there were. */
function errors({ requests, succeeded }: ShownPoint): { readonly rate: number; readonly interval: Interval } | null {
  if (requests === null || succeeded === null) return null;
  if (requests === 0) return { rate: 0, interval: unknown };
  const z = 1.96;
  const share = (requests - succeeded) / requests;
  const centre = (share + (z * z) / (2 * requests)) / (1 + (z * z) / requests);
  const half = (z / (1 + (z * z) / requests)) * Math.sqrt((share * (1 - share)) / requests + (z * z) / (4 * requests * requests));
  return { rate: share * 1e6, interval: { low: share === 0 ? 0 : Math.max(0, centre - half) * 1e6, high: (centre + half) * 1e6 } };
}

function overall(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('worse')) return 'worse';
  return verdicts.includes('better') ? 'better' : 'no evidence';
}

/** What makes two reports hard to compare, in sentences. */
function differences(before: ShownReport, after: ShownReport): string[] {
  const said: string[] = [];
  const differ = (what: string, a: unknown, b: unknown) => {
    if (JSON.stringify(a) !== JSON.stringify(b)) said.push(`${what} differs: ${String(a)} and ${String(b)}`);
  };
  differ('the model', before.target.model, after.target.model);
  differ('the protocol', before.target.protocol, after.target.protocol);
  differ('the payload', before.payload.source, after.payload.source);
  if (before.environment !== null && after.environment !== null) {
    differ("the client's processor", before.environment.processor, after.environment.processor);
    differ("the client's number of processors", before.environment.processors, after.environment.processors);
  }
  if (before.partial || after.partial) said.push('one of the reports is partial');
  return said;
}
