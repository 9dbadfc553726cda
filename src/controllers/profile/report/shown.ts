/** A ModelProfile's results as the reports of `modelwright bench` show them. Pure. */
import type { ModelProfile, ModelProfileSpec, ModelProfileStatus, ProfileResult } from '../../../api/model-profile/index.ts';
import type { AccuracyMetric } from '../../../load/accuracy/metric.ts';
import { type Choice, paretoSet } from '../../../load/best.ts';
import { candidateOf } from '../../../load/import/imported.ts';
import type { Load } from '../../../load/point.ts';
import type { ShownPoint, ShownReport } from '../../../load/report/report.ts';
import { accuracyOf, objectiveOf } from '../results/choose.ts';
import { levelOf } from '../results/searches.ts';
import { meaningOf } from './meaning.ts';

/** What the status holds of the latest run, as far as it is. */
export function shownReport(profile: ModelProfile): ShownReport {
  const { metadata, spec, status = {} } = profile;
  const points = (status.results ?? []).map((result) => shownPoint(result, spec, status));
  return {
    run: status.measuring?.resultsOf ?? status.run?.id ?? 'none',
    tool: { name: 'modelwright', version: status.provenance?.tool ?? '(version unknown)' },
    startedAt: status.measuring === undefined ? (status.run?.startTime ?? metadata.creationTimestamp ?? null) : null,
    partial: status.measuring === undefined && status.run?.state !== 'Complete',
    target: { model: modelOf(spec), url: targetOf(profile), protocol: spec.target.protocol ?? 'default protocol' },
    definitions: definitionsOf(status),
    payload: { source: payloadSource(spec) },
    environment: null,
    coldStartMicroseconds: coldStart(status.results ?? []),
    objective: objectiveOf(profile.spec),
    best: choiceOf(profile, points),
    points,
    drift: null,
    searches: searchesOf(profile),
    scenario: null,
    remarks: remarksOf(status),
  };
}

/** `ModelDeployment models/iris`, or the URL. */
export function targetOf({ metadata, spec, status }: ModelProfile): string {
  const { modelDeployment, inferenceService, url } = spec.target;
  const where = metadata.namespace === undefined ? '' : `${metadata.namespace}/`;
  if (modelDeployment !== undefined) return `ModelDeployment ${where}${modelDeployment}`;
  if (inferenceService !== undefined) return `InferenceService ${where}${inferenceService}`;
  return url ?? status?.target ?? 'unknown';
}

function modelOf({ target }: ModelProfileSpec): string {
  return target.modelName ?? target.modelDeployment ?? target.inferenceService ?? 'model';
}

function shownPoint(result: ProfileResult, spec: ModelProfileSpec, { provenance }: ModelProfileStatus): ShownPoint {
  const { batchSize, requests, errors, latencyMicroseconds: latency, server, gpu } = result;
  const perSecond = Number(result.requestsPerSecondMeasured);
  const durationSeconds = spec.load?.durationSeconds ?? 30;
  const perRequest = (samples: string | undefined) => (samples === undefined ? null : Number(samples) / batchSize);
  const load = loadOf(result, spec);
  const accuracy = accuracyOf(result);
  return {
    id: result.id,
    ...(result.hardware !== undefined && { hardware: result.hardware }),
    batchSize,
    load,
    repeat: false,
    startedAt: new Date(Date.parse(result.completedAt) - durationSeconds * 1000).toISOString(),
    durationSeconds,
    requests,
    succeeded: requests - errors,
    errorExamples: Object.entries(result.errorClasses ?? {}).map(([name, count]) => `${name}: ${count} request(s)`),
    offeredPerSecond: load.loop === 'open' ? load.requestsPerSecond : null,
    requestsPerSecond: perSecond,
    requestsPerSecondInterval: { low: perRequest(result.samplesPerSecondLow), high: perRequest(result.samplesPerSecondHigh) },
    inferencesPerSecond: Number(result.samplesPerSecond),
    goodputPerSecond: null,
    latencyMicroseconds: latency ?? null,
    latencyIntervals: latency === undefined ? {} : { p99: { low: latency.p99Low ?? null, high: latency.p99High ?? null } },
    sendLagMicroseconds: null,
    client: { cpuMicrosecondsPerRequest: null },
    server:
      server === undefined
        ? null
        : {
            queue: server.queue ?? null,
            preprocess: server.preprocess ?? null,
            infer: server.infer ?? null,
            postprocess: server.postprocess ?? null,
            averageBatch: null,
          },
    gpus:
      gpu === undefined
        ? null
        : [
            {
              uuid: provenance?.gpuUuids?.[0] ?? provenance?.gpuProduct ?? 'gpu',
              utilisationPercent: gpu.utilizationPercent === undefined ? null : Number(gpu.utilizationPercent),
              utilisationActivePercent: gpu.utilizationActivePercent === undefined ? null : Number(gpu.utilizationActivePercent),
              utilisationMaxPercent: gpu.utilizationMaxPercent === undefined ? null : Number(gpu.utilizationMaxPercent),
              memoryUsedMaxBytes: gpu.memoryUsedMaxMebibytes === undefined ? null : gpu.memoryUsedMaxMebibytes * 2 ** 20,
              ...(gpu.memoryTotalMebibytes !== undefined && { memoryTotalBytes: gpu.memoryTotalMebibytes * 2 ** 20 }),
              memoryPreallocated: false,
              powerWatts: gpu.powerWatts === undefined ? null : Number(gpu.powerWatts),
            },
          ],
    ...(accuracy !== null && result.accuracy !== undefined && { accuracy: { ...accuracy, metric: metricOf(result.accuracy.metric) } }),
    valid: result.valid,
    invalidReasons: (result.invalidReasons ?? []).map((reason) => ({ reason, message: meaningOf(reason) })),
    notes: [],
  };
}

