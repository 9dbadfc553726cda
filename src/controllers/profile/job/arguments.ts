/** The command line of a load pod. Nothing in it is secret: tokens and payloads are files. */
import type { ModelProfileSpec } from '../../../api/model-profile/index.ts';
import type { LoadProtocol } from '../../../api/model-profile/target.ts';
import type { DeepReadonly } from '../../../kube/object.ts';
import { scenarioDefaults } from '../../../load/scenario.ts';
import type { DatasetPlace } from '../accuracy/dataset.ts';
import type { Task } from '../plan/tasks.ts';
import type { ReadyTarget } from '../target/target.ts';

export const payloadFile = '/var/run/modelwright/payload/payload.json';
/** One file for each completion index, the signature for its archive; and one for the dataset. */
export const signatureFolder = '/var/run/modelwright/access';
/** The dataset, from its ConfigMap; and the signature for one that is a blob. */
export const datasetFile = '/var/run/modelwright/dataset/dataset.jsonl';
export const datasetSignatureKey = 'dataset';
export const tokenFile = '/var/run/modelwright/token/token';

const protocolFlags: Readonly<Record<LoadProtocol, string>> = {
  V1: 'v1',
  V2: 'v2',
  V2Binary: 'v2-binary',
  GRPCV1: 'grpc-tfserving',
  GRPCV2: 'grpc-v2',
  TorchServe: 'torchserve',
  HTTP: 'http',
};

/** What of a load pod lies elsewhere than in its cluster. */
export interface Places {
  /** Address that the archives of the full report have before their index. */
  readonly upload?: string;
  readonly dataset?: DatasetPlace;
}

/** How long a point takes beside its warm-up and its measurement: connections, first requests, the last replies. */
export const overheadSeconds = 3;
export const defaultLoad = { warmupSeconds: 5, durationSeconds: 30, requestTimeoutSeconds: 30 } as const;

/**
 * Every index of the Job has the same arguments; which points are its own it sees from its number.
 * @param chunks the tasks of each completion index
 * @param workers sending threads
 * @param places where datasets come from, and full reports go to
 */
export function benchArguments(
  spec: DeepReadonly<ModelProfileSpec>,
  run: string,
  target: ReadyTarget,
  chunks: readonly (readonly Task[])[],
  workers: number,
  { upload, dataset }: Places = {},
): string[] {
  const { sweep, load, objective, live, payload } = spec;
  const { warmupSeconds, durationSeconds, requestTimeoutSeconds } = { ...defaultLoad, ...load };
  const { search, scenario } = sweep;
  const hasPayload = payload?.json !== undefined || payload?.configMapKeyRef !== undefined;
  return [
    'bench',
    target.url,
    ...['--run', run],
    ...['--protocol', protocolFlags[target.protocol]],
    ...(target.modelName === undefined ? [] : ['--model', target.modelName]),
    ...chunks.flatMap((tasks) => ['--points', tasks.map(pointOf).join(',')]),
    ...['--points-index', '$(JOB_COMPLETION_INDEX)'],
    ...(sweep.requestsPerSecond === undefined && search?.for !== 'RequestsPerSecond'
      ? []
      : ['--arrivals', sweep.arrivals === 'Constant' ? 'constant' : 'poisson']),
    ...(search === undefined
      ? []
      : [
          ...['--search', search.for === 'Concurrency' ? 'concurrency' : 'rate'],
          ...['--search-start', String(search.start ?? 1)],
          ...['--search-max', String(search.maximum)],
          ...['--tolerance', String(search.tolerancePercent ?? 5)],
        ]),
    ...(scenario === undefined ? [] : scenarioArguments(scenario)),
    ...['--warmup', `${warmupSeconds}s`],
    ...(scenario === undefined ? ['--duration', `${durationSeconds}s`] : []),
    ...['--timeout', `${requestTimeoutSeconds}s`],
    ...(objective?.latency ?? []).flatMap(({ percentile, maxMilliseconds }) => ['--slo', `${percentile}=${maxMilliseconds}ms`]),
    ...(spec.accuracy === undefined ? [] : accuracyArguments(spec.accuracy, dataset)),
    ...(objective?.minAccuracyPercent === undefined ? [] : ['--min-accuracy', objective.minAccuracyPercent]),
    ...['--max-errors', String(objective?.maxErrorsPerMillion ?? 1000)],
    ...['--maximize', objective?.maximize ?? 'Throughput'],
    ...(live?.maxRequestsPerSecond === undefined ? [] : ['--max-rate', String(live.maxRequestsPerSecond)]),
    ...(live?.stopAboveP99Milliseconds === undefined ? [] : ['--stop-above', `p99=${live.stopAboveP99Milliseconds}ms`]),
    ...(live === undefined ? [] : ['--stop-on-errors']),
    ...(hasPayload ? [target.protocol === 'HTTP' ? '--body-file' : '--payload', payloadFile] : []),
    ...(spec.target.host === undefined ? [] : ['--host-header', spec.target.host]),
    ...(spec.target.tokenSecretRef === undefined ? [] : ['--token-file', tokenFile]),
    ...(target.addresses === undefined ? [] : ['--allow-addresses', target.addresses.join(',')]),
    ...(target.metricsUrl === undefined ? [] : ['--metrics-url', target.metricsUrl]),
    ...(target.statsUrl === undefined ? [] : ['--stats-url', target.statsUrl]),
    ...(target.dcgmUrl === undefined ? [] : ['--dcgm-url', target.dcgmUrl]),
    ...Object.entries(target.gpuLabels ?? {}).flatMap(([label, value]) => ['--gpu-label', `${label}=${value}`]),
    ...['--workers', String(workers)],
    ...(upload === undefined ? [] : uploadArguments(spec.report, upload)),
    '--no-repeat-first',
    '--no-verdict',
    ...['--termination', '/dev/termination-log'],
  ];
}

