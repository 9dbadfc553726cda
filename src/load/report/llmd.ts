import { hash } from 'node:crypto';
import type { ShownPoint, ShownReport } from './report.ts';

/** The one component that a measurement from outside knows of. */
const server = 'model-server';

/**
 * A point as llm-d's Benchmark Report (version 0.2): the one published schema for exchanging such results. Statistics are in seconds and per
 * second; one whose mean is not known is left out, since the schema asks for it. Requests of tensor models have no tokens: their sequence
 * length is 0. What the schema has no place for (the batch size, validity, the largest memory of a GPU) stands in `observability.modelwright`,
 * where it allows more fields.
 */
export function llmdReport(report: ShownReport, point: ShownPoint): object {
  return {
    version: '0.2',
    run: {
      uid: `${report.run}/${point.id}`,
      eid: report.run,
      ...(point.startedAt !== null && point.durationSeconds !== null
        ? { time: { start: point.startedAt, duration: `PT${point.durationSeconds.toFixed(3)}S` } }
        : {}),
      description: `${report.tool.name} ${point.id}`,
    },
    scenario: { stack: [component(report)], load: load(report, point) },
    results: {
      request_performance: { aggregate: performance(point) },
      observability: {
        components: (point.gpus ?? []).map(({ uuid, stale, utilisationPercent, utilisationMaxPercent }) => ({
          component_label: server,
          replica_id: uuid,
          aggregate:
            stale === true || utilisationPercent === null
              ? {}
              : { gpu_utilization: statistics('percent', { mean: utilisationPercent, max: utilisationMaxPercent }) },
        })),
        modelwright: {
          batchSize: point.batchSize,
          inferencesPerSecond: point.inferencesPerSecond,
          latencyMicroseconds: point.latencyMicroseconds,
          valid: point.valid,
          invalidReasons: point.invalidReasons,
          gpus: point.gpus,
        },
      },
    },
  };
}

function component({ target }: ShownReport): object {
  const { protocol, model } = target;
  return {
    metadata: { label: server, cfg_id: hash('sha256', JSON.stringify([protocol, model])) },
    // Which server it is, and of what version, is not told by the protocol.
    standardized: { kind: 'generic', tool: 'model server', tool_version: 'unknown', protocol, model: { name: model } },
    native: {},
  };
}

function load({ tool, target }: ShownReport, { batchSize, load: setting }: ShownPoint): object {
  return {
    metadata: {},
    standardized: {
      tool: tool.name,
      tool_version: tool.version,
      source: 'unknown',
      input_seq_len: { distribution: 'fixed', value: 0 },
      ...(setting.loop === 'closed' ? { concurrency: setting.concurrency } : { rate_qps: setting.requestsPerSecond }),
    },
    native: { args: { batch_size: batchSize, load: setting }, config: { protocol: target.protocol } },
  };
}

function performance({ latencyMicroseconds, requestsPerSecond, requests, succeeded }: ShownPoint): object {
  const seconds = (microseconds: number | undefined) => (microseconds === undefined ? undefined : microseconds / 1e6);
  const { mean, min, max, p50, p90, p95, p99, p999 } = latencyMicroseconds ?? {};
  return {
    ...(mean !== undefined && {
      latency: {
        request_latency: statistics('s', {
          mean: mean / 1e6,
          min: seconds(min),
          max: seconds(max),
          p50: seconds(p50),
          p90: seconds(p90),
          p95: seconds(p95),
          p99: seconds(p99),
          p99p9: seconds(p999),
        }),
      },
    }),
    throughput: { request_rate: statistics('queries/s', { mean: requestsPerSecond }) },
    ...(requests !== null && succeeded !== null && { requests: { total: requests, failures: requests - succeeded } }),
  };
}

/** The schema's `Statistics`: unit and mean are required, and what is not known is left out. */
function statistics(units: string, values: { readonly mean: number } & Readonly<Record<string, number | null | undefined>>): object {
  return { units, ...Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined)) };
}
