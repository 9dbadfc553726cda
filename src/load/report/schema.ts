/** The JSON schema of the report, published as `schemas/bench-report.schema.json`. */
import { accuracyMetrics } from '../accuracy/metric.ts';
import { errorClasses, percentiles } from '../point.ts';
import { protocolNames } from '../protocol/protocol.ts';
import { scenarioNames } from '../scenario.ts';
import { invalidReasons } from '../validity.ts';
import { reportSchema } from './report.ts';

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
const number: Schema = { type: 'number' };
const amount: Schema = { type: 'number', minimum: 0 };
const count: Schema = { type: 'integer', minimum: 0 };
const time: Schema = { type: 'string', format: 'date-time' };
const list = (items: Schema): Schema => ({ type: 'array', items });
const oneOf = (values: readonly string[]): Schema => ({ type: 'string', enum: [...values] });
const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });
const said = (schema: Schema, description: string): Schema => ({ ...schema, description });
const microseconds = said(amount, 'microseconds');

/** Every property is required: what is unknown is null, not absent. */
function object(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: 'object', required: Object.keys(properties), properties, additionalProperties: false };
}
function some(names: readonly string[], schema: Schema): Schema {
  return { type: 'object', properties: Object.fromEntries(names.map((name) => [name, schema])), additionalProperties: false };
}
const map = (schema: Schema): Schema => ({ type: 'object', additionalProperties: schema });

const interval = object({ low: orNull(number), high: orNull(number) });
const load: Schema = {
  oneOf: [
    object({ loop: { const: 'closed' }, concurrency: { type: 'integer', minimum: 1 } }),
    object({
      loop: { const: 'open' },
      requestsPerSecond: { type: 'number', exclusiveMinimum: 0 },
      arrivals: oneOf(['constant', 'poisson']),
    }),
  ],
};
const latency = object(Object.fromEntries(['min', 'mean', ...percentiles, 'max'].map((name) => [name, microseconds])));

const server = object({
  source: text,
  queue: orNull(microseconds),
  preprocess: orNull(microseconds),
  infer: orNull(microseconds),
  postprocess: orNull(microseconds),
  initialise: orNull(microseconds),
  other: orNull(microseconds),
  averageBatch: orNull(amount),
  requests: orNull(amount),
});

const gpu = object({
  uuid: text,
  model: orNull(text),
  source: oneOf(['triton', 'dcgm', 'torchserve']),
  samples: count,
  stale: flag,
  utilisationPercent: orNull(amount),
  utilisationActivePercent: orNull(amount),
  utilisationMaxPercent: orNull(amount),
  memoryUsedMaxBytes: orNull(amount),
  memoryTotalBytes: orNull(amount),
  memoryPreallocated: flag,
  powerWatts: orNull(amount),
  energyJoules: orNull(amount),
});

const histogram = object({ layout: text, sum: amount, min: orNull(amount), max: orNull(amount), clamped: count, buckets: list(count) });

const accuracy = object({
  metric: oneOf(accuracyMetrics),
  datasetSha256: text,
  samples: count,
  correct: count,
  failed: count,
  share: amount,
  interval: object({ low: amount, high: amount }),
  failure: orNull(text),
});

const point = object({
  id: text,
  batchSize: { type: 'integer', minimum: 1 },
  load,
  repeat: flag,
  startedAt: time,
  durationSeconds: amount,
  requests: count,
  succeeded: count,
  errors: some(errorClasses, count),
  errorExamples: list(text),
  notSent: count,
  resent: count,
  offeredPerSecond: orNull(amount),
  sentPerSecond: amount,
  requestsPerSecond: amount,
  requestsPerSecondInterval: interval,
  inferencesPerSecond: amount,
  goodputPerSecond: orNull(amount),
  latencyMicroseconds: orNull(latency),
  latencyIntervals: some(percentiles, interval),
  serviceMicroseconds: orNull(object({ p50: microseconds, p99: microseconds })),
  sendLagMicroseconds: orNull(object({ p50: number, p99: number, max: number })),
  warmup: object({ requests: count, seconds: amount }),
  windows: list(object({ requestsPerSecond: amount, p50: orNull(microseconds), judged: orNull(microseconds), requests: count })),
  effectiveSamples: count,
  inFlight: object({ mean: amount, max: count, queuedMax: count }),
  littleRatio: orNull(amount),
  client: object({
    workers: count,
    cpuPercent: amount,
    cpuMicrosecondsPerRequest: orNull(microseconds),
    loopDelayP99Microseconds: orNull(microseconds),
    throttledPeriods: orNull(count),
  }),
  server: orNull(server),
  gpus: orNull(list(gpu)),
  accuracy: orNull(accuracy),
  valid: flag,
  invalidReasons: list(object({ reason: oneOf(invalidReasons), message: text })),
  notes: list(text),
  histogram: orNull(histogram),
});

const rejection = object({ id: text, constraint: text });
const choice = object({
  best: orNull(text),
  reason: text,
  runnerUp: orNull(text),
  ties: list(text),
  economical: orNull(text),
  pareto: list(text),
  rejected: list(rejection),
  nearestMiss: orNull(rejection),
});

const scenario = object({
  name: oneOf(scenarioNames),
  valid: flag,
  metric: object({ name: text, value: orNull(number), unit: oneOf(['microseconds', 'per second']) }),
  rules: list(object({ rule: text, met: flag, detail: text })),
});

export const benchReportSchema: Schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: reportSchema,
  title: 'Report of modelwright bench',
  description: 'Times in microseconds of a monotonic clock, rates per second, percentiles by nearest rank. null is unknown, never 0.',
  ...object({
    schema: { const: reportSchema },
    run: text,
    tool: object({ name: text, version: text }),
    startedAt: time,
    finishedAt: time,
    partial: flag,
    target: object({ url: text, authority: text, protocol: oneOf(protocolNames), model: text, modelVersion: orNull(text) }),
    method: object({
      percentile: { const: 'nearest-rank' },
      mean: { const: 'arithmetic' },
      clock: { const: 'monotonic' },
      confidence: { const: 0.95 },
      closedLoopLatency: { const: 'send to reply' },
      openLoopLatency: { const: 'intended send to reply' },
      errorsInLatency: { const: false },
    }),
    payload: object({ source: text, requestBytes: map(count), variants: count }),
    environment: object({ node: text, kernel: text, processor: orNull(text), processors: count, cpuQuota: orNull(amount) }),
    coldStartMicroseconds: orNull(microseconds),
    firstRequestMicroseconds: map(microseconds),
    planned: count,
    points: list(point),
    drift: orNull(object({ id: text, throughput: number, p50: number, significant: flag })),
    objective: object({
      maximize: oneOf(['Throughput', 'LowLatency']),
      latency: list(object({ percentile: oneOf(percentiles), maxMicroseconds: amount })),
      maxErrorsPerMillion: orNull(amount),
      minAccuracy: orNull(amount),
    }),
    best: choice,
    searches: list(
      object({
        batchSize: count,
        over: oneOf(['concurrency', 'rate']),
        found: orNull(amount),
        failedAt: orNull(amount),
        tolerance: amount,
        trials: list(object({ level: amount, passed: flag })),
      }),
    ),
    scenario: orNull(scenario),
    remarks: list(text),
  }),
};
