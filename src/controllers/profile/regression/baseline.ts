/** What `spec.baseline` means for a run: the figures of the run and those it is held against. */
import type { ModelProfileSpec, ModelProfileStatus, ProfileResult } from '../../../api/model-profile/index.ts';
import type { DeepReadonly } from '../../../kube/object.ts';
import type { PastRun } from '../history/history.ts';
import { compareWithBaseline, type Figure, type Figures, type Regression } from './compare.ts';

export type Baseline = NonNullable<ModelProfileSpec['baseline']>;

/** The run that ended. */
export interface MeasuredRun {
  readonly id: string;
  readonly specHash: string;
  readonly results: readonly ProfileResult[];
  /** Id of the best point, where there is one. */
  readonly best: string | undefined;
  /** The runs before it, the latest first. */
  readonly history: readonly PastRun[];
}

/** The ModelProfile that `spec.baseline.profile` names; undefined when there is none of that name. */
export type OtherProfile = DeepReadonly<{ status?: Pick<ModelProfileStatus, 'best' | 'results'> }> | undefined;

export interface Verdict {
  readonly status: Regression['status'];
  readonly reason: Regression['reason'] | 'BaselineMissing' | 'NotComparable' | 'NothingMeasured';
  readonly message: string;
}

/** Condition Regressed of a run that ended. `named` is looked at with `baseline.profile` only. */
export function judgeRegression(baseline: Baseline, run: MeasuredRun, named?: OtherProfile): Verdict {
  const tolerance = baseline.tolerancePercent ?? 5;
  if (baseline.fixed !== undefined) {
    const current = figuresOf(run.results.find(({ id }) => id === run.best));
    if (current === undefined) return nothing('no point of this run qualified as the best');
    return compareWithBaseline(current, fixedFigures(baseline.fixed), tolerance);
  }
  const found = baseline.profile === undefined ? pastRun(baseline.run ?? 'Last', run) : ofProfile(baseline.profile, named);
  if ('missing' in found) return found.missing;
  const [current, held] = onTheSamePoint(run, found);
  if (current === undefined) return nothing(`neither ${found.point} nor a best point was measured validly`);
  return compareWithBaseline(current, held, tolerance);
}

interface Found {
  /** Id of the point. */
  readonly point: string;
  readonly figures: Figures;
}

/** The same setting is compared where this run has it. Where it has not (a search ends at another level), the two best throughputs are. */
function onTheSamePoint(run: MeasuredRun, { point, figures }: Found): [current: Figures | undefined, baseline: Figures] {
  const same = run.results.find(({ id }) => id === point);
  if (same !== undefined) return [same.valid ? figuresOf(same) : undefined, figures];
  const { p99: _, ...throughputOnly } = figures;
  return [figuresOf(run.results.find(({ id }) => id === run.best)), throughputOnly];
}

function pastRun(wanted: string, run: MeasuredRun): Found | { readonly missing: Verdict } {
  const earlier = run.history.filter(({ id }) => id !== run.id);
  const past = wanted === 'Last' ? earlier.find(({ best }) => best !== undefined) : earlier.find(({ id }) => id === wanted);
  if (past === undefined) {
    return wanted === 'Last'
      ? missing('BaselineMissing', 'There is no earlier run with a best point yet; the next run is compared with this one.')
      : missing(
          'BaselineMissing',
          `spec.baseline.run: run ${wanted} is not in status.history; name one that is, or keep more with spec.historyLimit.`,
        );
  }
  if (wanted === 'Last' && past.specHash !== run.specHash) {
    return missing('NotComparable', `Run ${past.id} before this one measured another spec; the next run is compared with this one.`);
  }
  if (past.best === undefined || past.samplesPerSecond === undefined) {
    return missing('BaselineMissing', `spec.baseline.run: run ${past.id} has no best point; name another.`);
  }
  const p99 = past.p99Microseconds;
  return {
    point: past.best,
    figures: {
      of: `${past.best} of run ${past.id}`,
      throughput: figure(past.samplesPerSecond, past.samplesPerSecondLow, past.samplesPerSecondHigh),
      ...(p99 !== undefined && { p99: figure(p99, past.p99LowMicroseconds, past.p99HighMicroseconds) }),
    },
  };
}

function ofProfile(name: string, profile: OtherProfile): Found | { readonly missing: Verdict } {
  if (profile === undefined)
    return missing('BaselineMissing', `spec.baseline.profile: there is no ModelProfile ${name} in this namespace.`);
  const best = profile.status?.results?.find(({ id }) => id === profile.status?.best?.id);
  const figures = figuresOf(best);
  if (best === undefined || figures === undefined) {
    return missing('BaselineMissing', `spec.baseline.profile: ModelProfile ${name} has no best point yet.`);
  }
  return { point: best.id, figures: { ...figures, of: `${best.id} of ModelProfile ${name}` } };
}

function fixedFigures({ p99Milliseconds, samplesPerSecond }: NonNullable<Baseline['fixed']>): Figures {
  const fixed = (value: number): Figure => ({ value, low: value, high: value });
  return {
    of: 'spec.baseline.fixed',
    ...(samplesPerSecond !== undefined && { throughput: fixed(Number(samplesPerSecond)) }),
    ...(p99Milliseconds !== undefined && { p99: fixed(Number(p99Milliseconds) * 1000) }),
  };
}

function figuresOf(point: DeepReadonly<ProfileResult> | undefined): Figures | undefined {
  if (point === undefined) return undefined;
  const latency = point.latencyMicroseconds;
  return {
    of: point.id,
    throughput: figure(point.samplesPerSecond, point.samplesPerSecondLow, point.samplesPerSecondHigh),
    ...(latency !== undefined && { p99: figure(latency.p99, latency.p99Low, latency.p99High) }),
  };
}

function figure(value: string | number, low: string | number | undefined, high: string | number | undefined): Figure {
  return { value: Number(value), ...(low !== undefined && { low: Number(low) }), ...(high !== undefined && { high: Number(high) }) };
}

function nothing(why: string): Verdict {
  return { status: 'Unknown', reason: 'NothingMeasured', message: `There is nothing to compare with spec.baseline: ${why}.` };
}

function missing(reason: Verdict['reason'], message: string): { readonly missing: Verdict } {
  return { missing: { status: 'Unknown', reason, message } };
}
