import type { ThreadResult } from './engine/thread.ts';
import { mergeTraces } from './engine/trace.ts';
import type { MemoryGrowth } from './metrics/growth.ts';
import {
  type ErrorClass,
  errorClasses,
  type GpuUse,
  type Latency,
  type Load,
  type Percentile,
  type Point,
  percentiles,
  pointId,
  type ServerStages,
} from './point.ts';
import { Histogram } from './statistics/histogram.ts';
import { effectiveSampleSize, type Interval, meanInterval, quantileInterval } from './statistics/interval.ts';
import { littleRatio } from './statistics/little.ts';
import { mean } from './statistics/mean.ts';
import { nearestRank, quantileOfName } from './statistics/percentile.ts';
import { type StabilityRule, stability, type Window } from './statistics/stability.ts';
import { type MeasuredWindow, partsOf, readWindow, splitByEnd, type WindowFacts } from './statistics/window.ts';
import { findings, type ValidityRules } from './validity.ts';

/** What was observed of one point, by the threads and around them. */
export interface Observation {
  readonly batchSize: number;
  readonly load: Load;
  readonly repeat: boolean;
  readonly startedAt: string;
  readonly window: MeasuredWindow;
  readonly results: readonly ThreadResult[];
  readonly warmupSeconds: number;
  readonly interrupted: boolean;
  readonly throttledPeriods: number | null;
  /** The pacer turned the event loop while waiting: CPU use says nothing about being busy. */
  readonly spinning: boolean;
  /** How far the wall clock moved against the monotonic one while measuring, seconds. */
  readonly clockStepSeconds: number;
  readonly server: ServerStages | null;
  readonly gpus: readonly GpuUse[] | null;
  readonly serverRestarted: string | null;
  /** Memory of the server that grew all through the window; absent: nobody told. */
  readonly memoryGrowth?: readonly MemoryGrowth[];
}

/** What a point is judged by. */
export interface Judgement {
  readonly judged: Percentile;
  readonly stability: StabilityRule;
  readonly validity: ValidityRules;
  readonly latencyBounds: readonly { readonly percentile: string; readonly maxMicroseconds: number }[];
  readonly keepHistogram: boolean;
  /** A closed loop was slowed down to this rate: slots are empty by intention, and Little's law is asked of those in use. */
  readonly maxPerSecond?: number;
}

