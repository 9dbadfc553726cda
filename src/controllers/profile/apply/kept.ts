/** Whether a setting that was applied earlier stays, because the new best one is no better beyond noise: so that nightly runs do not go to and fro. Pure. */
import type { Applied } from '../../../api/model-profile/apply.ts';
import type { ModelProfileStatus, ProfileResult } from '../../../api/model-profile/index.ts';
import { compareWithBaseline, type Figure, type Figures } from '../regression/compare.ts';

export interface NewRun {
  readonly best: NonNullable<ModelProfileStatus['best']>;
  readonly results: readonly ProfileResult[];
  /** Points that broke a constraint. */
  readonly rejected: ModelProfileStatus['rejected'];
  readonly maximize: 'Throughput' | 'LowLatency';
  readonly tolerancePercent: number;
}

/**
 * Why the setting that was applied stays; undefined when the new one is to take its place. While it is the best nothing is written, also where somebody has
 * taken it back by hand since. It gives way when it breaks the objective by now, and when the
 * new one is better by more than the tolerance with 95 % intervals that lie apart. Where the new run did not measure it (a search ends elsewhere), it
 * gives way to figures that differ so in either direction.
 */
export function keptFor({ best, results, rejected = [], maximize, tolerancePercent }: NewRun, applied: Applied): string | undefined {
  if (best.id === applied.point) return `${applied.point}, which run ${applied.run} applied, is the best setting still`;
  const was = results.find(({ id }) => id === applied.point);
  const now = results.find(({ id }) => id === best.id);
  if (now === undefined) return undefined;
  const broke = rejected.find(({ id }) => id === applied.point);
  if (was?.valid === true && broke !== undefined) return undefined;
  const [better, worse] = [
    figuresOf(`the new best, ${best.id}`, maximize, now),
    was?.valid === true ? figuresOf(applied.point, maximize, was) : remembered(applied, maximize),
  ];
  const gain = compareWithBaseline(worse, better, tolerancePercent);
  if (gain.status === 'True') return undefined;
  const unmeasured = was === undefined;
  if (unmeasured && compareWithBaseline(better, worse, tolerancePercent).status === 'True') return undefined;
  return `${applied.point}, which run ${applied.run} applied, stays: ${gain.message}`;
}

function figuresOf(of: string, maximize: NewRun['maximize'], result: ProfileResult): Figures {
  const { samplesPerSecond, samplesPerSecondLow, samplesPerSecondHigh, latencyMicroseconds: latency } = result;
  if (maximize === 'Throughput') return { of, throughput: figure(Number(samplesPerSecond), samplesPerSecondLow, samplesPerSecondHigh) };
  return latency === undefined ? { of } : { of, p99: figure(latency.p99, latency.p99Low, latency.p99High) };
}

function remembered({ point, run, ...figures }: Applied, maximize: NewRun['maximize']): Figures {
  const of = `${point} of run ${run}`;
  return maximize === 'Throughput'
    ? { of, throughput: figure(Number(figures.samplesPerSecond), figures.samplesPerSecondLow, figures.samplesPerSecondHigh) }
    : { of, p99: figure(figures.p99Microseconds, figures.p99LowMicroseconds, figures.p99HighMicroseconds) };
}

function figure(value: number, low: string | number | undefined, high: string | number | undefined): Figure {
  return { value, ...(low !== undefined && { low: Number(low) }), ...(high !== undefined && { high: Number(high) }) };
}
