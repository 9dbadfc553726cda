/** `status` of a ModelProfile: what was measured, on what, and what follows. Rates are decimal strings, times whole microseconds. */
import { conditionsSchema } from '../condition.ts';
import { boolean, integer, keyedList, list, object, oneOf, Type, text, time } from '../schema.ts';
import { accuracyResultSchema } from './accuracy.ts';
import { applicationSchema, appliedSchema } from './apply.ts';
import { hardwareStatusSchema } from './dedicated.ts';
import { idleStatusSchema } from './idle.ts';
import { listOfText, maximumPoints } from './load.ts';
import { recommendationSchema } from './recommendation.ts';
import { reportStatusSchema } from './report.ts';
import { scenarioResultSchema } from './scenario.ts';
import { scheduleStatusSchema } from './schedule.ts';

const count = (description: string) => integer(description, { minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const microseconds = (description: string) => count(`${description}, microseconds.`);
const decimal = (description: string) => text(description, 32, { pattern: '^[0-9]+(\\.[0-9]+)?$' });

/** One owner for the whole of it: what managedFields would need for each figure is more than the figures. */
const whole = { 'x-kubernetes-map-type': 'atomic' };

const latency = object(
  'Latency of the requests that succeeded; percentiles by nearest rank.',
  {
    min: microseconds('Least'),
    mean: microseconds('Mean'),
    p50: microseconds('Median'),
    p90: microseconds('The 90th percentile'),
    p95: microseconds('The 95th percentile'),
    p99: microseconds('The 99th percentile'),
    p99Low: Type.Optional(microseconds('Lower end of the 95 % interval of p99')),
    p99High: Type.Optional(microseconds('Upper end of the 95 % interval of p99; absent when too few requests bound it')),
    p999: microseconds('The 99.9th percentile'),
    max: microseconds('Most'),
  },
  whole,
);

const server = object(
  'Where the server says the time of a request went, on average; absent where it does not tell.',
  {
    queue: Type.Optional(microseconds('Waiting')),
    preprocess: Type.Optional(microseconds('Reading the request')),
    infer: Type.Optional(microseconds('Computing')),
    postprocess: Type.Optional(microseconds('Writing the reply')),
  },
  whole,
);

const gpu = object(
  'Use of the GPU while the point was measured.',
  {
    utilizationPercent: Type.Optional(decimal('Mean.')),
    utilizationActivePercent: Type.Optional(decimal('Mean of the samples in which it worked.')),
    utilizationMaxPercent: Type.Optional(decimal('Largest of the samples; of several GPUs that of the busiest.')),
    memoryUsedMaxMebibytes: Type.Optional(count('Most memory in use.')),
    memoryTotalMebibytes: Type.Optional(count('All of its memory.')),
    powerWatts: Type.Optional(decimal('Mean power.')),
  },
  whole,
);

const result = object(
  'One setting, measured.',
  {
    id: text('Hardware, batch size and load, for example b8-c16 or t4-b8-r200.', 128),
    hardware: Type.Optional(text('Entry of the hardware measured; absent where the running service was.', 63)),
    batchSize: count('Samples in one request.'),
    concurrency: Type.Optional(count('Closed loop: requests at once.')),
    requestsPerSecond: Type.Optional(decimal('Open loop: requests due per second.')),
    requests: count('Requests in the measurement.'),
    errors: count('Those that failed or were never sent.'),
    errorClasses: Type.Optional(
      Type.Unsafe<Record<string, number>>({
        type: 'object',
        description: 'Failed requests by what went wrong: timeout, http5xx, badBody …',
        additionalProperties: { type: 'integer', format: 'int64', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
        maxProperties: 16,
      }),
    ),
    latencyMicroseconds: Type.Optional(latency),
    requestsPerSecondMeasured: decimal('Requests that succeeded, per second.'),
    samplesPerSecond: decimal('Samples that were predicted, per second: the throughput.'),
    samplesPerSecondLow: Type.Optional(decimal('Lower end of its 95 % interval.')),
    samplesPerSecondHigh: Type.Optional(decimal('Upper end of its 95 % interval.')),
    coldStartMicroseconds: Type.Optional(microseconds('The very first request of the run')),
    server: Type.Optional(server),
    gpu: Type.Optional(gpu),
    scenario: Type.Optional(scenarioResultSchema),
    accuracy: Type.Optional(accuracyResultSchema),
    valid: boolean('Whether the figures may be believed; only then is the point ranked.'),
    invalidReasons: Type.Optional(listOfText('Why they may not.', 64, 16)),
    repeats: Type.Optional(count('How often it was measured again.')),
    completedAt: time('When the measurement ended.'),
  },
  whole,
);

const rejected = object('A point that was not chosen.', {
  id: text('Which.', 128),
  constraint: text('What it broke, with its figures.', 512),
});

const best = object('The setting to run.', {
  id: text('The point.', 128),
  hardware: Type.Optional(text('Its hardware.', 63)),
  batchSize: count('Its batch size.'),
  concurrency: Type.Optional(count('Its concurrency.')),
  requestsPerSecond: Type.Optional(decimal('Its rate.')),
  p99Microseconds: microseconds('Its p99'),
  p99: text('Its p99 with the unit, for columns.', 32),
  samplesPerSecond: decimal('Its throughput.'),
  gpuPercent: Type.Optional(decimal('Its GPU use.')),
  accuracyPercent: Type.Optional(decimal('How often the model is right there.')),
  summary: text('Batch × concurrency or rate, for columns.', 64),
  reason: text('Why this one.', 1024),
  runnerUp: Type.Optional(text('The point that came next.', 128)),
  economical: Type.Optional(text('The smallest batch within 5 % of it, where that is another point.', 128)),
});

export const runTriggers = ['First', 'SpecChanged', 'Requested', 'Resumed', 'Scheduled'] as const;
export const runStates = ['Waiting', 'Running', 'Complete', 'Cancelled', 'Failed'] as const;

const search = object('What the search at one batch size came to.', {
  id: text('Hardware and batch size, for example b8-search.', 128),
  hardware: Type.Optional(text('Entry of the hardware.', 63)),
  batchSize: count('Samples in one request.'),
  found: Type.Optional(decimal('The largest level that keeps the objective: requests at once, or per second. Absent: none does.')),
  failedAt: Type.Optional(decimal('The lowest level above it that does not. Absent: the search came to its maximum.')),
});

const disturbance = object('A Job index during which something happened to the target, so that its points are invalid.', {
  job: text('The Job.', 63),
  index: count('The completion index.'),
  reason: text('What happened.', 64),
  pods: Type.Optional(listOfText('Other Pods on the GPUs of the target.', 317, 16)),
});

const run = object('The latest run. The results are of it, unless status.measuring says of which.', {
  id: text('Its id, also a label of its Jobs.', 32),
  state: oneOf('How far it is.', runStates),
  requestedRunId: Type.Optional(text('Value of spec.runId when it was begun.', 63)),
  trigger: Type.Optional(oneOf('Why it was begun.', runTriggers)),
  specHash: text('Hash of everything in the spec that matters for the figures.', 64),
  reusedFrom: Type.Optional(text('The ModelProfile and run whose results were taken over instead of measuring, as name/run.', 317)),
  queuedTime: time('When it was asked for.'),
  startTime: Type.Optional(time('When the first Job was made.')),
  completionTime: Type.Optional(time('When it ended.')),
  jobs: Type.Optional(listOfText('Its Jobs, in the order in which they were made.', 63, 64)),
  targetState: Type.Optional(
    text('Hash of the pods of the target as they were last seen: which, how often restarted, of which images.', 64),
  ),
  gpuTenants: Type.Optional(
    listOfText('Other Pods on the GPUs of the target when it began (mode Live): what comes later is a disturbance.', 317, 64),
  ),
  disturbances: Type.Optional(list('What happened to the target while it was measured.', disturbance, 64)),
  report: Type.Optional(reportStatusSchema),
  reason: Type.Optional(text('Why it ended before it was complete: one CamelCase word.', 128)),
  message: Type.Optional(text('The same in a sentence.', 1024)),
});

const provenance = object('What the figures are of. When any of it changes, condition Stale says so.', {
  target: text('Kind and name, or host of the URL.', 317),
  targetUid: Type.Optional(text('UID of that object.', 64)),
  storageUri: Type.Optional(text('Where the model came from.', 2048)),
  modelSha256: Type.Optional(text('SHA-256 of the package.', 64)),
  image: Type.Optional(text('Image of the model server.', 700)),
  imageDigest: Type.Optional(text('Its digest.', 135)),
  kserve: Type.Optional(text('Version of KServe.', 64)),
  deploymentMode: Type.Optional(text('Deployment mode.', 16)),
  nodes: Type.Optional(listOfText('Nodes that the model ran on.', 253, 16)),
  gpuProduct: Type.Optional(text('GPU product, by the label of the node.', 128)),
  gpuDriver: Type.Optional(text('Driver, by the label of the node.', 64)),
  gpuUuids: Type.Optional(listOfText('GPUs, by the exporter.', 96, 64)),
  tool: text('Version of Modelwright that measured.', 64),
});

const method = object('How the figures are defined.', {
  percentile: text('Definition of percentiles.', 32),
  clock: text('Clock of the latencies.', 64),
  loop: text('Closed, or Open with latency from the intended time.', 64),
});

const past = object('A run that ended, in short.', {
  id: text('Its id.', 32),
  completionTime: time('When it ended.'),
  specHash: text('Its spec hash.', 64),
  best: Type.Optional(text('The best point.', 128)),
  samplesPerSecond: Type.Optional(decimal('Throughput of the best point.')),
  samplesPerSecondLow: Type.Optional(decimal('Lower end of its 95 % interval.')),
  samplesPerSecondHigh: Type.Optional(decimal('Upper end of its 95 % interval.')),
  p99Microseconds: Type.Optional(microseconds('The p99 of the best point')),
  p99LowMicroseconds: Type.Optional(microseconds('Lower end of its 95 % interval')),
  p99HighMicroseconds: Type.Optional(microseconds('Upper end of its 95 % interval')),
  sloMet: oneOf('Whether a point kept the objective.', ['True', 'False', 'Unknown']),
});

const measuring = object(
  'A run that has not taken the place of the last complete one: it goes on, or gave nothing. The results are of the earlier one.',
  {
    run: text('The run under way.', 32),
    resultsOf: text('The run that status.results, best, provenance and method are of meanwhile.', 32),
    results: Type.Optional(keyedList('What it has measured so far.', result, maximumPoints, 'id')),
    provenance: Type.Optional(provenance),
    method: Type.Optional(method),
    gpuSource: Type.Optional(text('Where its figures of GPUs come from, or why there are none.', 512)),
  },
);

export const statusSchema = object('What was observed.', {
  observedGeneration: Type.Optional(integer('The generation this status speaks of.', { minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  conditions: Type.Optional(conditionsSchema),
  target: Type.Optional(text('What is measured, for columns.', 317)),
  progress: Type.Optional(
    object('How far the run is.', {
      done: count('Points measured; of a search, batch sizes searched.'),
      total: count('Points in all; of a search, batch sizes in all.'),
      etaSeconds: Type.Optional(count('About how long it still takes, as of the last point.')),
      summary: text('Done and total, for columns.', 32),
      queuePosition: Type.Optional(count('Runs that go first; rounded up to tens above ten, to hundreds above a hundred.')),
    }),
  ),
  run: Type.Optional(run),
  hardware: Type.Optional(hardwareStatusSchema),
  recommendation: Type.Optional(recommendationSchema),
  application: Type.Optional(applicationSchema),
  applied: Type.Optional(appliedSchema),
  results: Type.Optional(keyedList('What was measured, one entry per setting.', result, maximumPoints, 'id')),
  measuring: Type.Optional(measuring),
  searches: Type.Optional(
    keyedList('Of spec.sweep.search: one entry for each batch size and entry of the hardware.', search, maximumPoints, 'id'),
  ),
  best: Type.Optional(best),
  nearestMiss: Type.Optional(rejected),
  rejected: Type.Optional(list('Points that broke a constraint.', rejected, maximumPoints)),
  provenance: Type.Optional(provenance),
  method: Type.Optional(method),
  gpuSource: Type.Optional(text('Where the figures of GPUs come from, or why there are none.', 512)),
  idle: Type.Optional(idleStatusSchema),
  schedule: Type.Optional(scheduleStatusSchema),
  history: Type.Optional(list('Runs that ended, the latest first.', past, 50)),
});
