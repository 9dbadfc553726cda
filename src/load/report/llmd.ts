import type { ShownPoint, ShownReport } from './report.ts';

/**
 * A point as llm-d's Benchmark Report (version 0.2): the one published schema for exchanging such results. Only the parts that hold for
 * tensor models are filled; token metrics are absent. Their statistics are in seconds and per second.
 */
export function llmdReport(report: ShownReport, point: ShownPoint): object {
  const latency = point.latencyMicroseconds;
  const seconds = (name: string, microseconds: number | undefined) => (microseconds === undefined ? {} : { [name]: microseconds / 1e6 });
  return {
    version: '0.2',
    run: {
      uid: report.run,
      eid: `${report.run}/${point.id}`,
      ...(point.startedAt !== null && point.durationSeconds !== null
        ? { time: { start: point.startedAt, duration: `PT${point.durationSeconds.toFixed(3)}S` } }
        : {}),
      description: `${report.tool.name} ${point.id}`,
    },
    scenario: {
      load: {
        standardized: {
          tool: report.tool.name,
          tool_version: report.tool.version,
          source: 'random',
          ...(point.load.loop === 'closed' ? { concurrency: point.load.concurrency } : { rate_qps: point.load.requestsPerSecond }),
        },
        native: { args: { batch_size: point.batchSize, load: point.load }, config: { protocol: report.target.protocol } },
      },
      stack: [{ standardized: { kind: 'inference_engine', tool: report.target.protocol, model: { name: report.target.model } } }],
    },
    results: {
      request_performance: {
        aggregate: {
          ...(latency === null
            ? {}
            : {
                latency: {
                  request_latency: {
                    units: 's',
                    ...seconds('mean', latency.mean),
                    ...seconds('min', latency.min),
                    ...seconds('max', latency.max),
                    ...seconds('p50', latency.p50),
                    ...seconds('p90', latency.p90),
                    ...seconds('p95', latency.p95),
                    ...seconds('p99', latency.p99),
                    ...seconds('p99p9', latency.p999),
                  },
                },
              }),
          throughput: { request_rate: { units: 'queries/s', mean: point.requestsPerSecond } },
          ...(point.requests === null || point.succeeded === null
            ? {}
            : { requests: { total: point.requests, failures: point.requests - point.succeeded } }),
        },
      },
      observability: {
        components: (point.gpus ?? []).map((gpu) => ({
          component_label: gpu.uuid,
          aggregate: {
            ...(gpu.utilisationPercent === null ? {} : { gpu_utilization: { units: 'percent', mean: gpu.utilisationPercent } }),
            ...(gpu.memoryUsedMaxBytes === null ? {} : { gpu_memory_usage: { units: 'bytes', max: gpu.memoryUsedMaxBytes } }),
          },
        })),
      },
    },
  };
}
