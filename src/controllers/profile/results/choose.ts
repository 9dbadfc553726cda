/** The setting to run, out of the results of a status. */
import type { ModelProfileSpec, ModelProfileStatus, ProfileResult } from '../../../api/model-profile/index.ts';
import type { DeepReadonly } from '../../../kube/object.ts';
import type { Accuracy } from '../../../load/accuracy/evaluate.ts';
import { type Candidate, type Choice, chooseBest, type Objective } from '../../../load/best.ts';
import { wilsonInterval } from '../../../load/statistics/wilson.ts';

type Outcome = Pick<ModelProfileStatus, 'best' | 'nearestMiss' | 'rejected'>;

const defaultMaxErrorsPerMillion = 1000;

export function objectiveOf({ objective }: Pick<DeepReadonly<ModelProfileSpec>, 'objective'>): Objective {
  return {
    maximize: objective?.maximize ?? 'Throughput',
    latency: (objective?.latency ?? []).map(({ percentile, maxMilliseconds }) => ({ percentile, maxMicroseconds: maxMilliseconds * 1000 })),
    maxErrorsPerMillion: objective?.maxErrorsPerMillion ?? defaultMaxErrorsPerMillion,
    minAccuracy: objective?.minAccuracyPercent === undefined ? null : Number(objective.minAccuracyPercent) / 100,
  };
}

/** The best point and what came of the others. Nothing of it where nothing was measured. */
export function outcomeOf(results: readonly ProfileResult[], objective: Objective): { readonly choice: Choice; readonly status: Outcome } {
  const choice = chooseBest(results.map(candidateOf), objective);
  const best = results.find(({ id }) => id === choice.best);
  const status: Outcome = {
    ...(best !== undefined && { best: bestOf(best, choice) }),
    ...(choice.nearestMiss !== null && { nearestMiss: clipped(choice.nearestMiss) }),
    ...(choice.rejected.length > 0 && { rejected: choice.rejected.map(clipped) }),
  };
  return { choice, status };
}

export function candidateOf(result: ProfileResult): Candidate {
  const { latencyMicroseconds: latency, samplesPerSecondLow: low, samplesPerSecondHigh: high } = result;
  return {
    id: result.id,
    batchSize: result.batchSize,
    valid: result.valid,
    invalidReasons: result.invalidReasons ?? [],
    throughput: Number(result.samplesPerSecond),
    throughputInterval: { low: low === undefined ? null : Number(low), high: high === undefined ? null : Number(high) },
    latencyMicroseconds: latency === undefined ? {} : { ...latency },
    errorsPerMillion: result.requests === 0 ? 0 : (result.errors / result.requests) * 1e6,
    accuracy: accuracyOf(result),
  };
}

/** As the load pod found it; the interval follows from the counts. */
export function accuracyOf({
  accuracy,
}: Pick<ProfileResult, 'accuracy'>): Pick<Accuracy, 'samples' | 'correct' | 'share' | 'interval'> | null {
  if (accuracy === undefined) return null;
  const { samples, correct } = accuracy;
  return { samples, correct, share: samples === 0 ? 0 : correct / samples, interval: wilsonInterval(correct, samples) };
}

function bestOf(result: ProfileResult, choice: Choice): NonNullable<Outcome['best']> {
  const { concurrency, requestsPerSecond } = result;
  const p99 = result.latencyMicroseconds?.p99 ?? 0;
  const level = concurrency === undefined ? `${requestsPerSecond}/s` : String(concurrency);
  return {
    id: result.id,
    ...(result.hardware !== undefined && { hardware: result.hardware }),
    batchSize: result.batchSize,
    ...(concurrency !== undefined && { concurrency }),
    ...(requestsPerSecond !== undefined && { requestsPerSecond }),
    p99Microseconds: p99,
    p99: milliseconds(p99),
    samplesPerSecond: result.samplesPerSecond,
    ...(result.gpu?.utilizationPercent !== undefined && { gpuPercent: result.gpu.utilizationPercent }),
    ...(result.accuracy !== undefined && { accuracyPercent: result.accuracy.percent }),
    summary: `${result.batchSize} × ${level}${result.hardware === undefined ? '' : ` on ${result.hardware}`}`.slice(0, 64),
    reason: choice.reason.slice(0, 1024),
    ...(choice.runnerUp !== null && { runnerUp: choice.runnerUp }),
    ...(choice.economical !== null && choice.economical !== result.id && { economical: choice.economical }),
  };
}

/** `12.3ms`; whole microseconds below a millisecond. */
function milliseconds(microseconds: number): string {
  return microseconds < 1000 ? `${microseconds}µs` : `${Number((microseconds / 1000).toPrecision(4))}ms`;
}

function clipped({ id, constraint }: { readonly id: string; readonly constraint: string }) {
  return { id, constraint: constraint.slice(0, 512) };
}
