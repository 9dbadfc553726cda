import type { Accuracy } from './accuracy/evaluate.ts';
import type { Interval } from './statistics/interval.ts';

/** What a setting is chosen by. Latencies are keyed by percentile name (`p99`), in microseconds. */
export interface Candidate {
  readonly id: string;
  readonly batchSize: number;
  readonly valid: boolean;
  readonly invalidReasons: readonly string[];
  /** Inferences per second. */
  readonly throughput: number;
  readonly throughputInterval: Interval;
  readonly latencyMicroseconds: Readonly<Record<string, number>>;
  readonly errorsPerMillion: number;
  /** How often the model is right there; absent or null where that was not measured. */
  readonly accuracy?: Pick<Accuracy, 'share' | 'interval' | 'samples'> | null;
}

export interface LatencyBound {
  readonly percentile: string;
  readonly maxMicroseconds: number;
}

export interface Objective {
  readonly maximize: 'Throughput' | 'LowLatency';
  readonly latency: readonly LatencyBound[];
  readonly maxErrorsPerMillion: number | null;
  /** Share of samples that the model must have right, 0 to 1. Absent or null: any. */
  readonly minAccuracy?: number | null;
}

export interface Rejection {
  readonly id: string;
  /** The constraint it broke, with its figures. */
  readonly constraint: string;
}

export interface Choice {
  readonly best: string | null;
  /** Why this one, in a sentence; why none, when none qualifies. */
  readonly reason: string;
  readonly runnerUp: string | null;
  /** Settings whose throughput interval overlaps the best one's: no evidence that they are slower. */
  readonly ties: readonly string[];
  /** Smallest batch within 5 % of the best throughput: usually the better setting to run. */
  readonly economical: string | null;
  /** Valid settings that no other valid one beats in throughput and latency at once. */
  readonly pareto: readonly string[];
  readonly rejected: readonly Rejection[];
  /** The setting that breaks its constraints by the least share, when none qualifies. */
  readonly nearestMiss: Rejection | null;
}

/**
 * Chooses the setting to run: of those that are valid and keep every constraint, the one with the highest throughput (or the lowest
 * latency at the first bound's percentile, p99 without bounds). Throughput need not rise with the batch size, so every candidate is looked at.
 */
export function chooseBest(candidates: readonly Candidate[], objective: Objective): Choice {
  const judged = candidates.map((candidate) => ({ candidate, broken: brokenConstraints(candidate, objective) }));
  const qualified = judged.filter(({ broken }) => broken.length === 0).map(({ candidate }) => candidate);
  const rejected = judged
    .filter(({ broken }) => broken.length > 0)
    .map(({ candidate, broken }) => ({ id: candidate.id, constraint: broken.map((b) => b.text).join('; ') }));
  const percentile = objective.latency[0]?.percentile ?? 'p99';
  const pareto = paretoSet(
    candidates.filter((candidate) => candidate.valid),
    percentile,
  );

  const ranked = [...qualified].sort((a, b) => compare(a, b, objective, percentile));
  const best = ranked[0];
  if (best === undefined) return { best: null, ...none(judged), runnerUp: null, ties: [], economical: null, pareto, rejected };

  const runnerUp = ranked[1];
  const economical = qualified
    .filter((candidate) => candidate.throughput >= 0.95 * best.throughput)
    .reduce((smallest, candidate) => (candidate.batchSize < smallest.batchSize ? candidate : smallest), best);
  return {
    best: best.id,
    reason: reasonFor(best, runnerUp, objective, percentile),
    runnerUp: runnerUp?.id ?? null,
    ties: ranked
      .slice(1)
      .filter((candidate) => overlap(candidate.throughputInterval, best.throughputInterval))
      .map((candidate) => candidate.id),
    economical: economical.id,
    pareto,
    rejected,
    nearestMiss: null,
  };
}

/** Candidates that none beats (or equals in both and beats in one) on throughput and on the latency at the percentile, in the order given. */
export function paretoSet(candidates: readonly Candidate[], percentile: string): string[] {
  const latency = (candidate: Candidate) => candidate.latencyMicroseconds[percentile] ?? Number.POSITIVE_INFINITY;
  const dominates = (a: Candidate, b: Candidate) =>
    a.throughput >= b.throughput && latency(a) <= latency(b) && (a.throughput > b.throughput || latency(a) < latency(b));
  return candidates.filter((candidate) => !candidates.some((other) => dominates(other, candidate))).map((candidate) => candidate.id);
}

interface Broken {
  readonly text: string;
  /** By what share of the bound; infinite for what no figure can come near to. */
  readonly excess: number;
}