const metricOf = (metric: 'Top1' | 'Top5' | 'Custom') => metric.toLowerCase() as AccuracyMetric;

function loadOf({ concurrency, requestsPerSecond }: ProfileResult, { sweep }: ModelProfileSpec): Load {
  if (concurrency !== undefined) return { loop: 'closed', concurrency };
  return {
    loop: 'open',
    requestsPerSecond: Number(requestsPerSecond ?? 0),
    arrivals: sweep.arrivals === 'Constant' ? 'constant' : 'poisson',
  };
}

/** The first request of the run is that of the point that was complete first. */
function coldStart(results: readonly ProfileResult[]): number | null {
  const first = results
    .filter(({ coldStartMicroseconds }) => coldStartMicroseconds !== undefined)
    .toSorted((a, b) => Date.parse(a.completedAt) - Date.parse(b.completedAt))[0];
  return first?.coldStartMicroseconds ?? null;
}

/** The operator's choice as it stands in the status; only what follows from the figures alone is added. */
function choiceOf({ spec, status }: ModelProfile, points: readonly ShownPoint[]): Choice {
  const best = status?.best;
  const judged = status?.conditions?.find(({ type }) => type === 'SLOMet');
  return {
    best: best?.id ?? null,
    reason: best?.reason ?? judged?.message ?? 'nothing was measured',
    runnerUp: best?.runnerUp ?? null,
    ties: [],
    economical: best?.economical ?? null,
    pareto: paretoSet(points.filter(({ valid }) => valid).map(candidateOf), spec.objective?.latency?.[0]?.percentile ?? 'p99'),
    rejected: status?.rejected ?? [],
    nearestMiss: status?.nearestMiss ?? null,
  };
}

function payloadSource({ payload }: ModelProfileSpec): string {
  if (payload?.json !== undefined) return 'payload: spec.payload.json';
  if (payload?.configMapKeyRef !== undefined)
    return `payload: ConfigMap ${payload.configMapKeyRef.name}, key ${payload.configMapKeyRef.key}`;
  return 'payload: made from the signature that the server tells';
}

function definitionsOf({ method }: ModelProfileStatus): string {
  if (method === undefined) return 'Intervals at 95 %.';
  return `Percentiles: ${method.percentile}; clock: ${method.clock}; loop: ${method.loop}; intervals at 95 %.`;
}

/** The levels that came back stand for those that were tried. */
function searchesOf({ spec, status }: ModelProfile): ShownReport['searches'] {
  const { search } = spec.sweep;
  if (search === undefined) return [];
  return (status?.searches ?? []).map(({ batchSize, hardware, found, failedAt }) => ({
    batchSize,
    over: search.for === 'Concurrency' ? 'concurrency' : 'rate',
    found: found === undefined ? null : Number(found),
    failedAt: failedAt === undefined ? null : Number(failedAt),
    tolerance: (search.tolerancePercent ?? 5) / 100,
    trials: (status?.results ?? [])
      .filter((result) => result.batchSize === batchSize && result.hardware === hardware)
      .map((result) => ({ level: levelOf(result), passed: levelOf(result) <= Number(found ?? 0) })),
  }));
}

/** `Server: VALID, 99.8 queries/s`. */
function scenarioText({ name, valid, unmet = [], ...metric }: NonNullable<ProfileResult['scenario']>): string {
  const { latencyMicroseconds: latency, queriesPerSecond, samplesPerSecond } = metric;
  const figure =
    latency !== undefined
      ? `p${name === 'SingleStream' ? 90 : 99} ${latency / 1000} ms (early-stopping estimate)`
      : queriesPerSecond !== undefined
        ? `${queriesPerSecond} queries/s`
        : samplesPerSecond === undefined
          ? 'no figure'
          : `${samplesPerSecond} samples/s`;
  return `${name}: ${valid ? 'VALID' : `INVALID (not met: ${unmet.join(', ')})`}, ${figure}`;
}

/** What the figures are of, and what is to be known before they are used. */
function remarksOf({ provenance, run, gpuSource, hardware = [], results = [], conditions = [] }: ModelProfileStatus): string[] {
  const said: string[] = [];
  const say = (what: string, value: string | undefined) => value !== undefined && value !== '' && said.push(`${what}: ${value}`);
  say('model', provenance?.storageUri);
  say('SHA-256 of the model', provenance?.modelSha256);
  say('model server', [provenance?.image, provenance?.imageDigest].filter(Boolean).join(', '));
  say('served by', [provenance?.kserve, provenance?.deploymentMode].filter(Boolean).join(', '));
  say('nodes', provenance?.nodes?.join(', '));
  say(
    'GPU',
    [provenance?.gpuProduct, provenance?.gpuDriver && `driver ${provenance.gpuDriver}`, provenance?.gpuUuids?.join(', ')]
      .filter(Boolean)
      .join(', '),
  );
  say(
    'measured again, having come out invalid',
    results
      .filter(({ repeats }) => (repeats ?? 0) > 0)
      .map(({ id }) => id)
      .join(', '),
  );
  for (const { id, scenario } of results) if (scenario !== undefined) said.push(`${id} as ${scenarioText(scenario)}`);
  say('GPU figures', gpuSource);
  say('taken over from', run?.reusedFrom);
  for (const { name, state, message = '' } of hardware) {
    if (state === 'Unavailable' || state === 'Failed') said.push(`hardware ${name} was not measured (${state}): ${message}`);
  }
  for (const { type, status, message } of conditions) {
    if ((type === 'Stale' || type === 'Regressed') && status === 'True') said.push(`${type.toUpperCase()}: ${message}`);
    if (type === 'Ready' && status !== 'True') said.push(`not ready: ${message}`);
  }
  return said;
}
