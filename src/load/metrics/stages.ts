import type { ServerStages } from '../point.ts';
import { increase, type Sample } from './prometheus.ts';

/** Triton's `GET /v2/models/NAME/stats`, as far as it is read. */
export interface TritonStatistics {
  readonly model_stats?: readonly {
    readonly name?: string;
    readonly version?: string;
    readonly inference_count?: number;
    readonly execution_count?: number;
    readonly inference_stats?: Readonly<Record<string, { readonly count?: number; readonly ns?: number }>>;
  }[];
}

/** What the stages of the server took between two readings. `clientMean`: the client's mean latency in microseconds. */
export function stagesFromTriton(before: TritonStatistics, after: TritonStatistics, clientMean: number | null): ServerStages | null {
  const sum = (statistics: TritonStatistics, read: (model: NonNullable<TritonStatistics['model_stats']>[number]) => number | undefined) =>
    (statistics.model_stats ?? []).reduce((total, model) => total + (read(model) ?? 0), 0);
  const grown = (read: Parameters<typeof sum>[1]) => sum(after, read) - sum(before, read);
  const requests = grown((model) => model.inference_stats?.['success']?.count);
  if (requests <= 0) return null;
  const stage = (name: string) => {
    const ns = grown((model) => model.inference_stats?.[name]?.ns);
    return ns < 0 ? null : ns / requests / 1000;
  };
  const executions = grown((model) => model.execution_count);
  const stages = {
    queue: stage('queue'),
    preprocess: stage('compute_input'),
    infer: stage('compute_infer'),
    postprocess: stage('compute_output'),
  };
  return {
    source: 'triton statistics',
    ...stages,
    initialise: null,
    other: rest(clientMean, Object.values(stages)),
    averageBatch: executions > 0 ? grown((model) => model.inference_count) / executions : null,
    requests,
  };
}

/** Whether the counters fell between two readings: the server was restarted in between. */
export function tritonRestarted(before: TritonStatistics, after: TritonStatistics): boolean {
  const count = (statistics: TritonStatistics) =>
    (statistics.model_stats ?? []).reduce((total, model) => total + (model.inference_count ?? 0), 0);
  return count(after) < count(before);
}

/** The same from Prometheus text of Triton (:8002), TensorFlow Serving or TorchServe, told apart by their names. Null when none is known. */
export function stagesFromMetrics(
  before: readonly Sample[],
  after: readonly Sample[],
  model: string,
  clientMean: number | null,
): ServerStages | null {
  return (
    fromTritonMetrics(before, after, model, clientMean) ??
    fromTfServing(before, after, model, clientMean) ??
    fromTorchServe(before, after, model, clientMean)
  );
}

type Read = (before: readonly Sample[], after: readonly Sample[], model: string, clientMean: number | null) => ServerStages | null;

const fromTritonMetrics: Read = (before, after, model, clientMean) => {
  const grown = (name: string) => increase(before, after, name, { model });
  const requests = grown('nv_inference_request_success');
  if (requests === null || requests === 0) return null;
  const each = (name: string) => per(grown(name), requests);
  const stages = {
    queue: each('nv_inference_queue_duration_us'),
    preprocess: each('nv_inference_compute_input_duration_us'),
    infer: each('nv_inference_compute_infer_duration_us'),
    postprocess: each('nv_inference_compute_output_duration_us'),
  };
  return {
    source: 'triton metrics',
    ...stages,
    initialise: null,
    other: rest(clientMean, Object.values(stages)),
    averageBatch: per(grown('nv_inference_count'), grown('nv_inference_exec_count')),
    requests,
  };
};

/** TensorFlow Serving: `runtime_latency` is the session run, `request_latency` the whole request, both in microseconds. */
const fromTfServing: Read = (before, after, model, clientMean) => {
  const grown = (name: string, labels: Readonly<Record<string, string>> = { model_name: model }) =>
    increase(before, after, `:tensorflow:serving:${name}`, labels);
  const requests = grown('request_latency_count');
  if (requests === null || requests === 0) return null;
  const whole = per(grown('request_latency_sum'), requests);
  const infer = per(grown('runtime_latency_sum'), grown('runtime_latency_count'));
  const queue = per(grown('batching_session:queuing_latency_sum', {}), grown('batching_session:queuing_latency_count', {}));
  return {
    source: 'tensorflow serving metrics',
    queue,
    preprocess: whole === null || infer === null ? null : Math.max(0, whole - infer - (queue ?? 0)),
    infer,
    postprocess: null,
    initialise: null,
    other: rest(clientMean, [whole]),
    averageBatch: null,
    requests,
  };
};

/** TorchServe: `ts_inference_latency` covers queue and worker; the handler's own time is a gauge of the last request, in milliseconds. */
const fromTorchServe: Read = (before, after, model, clientMean) => {
  const grown = (name: string) => increase(before, after, name, { model_name: model });
  const requests = grown('ts_inference_requests_total');
  if (requests === null || requests === 0) return null;
  const whole = per(grown('ts_inference_latency_microseconds'), requests);
  const queue = per(grown('ts_queue_latency_microseconds'), requests);
  return {
    source: 'torchserve metrics',
    queue,
    preprocess: null,
    infer: whole === null || queue === null ? null : Math.max(0, whole - queue),
    postprocess: null,
    initialise: null,
    other: rest(clientMean, [whole]),
    averageBatch: null,
    requests,
  };
};

function per(sum: number | null, count: number | null): number | null {
  return sum === null || count === null || count === 0 ? null : sum / count;
}

function rest(clientMean: number | null, stages: readonly (number | null)[]): number | null {
  if (clientMean === null || stages.every((stage) => stage === null)) return null;
  return Math.max(0, clientMean - stages.reduce<number>((sum, stage) => sum + (stage ?? 0), 0));
}