/** Turns the observation of one point into its figures and the verdict whether they can be relied on. Pure. */
export function assess(observation: Observation, judgement: Judgement): Point {
  const { load, window, results, batchSize } = observation;
  const trace = mergeTraces(results.map((result) => result.trace));
  const facts = readWindow(trace, window, errorClasses.length);
  const durationSeconds = (window.to - window.from) / 1e6;
  const latency = summarise(facts);
  const judgedQuantile = quantileOfName(judgement.judged) as number;

  const parts = splitByEnd(trace, partsOf(window, judgement.stability.windows));
  const partSeconds = durationSeconds / judgement.stability.windows;
  const windows = parts.map((part) => {
    const sorted = part.slice().sort();
    const at = (q: number) => (sorted.length === 0 ? null : round(nearestRank(sorted, q)));
    return { requestsPerSecond: part.length / partSeconds, p50: at(0.5), judged: at(judgedQuantile), requests: part.length };
  });
  // Windows hold a third of the samples: with fewer than ten beyond the percentile in one of them, all are judged by the median.
  const judgedInWindows = Math.min(...parts.map((part) => part.length)) * (1 - judgedQuantile) >= 10 ? judgedQuantile : 0.5;
  const steady = stability(
    parts.map((part, i) => stabilityWindow(part, windows[i]?.requestsPerSecond ?? 0, judgedInWindows)),
    { ...judgement.stability, randomArrivals: load.loop === 'open' && load.arrivals === 'poisson' },
  );
  const worth = latency === null ? 0 : effectiveSampleSize(facts.latency, judgedQuantile, nearestRank(facts.sorted, judgedQuantile));
  const little =
    load.loop === 'closed'
      ? littleRatio(facts.endedPerSecond, facts.meanOfAll, judgement.maxPerSecond === undefined ? load.concurrency : facts.meanInFlight)
      : littleRatio(facts.endedPerSecond, facts.meanOfAll, facts.meanInFlight);
  const cpu = results.reduce((sum, result) => sum + result.cpuMicroseconds, 0);
  const loopDelay = Math.max(...results.map((result) => result.loopDelayP99Microseconds));
  const succeeded = facts.sorted.length;
  const isOpen = load.loop === 'open';

  const invalidReasons = findings(
    {
      interrupted: observation.interrupted,
      requests: facts.requests,
      succeeded,
      durationSeconds,
      loop: load.loop,
      offeredPerSecond: isOpen ? load.requestsPerSecond : null,
      sentPerSecond: facts.sentPerSecond,
      achievedPerSecond: facts.completedPerSecond,
      backlogGrowth: facts.backlogChange / Math.max(1, facts.requests),
      sendLagP99: isOpen && facts.lag.length > 0 ? nearestRank(facts.lag, 0.99) : null,
      latencyP50: latency?.p50 ?? 0,
      instability: steady.stable ? null : steady.reason,
      littleRatio: little,
      throttledPeriods: observation.throttledPeriods,
      loopDelayP99: loopDelay,
      clientBusy: observation.spinning
        ? null
        : Math.max(...results.map((result) => result.cpuMicroseconds / Math.max(1, result.endedAt - window.from))),
      serverRestarted: observation.serverRestarted,
    },
    judgement.validity,
  );

  return {
    id: pointId(batchSize, load, observation.repeat),
    batchSize,
    load,
    repeat: observation.repeat,
    startedAt: observation.startedAt,
    durationSeconds,
    requests: facts.requests,
    succeeded,
    errors: errorCounts(facts),
    errorExamples: [...new Set(results.flatMap((result) => result.errorExamples))].slice(0, 10),
    notSent: facts.notSent,
    resent: results.reduce((sum, result) => sum + result.resent, 0),
    offeredPerSecond: isOpen ? load.requestsPerSecond : null,
    sentPerSecond: facts.sentPerSecond,
    requestsPerSecond: facts.completedPerSecond,
    requestsPerSecondInterval: throughputInterval(trace, window),
    inferencesPerSecond: facts.completedPerSecond * batchSize,
    goodputPerSecond: goodput(facts, judgement, durationSeconds),
    latencyMicroseconds: latency,
    latencyIntervals: intervals(facts, worth),
    serviceMicroseconds:
      isOpen && succeeded > 0 ? { p50: round(nearestRank(facts.service, 0.5)), p99: round(nearestRank(facts.service, 0.99)) } : null,
    sendLagMicroseconds:
      isOpen && facts.lag.length > 0
        ? { p50: round(nearestRank(facts.lag, 0.5)), p99: round(nearestRank(facts.lag, 0.99)), max: round(facts.lag.at(-1) as number) }
        : null,
    warmup: { requests: results.reduce((sum, result) => sum + result.warmupRequests, 0), seconds: observation.warmupSeconds },
    windows,
    effectiveSamples: Math.round(worth),
    inFlight: {
      mean: facts.meanInFlight,
      max: results.reduce((sum, result) => sum + result.inFlightMax, 0),
      queuedMax: results.reduce((sum, result) => sum + result.queuedMax, 0),
    },
    littleRatio: Number.isFinite(little) ? little : null,
    client: {
      workers: results.length,
      cpuPercent: (cpu / (window.to - window.from)) * 100,
      cpuMicrosecondsPerRequest: facts.requests === 0 ? null : cpu / facts.requests,
      loopDelayP99Microseconds: Math.round(loopDelay),
      throttledPeriods: observation.throttledPeriods,
    },
    server: observation.server,
    gpus: observation.gpus,
    accuracy: null,
    valid: invalidReasons.length === 0,
    invalidReasons,
    notes: notes(observation, facts, judgement),
    histogram: judgement.keepHistogram ? histogramOf(facts) : null,
  };
}

function summarise(facts: WindowFacts): Latency | null {
  const { sorted } = facts;
  if (sorted.length === 0) return null;
  const at = (q: number) => round(nearestRank(sorted, q));
  return {
    min: round(sorted[0] as number),
    mean: round(mean(sorted)),
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    p999: at(0.999),
    max: round(sorted.at(-1) as number),
  };
}