function accuracyArguments(
  { dataset, metric, output, tolerance, maxSamples }: NonNullable<DeepReadonly<ModelProfileSpec>['accuracy']>,
  place: Places['dataset'],
): string[] {
  return [
    ...['--accuracy', place?.kind === 'Blob' || place?.kind === 'Url' ? place.url : datasetFile],
    ...(place?.kind === 'Blob' ? ['--accuracy-signature', `${signatureFolder}/${datasetSignatureKey}`] : []),
    ...(place?.kind === 'Url' ? ['--accuracy-host', ...place.hosts] : []),
    ...(dataset.sha256 === undefined ? [] : ['--accuracy-sha256', dataset.sha256]),
    ...['--accuracy-metric', metric.toLowerCase()],
    ...(output === undefined ? [] : [`--accuracy-output=${output}`]),
    ...(maxSamples === undefined ? [] : ['--accuracy-samples', String(maxSamples)]),
    ...(tolerance?.relative === undefined ? [] : ['--relative-tolerance', tolerance.relative]),
    ...(tolerance?.absolute === undefined ? [] : ['--absolute-tolerance', tolerance.absolute]),
  ];
}

function uploadArguments(report: DeepReadonly<ModelProfileSpec>['report'], upload: string): string[] {
  const { samples, trace, traceRequests = 1000 } = report ?? {};
  return [
    ...['--upload', `${upload}$(JOB_COMPLETION_INDEX).zip`],
    ...['--upload-signature', `${signatureFolder}/$(JOB_COMPLETION_INDEX)`],
    '--histograms',
    ...(samples === true ? ['--upload-raw'] : []),
    ...(trace === undefined ? [] : ['--trace', trace.toLowerCase(), '--trace-requests', String(traceRequests)]),
  ];
}

function scenarioArguments({ name, requestsPerSecond, concurrency, samples, minimumSeconds, minimumQueries }: Scenario): string[] {
  return [
    ...['--scenario', name],
    ...(requestsPerSecond === undefined ? [] : ['--rate', String(requestsPerSecond)]),
    ...(concurrency === undefined ? [] : ['--concurrency', String(concurrency)]),
    ...(samples === undefined ? [] : ['--samples', String(samples)]),
    ...['--requests', String(minimumQueries ?? scenarioDefaults.minimumQueries)],
    ...['--duration', `${minimumSeconds ?? scenarioDefaults.minimumSeconds}s`],
  ];
}

type Scenario = NonNullable<DeepReadonly<ModelProfileSpec>['sweep']['scenario']>;

/** As `--points` writes it: `b8-c16`, `b1-r50`; of a search and of a scenario the batch size alone. */
function pointOf(task: Task): string {
  if (task.kind !== 'Point') return `b${task.batchSize}`;
  const { load, batchSize } = task;
  return load.loop === 'closed' ? `b${batchSize}-c${load.concurrency}` : `b${batchSize}-r${load.requestsPerSecond}`;
}

/** Seconds that one task takes, about. A search tries about eight levels; how fast Offline goes nobody knows. */
export function secondsOf(spec: DeepReadonly<ModelProfileSpec>, task: Pick<Task, 'kind'>): number {
  const { warmupSeconds, durationSeconds } = { ...defaultLoad, ...spec.load };
  const { minimumSeconds } = { ...scenarioDefaults, ...spec.sweep.scenario };
  if (task.kind === 'Scenario') return warmupSeconds + minimumSeconds + overheadSeconds;
  return (warmupSeconds + durationSeconds + overheadSeconds) * (task.kind === 'Search' ? 8 : 1);
}
