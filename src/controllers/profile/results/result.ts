import type { ProfileResult } from '../../../api/model-profile/index.ts';
import { pointId } from '../../../load/point.ts';
import type { CompactAccuracy, CompactPoint, CompactScenario } from '../../../load/point-code.ts';
import { wilsonInterval } from '../../../load/statistics/wilson.ts';
import { prefixed } from '../plan/tasks.ts';

/** A point as the status tells it. `repeats`: how often its setting was measured before in the run. */
export function resultOf(point: CompactPoint, repeats: number, hardware?: string): ProfileResult {
  const { load, latencyMicroseconds: latency } = point;
  const server = present({
    queue: point.serverQueueMicroseconds,
    preprocess: point.serverPreprocessMicroseconds,
    infer: point.serverInferMicroseconds,
    postprocess: point.serverPostprocessMicroseconds,
  });
  const gpu = {
    ...present({ utilizationPercent: decimal(point.gpuUtilisationPermille, 10) }),
    ...present({ utilizationActivePercent: decimal(point.gpuUtilisationActivePermille, 10) }),
    ...present({ utilizationMaxPercent: decimal(point.gpuUtilisationMaxPermille, 10) }),
    ...present({ memoryUsedMaxMebibytes: point.gpuMemoryUsedMebibytes, memoryTotalMebibytes: point.gpuMemoryTotalMebibytes }),
    ...present({ powerWatts: decimal(point.gpuPowerMilliwatts, 1000) }),
  };
  return {
    id: prefixed(hardware, pointId(point.batchSize, load)),
    ...(hardware !== undefined && { hardware }),
    batchSize: point.batchSize,
    ...(load.loop === 'closed' ? { concurrency: load.concurrency } : { requestsPerSecond: perSecond(load.requestsPerSecond) }),
    requests: point.requests,
    // What was never sent is among the requests, as failed.
    errors: point.requests - point.succeeded,
    ...(Object.keys(point.errors).length > 0 && { errorClasses: point.errors as Record<string, number> }),
    ...(latency !== null && {
      latencyMicroseconds: {
        ...latency,
        ...present({ p99Low: point.p99LowMicroseconds, p99High: point.p99HighMicroseconds }),
      },
    }),
    requestsPerSecondMeasured: perSecond(point.durationMilliseconds === 0 ? 0 : (point.succeeded * 1000) / point.durationMilliseconds),
    samplesPerSecond: perSecond(point.throughputMilliPerSecond / 1000),
    ...present({
      samplesPerSecondLow: decimal(point.throughputLowMilliPerSecond, 1000),
      samplesPerSecondHigh: decimal(point.throughputHighMilliPerSecond, 1000),
      coldStartMicroseconds: point.coldStartMicroseconds,
    }),
    ...(Object.keys(server).length > 0 && { server }),
    ...(Object.keys(gpu).length > 0 && { gpu }),
    ...(point.accuracy !== null && { accuracy: accuracyResult(point.accuracy) }),
    ...(point.scenario !== null && { scenario: scenarioResult(point.scenario) }),
    valid: point.invalidReasons.length === 0,
    ...(point.invalidReasons.length > 0 && { invalidReasons: [...point.invalidReasons] }),
    ...(repeats > 0 && { repeats }),
    completedAt: `${new Date(point.completedAtSeconds * 1000).toISOString().slice(0, 19)}Z`,
  };
}

const metrics = { top1: 'Top1', top5: 'Top5', custom: 'Custom' } as const;

function accuracyResult({ metric, samples, correct }: CompactAccuracy): NonNullable<ProfileResult['accuracy']> {
  const { low, high } = wilsonInterval(correct, samples);
  const percent = (share: number) => String(Number((share * 100).toFixed(3)));
  return {
    metric: metrics[metric],
    percent: percent(samples === 0 ? 0 : correct / samples),
    percentLow: percent(low),
    percentHigh: percent(high),
    samples,
    correct,
  };
}

function scenarioResult({ name, unmet, valueThousandths }: CompactScenario): NonNullable<ProfileResult['scenario']> {
  const value = valueThousandths === null ? undefined : valueThousandths / 1000;
  const metric = (): object => {
    if (value === undefined) return {};
    if (name === 'Server') return { queriesPerSecond: perSecond(value) };
    return name === 'Offline' ? { samplesPerSecond: perSecond(value) } : { latencyMicroseconds: Math.round(value) };
  };
  return { name, valid: unmet.length === 0, ...(unmet.length > 0 && { unmet: [...unmet] }), ...metric() };
}

/** The result with another reason why it may not be believed. */
export function invalidated(result: ProfileResult, reason: string): ProfileResult {
  const reasons = result.invalidReasons ?? [];
  return reasons.includes(reason) ? result : { ...result, valid: false, invalidReasons: [...reasons, reason].slice(0, 16) };
}

/** At most three digits behind the point, one from 1,000 on, none that says nothing. */
export function perSecond(value: number): string {
  return String(Number(value.toFixed(value < 1000 ? 3 : 1)));
}

function decimal(value: number | null, divisor: number): string | null {
  return value === null ? null : String(Number((value / divisor).toFixed(3)));
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], null> };

function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Present<T>;
}