function stabilityWindow(part: Float64Array, throughput: number, q: number): Window {
  const sorted = part.slice().sort();
  if (part.length === 0) return { throughput, latencyMicroseconds: 0, requests: 0 };
  const latencyMicroseconds = nearestRank(sorted, q);
  const worth = effectiveSampleSize(part, q, latencyMicroseconds);
  return { throughput, latencyMicroseconds, latencyInterval: quantileInterval(sorted, q, 0.95, worth), requests: part.length };
}

function intervals(facts: WindowFacts, worth: number): Partial<Record<Percentile, Interval>> {
  const n = facts.sorted.length;
  if (n === 0) return {};
  const found: Partial<Record<Percentile, Interval>> = {};
  for (const name of percentiles) {
    const { low, high } = quantileInterval(facts.sorted, quantileOfName(name) as number, 0.95, worth);
    found[name] = { low: low === null ? null : round(low), high: high === null ? null : round(high) };
  }
  return found;
}

/** t interval over ten parts of the window: replies of one part are alike, parts hardly. */
function throughputInterval(trace: Parameters<typeof splitByEnd>[0], window: MeasuredWindow): Interval {
  const parts = partsOf(window, 10);
  const seconds = (window.to - window.from) / 1e7;
  const { low, high } = meanInterval(splitByEnd(trace, parts).map((part) => part.length / seconds));
  return { low: low === null ? null : Math.max(0, low), high };
}

/** Bounds hold for single requests here: one that is above a bound is not good, whatever the percentile the bound is given for. */
function goodput(facts: WindowFacts, judgement: Judgement, seconds: number): number | null {
  if (judgement.latencyBounds.length === 0) return null;
  const bound = Math.min(...judgement.latencyBounds.map((b) => b.maxMicroseconds));
  let good = 0;
  for (const latency of facts.latency) if (latency <= bound) good++;
  return good / seconds;
}

function errorCounts(facts: WindowFacts): Partial<Record<ErrorClass, number>> {
  const counts: Partial<Record<ErrorClass, number>> = {};
  for (const [i, name] of errorClasses.entries()) {
    const count = facts.errors[i] as number;
    if (count > 0) counts[name] = count;
  }
  return counts;
}

function notes(observation: Observation, facts: WindowFacts, { maxPerSecond }: Judgement): string[] {
  const said: string[] = [];
  if (maxPerSecond !== undefined && observation.load.loop === 'closed' && facts.sentPerSecond > 0.9 * maxPerSecond)
    said.push(`slowed down to ${maxPerSecond} requests per second, as asked: the server may be able to do more`);
  if (Math.abs(observation.clockStepSeconds) > 0.5) {
    said.push(
      `the wall clock was stepped by ${observation.clockStepSeconds.toFixed(1)} s; durations are from the monotonic clock and not touched by it`,
    );
  }
  const resent = observation.results.reduce((sum, result) => sum + result.resent, 0);
  if (resent > 0) said.push(`${resent} requests were sent a second time because the server had closed an idle connection`);
  if (observation.load.loop === 'closed')
    said.push('closed loop: latency is service latency at this concurrency; a stalled server is asked less often');
  const perSecond = facts.requests / ((observation.window.to - observation.window.from) / 1e6);
  for (const growth of observation.memoryGrowth ?? [])
    said.push(`${pointId(observation.batchSize, observation.load)}: ${growthSentence(growth, perSecond)}`);
  const n = facts.sorted.length;
  if (n > 0 && n < 473)
    said.push(
      `${pointId(observation.batchSize, observation.load)}: p99 is not supported by ${n} requests (473 prove it at 95 % confidence)`,
    );
  return said;
}

function growthSentence({ of, firstBytes, lastBytes, seconds }: MemoryGrowth, requestsPerSecond: number): string {
  const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  const each =
    requestsPerSecond === 0 ? '' : `, about ${Math.round((lastBytes - firstBytes) / seconds / requestsPerSecond)} bytes a request`;
  return `memory of ${of} grew from ${mebibytes(firstBytes)} to ${mebibytes(lastBytes)} MiB${each}, and was growing still at the end: measure longer to see whether it stops`;
}

function histogramOf(facts: WindowFacts) {
  const histogram = new Histogram();
  for (const latency of facts.sorted) histogram.record(latency);
  return histogram.toJSON();
}

function round(microseconds: number): number {
  return Math.round(microseconds * 10) / 10;
}
