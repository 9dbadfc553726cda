import { type Latency, type Load, pointId } from '../point.ts';
import type { ShownPoint } from '../report/report.ts';
import { samplesToBound } from '../statistics/interval.ts';
import { UsageError } from '../transport/target.ts';
import { findings } from '../validity.ts';
import { type Imported, unknownPoint } from './imported.ts';

type Json = Readonly<Record<string, unknown>>;

/** A stage report of inference-perf (`stage_N_lifecycle_metrics.json`), by the name of its file. */
export interface StageFile {
  readonly name: string;
  readonly json: unknown;
}

/** Name in their summary to name here; they print p99.9 as `p99.9`, and the 50th percentile as the median. */
const latencyNames: readonly (readonly [string, keyof Latency])[] = [
  ['min', 'min'],
  ['mean', 'mean'],
  ['median', 'p50'],
  ['p90', 'p90'],
  ['p95', 'p95'],
  ['p99', 'p99'],
  ['p99.9', 'p999'],
  ['max', 'max'],
];

/**
 * Reads stage reports of inference-perf, one point each; their times are seconds. Each is judged by the rules for measured points as far as
 * they tell what is needed. A request of theirs is one sample. Throws a `UsageError` that names the file and what it lacks.
 */
export function readInferencePerf(files: readonly StageFile[]): Imported {
  const points = files.map(({ name, json }) => pointOf(name, json));
  const ids = points.map(({ id }) => id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw new UsageError(`two of the files are of the same load, ${twice}: give the stages of one run`);
  return {
    tool: 'inference-perf',
    source: files.map(({ name }) => name).join(', '),
    points,
    definitions: 'Percentiles by linear interpolation, latency from the actual send; no intervals.',
    remarks: ['its latency counts from the actual send; how late requests left is the schedule delay, shown as send lag'],
  };
}

function pointOf(file: string, json: unknown): ShownPoint {
  const load = part(json, 'load_summary', file);
  const successes = part(json, 'successes', file);
  const failures = part(json, 'failures', file);
  const setting = settingOf(load, file);
  const requests = needed(load, 'count', `${file}: load_summary`);
  const succeeded = needed(successes, 'count', `${file}: successes`);
  if (succeeded + needed(failures, 'count', `${file}: failures`) !== requests)
    throw new UsageError(`${file} contradicts itself: successes and failures are not load_summary.count = ${requests}`);
  const summary = object(object(successes['latency'])?.['request_latency']);
  const latency = summary === undefined ? null : latencyOf(summary);
  const perSecond = needed(part(successes, 'throughput', `${file}: successes`), 'requests_per_sec', `${file}: successes.throughput`);
  const delay = object(load['schedule_delay']);
  const lag = delay === undefined ? undefined : numberIn(delay, 'p99');
  const offered = setting.loop === 'open' ? setting.requestsPerSecond : null;
  const found = findings(
    {
      interrupted: false,
      requests,
      succeeded,
      durationSeconds: offered === null ? (numberIn(load, 'send_duration') ?? 0) : requests / offered,
      loop: setting.loop,
      offeredPerSecond: offered,
      sentPerSecond: numberIn(load, 'achieved_rate') ?? offered ?? 0,
      achievedPerSecond: perSecond,
      // They do not tell how many were outstanding, nor what their client did.
      backlogGrowth: 0,
      sendLagP99: lag === undefined || offered === null ? null : lag * 1e6,
      latencyP50: latency?.p50 ?? 0,
      instability: null,
      littleRatio: Number.NaN,
      throttledPeriods: null,
      loopDelayP99: null,
      clientBusy: null,
      serverRestarted: null,
    },
    { minimumSeconds: 0, minimumRequests: samplesToBound(0.99), maximumErrorsPerMillion: 1e6 },
  );
  return {
    ...unknownPoint,
    id: pointId(1, setting),
    batchSize: 1,
    load: setting,
    requests,
    succeeded,
    errorExamples: Object.entries(object(failures['by_label']) ?? {}).map(
      ([label, entry]) => `${label}: ${numberIn(object(entry) ?? {}, 'count') ?? '?'} request(s)`,
    ),
    offeredPerSecond: offered,
    requestsPerSecond: perSecond,
    inferencesPerSecond: perSecond,
    latencyMicroseconds: latency,
    sendLagMicroseconds: lag === undefined ? null : { p99: lag * 1e6 },
    valid: found.length === 0,
    invalidReasons: found,
  };
}

/** A stage with a concurrency is a closed loop. Their "constant" load has exponential gaps, as independent users have. */
function settingOf(load: Json, file: string): Load {
  const concurrency = numberIn(load, 'concurrency');
  if (concurrency !== undefined) return { loop: 'closed', concurrency };
  const rate = numberIn(load, 'requested_rate');
  if (rate === undefined || rate <= 0)
    throw new UsageError(
      `${file} has no load_summary.requested_rate: it is the summary of all stages; give stage_N_lifecycle_metrics.json`,
    );
  return { loop: 'open', requestsPerSecond: rate, arrivals: 'poisson' };
}

function latencyOf(summary: Json): Partial<Latency> {
  return Object.fromEntries(
    latencyNames.flatMap(([theirs, ours]) => {
      const seconds = numberIn(summary, theirs);
      return seconds === undefined ? [] : [[ours, seconds * 1e6]];
    }),
  );
}

function object(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function part(value: unknown, name: string, where: string): Json {
  const found = object(object(value)?.[name]);
  if (found === undefined) throw new UsageError(`${where} has no "${name}": it is no stage report of inference-perf`);
  return found;
}

function numberIn(value: Json, name: string): number | undefined {
  const found = value[name];
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

function needed(value: Json, name: string, where: string): number {
  const found = numberIn(value, name);
  if (found === undefined) throw new UsageError(`${where} has no number "${name}"`);
  return found;
}
