/** Whether figures are worse than a baseline's: beyond a tolerance, and beyond what chance explains. */

/** A measured figure with its 95 % interval. An end is absent when too few requests bound it; a fixed figure has both ends at its value. */
export interface Figure {
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
}

export interface Figures {
  /** What the figures are of, for messages. */
  readonly of: string;
  /** Samples per second. */
  readonly throughput?: Figure;
  /** Microseconds. */
  readonly p99?: Figure;
}

export type RegressionReason =
  | 'ThroughputFell'
  | 'LatencyRose'
  | 'ThroughputFellAndLatencyRose'
  | 'WithinTolerance'
  | 'NoInterval'
  | 'NothingToCompare';

/** Condition Regressed. */
export interface Regression {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: RegressionReason;
  readonly message: string;
}

/**
 * A figure is worse when it differs by more than the tolerance and the two 95 % intervals do not overlap: a difference that noise can
 * make is no regression, and one that is certain but small is none either. Intervals cover the noise within a run; what differs from
 * run to run (placement, heat) is what the tolerance is for.
 */
export function compareWithBaseline(current: Figures, baseline: Figures, tolerancePercent: number): Regression {
  const comparisons = [
    ...compareOne('throughput', current.throughput, baseline.throughput, tolerancePercent),
    ...compareOne('p99', current.p99, baseline.p99, tolerancePercent),
  ];
  const { of } = baseline;
  if (comparisons.length === 0) {
    return { status: 'Unknown', reason: 'NothingToCompare', message: `${current.of} and ${of} have no figure in common.` };
  }
  const worse = comparisons.filter(({ verdict }) => verdict === 'Worse');
  const message = `${current.of} against ${of}: ${comparisons.map(({ text }) => text).join('; ')}.`;
  if (worse.length > 0) {
    const [throughput, p99] = (['throughput', 'p99'] as const).map((name) => worse.some((one) => one.name === name));
    return { status: 'True', reason: throughput && p99 ? 'ThroughputFellAndLatencyRose' : p99 ? 'LatencyRose' : 'ThroughputFell', message };
  }
  return comparisons.every(({ verdict }) => verdict === 'Unbounded')
    ? { status: 'Unknown', reason: 'NoInterval', message }
    : { status: 'False', reason: 'WithinTolerance', message };
}

type FigureName = 'throughput' | 'p99';

interface Comparison {
  readonly name: FigureName;
  readonly verdict: 'Worse' | 'NotWorse' | 'Unbounded';
  readonly text: string;
}

function compareOne(name: FigureName, current: Figure | undefined, baseline: Figure | undefined, tolerancePercent: number): Comparison[] {
  if (current === undefined || baseline === undefined || baseline.value <= 0) return [];
  const changePercent = (current.value / baseline.value - 1) * 100;
  const sign = name === 'throughput' ? -1 : 1;
  const beyond = sign * changePercent > tolerancePercent;
  const apart = name === 'throughput' ? isBelow(current.high, baseline.low) : isBelow(baseline.high, current.low);
  const verdict = !beyond || apart === false ? 'NotWorse' : apart === undefined ? 'Unbounded' : 'Worse';
  const change = `${Math.abs(changePercent).toFixed(1)} % ${changePercent < 0 ? 'less' : 'more'}`;
  const why = {
    Worse: `${change}, beyond the ${tolerancePercent} % that are tolerated and beyond chance`,
    Unbounded: `${change}, and too few requests to say that it is not chance: measure longer`,
    NotWorse: beyond ? `${change}, which chance explains` : change,
  }[verdict];
  return [{ name, verdict, text: `${name} ${show(name, current)} after ${show(name, baseline)}, ${why}` }];
}

/** Undefined when either is not known. */
function isBelow(high: number | undefined, low: number | undefined): boolean | undefined {
  return high === undefined || low === undefined ? undefined : high < low;
}

function show(name: FigureName, { value, low, high }: Figure): string {
  const text = name === 'throughput' ? rate : milliseconds;
  const unit = name === 'throughput' ? '/s' : ' ms';
  if (low === high && low === value) return `${text(value)}${unit}`;
  return `${text(value)}${unit} (${low === undefined ? '?' : text(low)} to ${high === undefined ? '?' : text(high)})`;
}

const rate = (perSecond: number) => (perSecond >= 100 ? perSecond.toFixed(0) : perSecond.toFixed(2));
const milliseconds = (microseconds: number) => (microseconds / 1000).toFixed(microseconds >= 100_000 ? 0 : 2);