function brokenConstraints(candidate: Candidate, objective: Objective): Broken[] {
  if (!candidate.valid) return [{ text: `not valid: ${candidate.invalidReasons.join(', ')}`, excess: Number.POSITIVE_INFINITY }];
  const broken: Broken[] = [];
  for (const { percentile, maxMicroseconds } of objective.latency) {
    const value = candidate.latencyMicroseconds[percentile];
    if (value === undefined) broken.push({ text: `${percentile} was not measured`, excess: Number.POSITIVE_INFINITY });
    else if (!(value <= maxMicroseconds))
      broken.push({ text: `${percentile} ${ms(value)} is above ${ms(maxMicroseconds)}`, excess: value / maxMicroseconds - 1 });
  }
  const most = objective.maxErrorsPerMillion;
  if (most !== null && candidate.errorsPerMillion > most) {
    broken.push({
      text: `${Math.round(candidate.errorsPerMillion)} errors per million, at most ${most}`,
      excess: candidate.errorsPerMillion / Math.max(1, most) - 1,
    });
  }
  const { minAccuracy } = objective;
  if (typeof minAccuracy === 'number') broken.push(...accuracyBroken(candidate.accuracy ?? null, minAccuracy));
  return broken;
}

/** By the share that was found, not by the ends of its interval: those say how sure it is, and a dataset of few samples proves little either way. */
function accuracyBroken(accuracy: NonNullable<Candidate['accuracy']> | null, least: number): Broken[] {
  if (accuracy === null) return [{ text: 'accuracy was not measured', excess: Number.POSITIVE_INFINITY }];
  const { share, interval, samples } = accuracy;
  if (share >= least) return [];
  const text = `accuracy ${percent(share)} (95 %: ${percent(interval.low)} to ${percent(interval.high)}, ${samples} samples) is below ${percent(least)}`;
  return [{ text, excess: share === 0 ? Number.POSITIVE_INFINITY : least / share - 1 }];
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}

function compare(a: Candidate, b: Candidate, objective: Objective, percentile: string): number {
  const latency = (candidate: Candidate) => candidate.latencyMicroseconds[percentile] ?? Number.POSITIVE_INFINITY;
  const byThroughput = b.throughput - a.throughput;
  const byLatency = latency(a) - latency(b);
  const first = objective.maximize === 'Throughput' ? byThroughput : byLatency;
  const second = objective.maximize === 'Throughput' ? byLatency : byThroughput;
  return (Number.isNaN(first) ? 0 : first) || (Number.isNaN(second) ? 0 : second) || a.batchSize - b.batchSize;
}

function reasonFor(best: Candidate, runnerUp: Candidate | undefined, objective: Objective, percentile: string): string {
  const value = best.latencyMicroseconds[percentile];
  const figures = `${best.throughput.toFixed(1)}/s${value === undefined ? '' : ` at ${percentile} ${ms(value)}`}`;
  const bounds = objective.latency.map((bound) => `${bound.percentile} ≤ ${ms(bound.maxMicroseconds)}`).join(' and ');
  const goal = objective.maximize === 'Throughput' ? 'highest throughput' : `lowest ${percentile}`;
  const second =
    runnerUp === undefined ? 'the only setting that qualifies' : `runner-up ${runnerUp.id} ${runnerUp.throughput.toFixed(1)}/s`;
  return `${goal}${bounds === '' ? '' : ` with ${bounds}`}: ${figures}; ${second}`;
}

function none(
  judged: readonly { readonly candidate: Candidate; readonly broken: readonly Broken[] }[],
): Pick<Choice, 'reason' | 'nearestMiss'> {
  if (judged.length === 0) return { reason: 'nothing was measured', nearestMiss: null };
  const misses = judged
    .map(({ candidate, broken }) => ({
      id: candidate.id,
      constraint: broken.map((b) => b.text).join('; '),
      excess: Math.max(...broken.map((b) => b.excess)),
    }))
    .filter((miss) => Number.isFinite(miss.excess))
    .sort((a, b) => a.excess - b.excess);
  const nearest = misses[0];
  if (nearest === undefined) return { reason: 'no setting gave a valid measurement', nearestMiss: null };
  return {
    reason: `no setting keeps the constraints; nearest is ${nearest.id}: ${nearest.constraint}`,
    nearestMiss: { id: nearest.id, constraint: nearest.constraint },
  };
}

function overlap(a: Interval, b: Interval): boolean {
  if (a.low === null || a.high === null || b.low === null || b.high === null) return false;
  return a.low <= b.high && b.low <= a.high;
}

function ms(microseconds: number): string {
  return `${Number((microseconds / 1000).toPrecision(4))} ms`;
}
