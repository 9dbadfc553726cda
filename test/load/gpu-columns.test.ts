/**
 * GPU and server columns, from exporters of known truth through `modelwright bench` in a process of its own, its termination message and
 * back: what the status of a ModelProfile would say equals what the exporters told.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ProfileResult } from '../../src/api/model-profile/index.ts';
import { gpuSourceText } from '../../src/controllers/profile/idle/gpu-source.ts';
import { benchArguments } from '../../src/controllers/profile/job/arguments.ts';
import { resultOf } from '../../src/controllers/profile/results/result.ts';
import type { ReadyTarget } from '../../src/controllers/profile/target/target.ts';
import { decodePoints } from '../../src/load/point-code.ts';
import { blank, type FakeExporter, type FakeGpu, type GpuTruth, type LabelStyle, startDcgmExporter } from '../support/dcgm-exporter.ts';
import { bench } from './bench.ts';
import { startTruthServer, type TruthServer } from './servers/start.ts';

let server: TruthServer;
let folder: string;
before(async () => {
  server = await startTruthServer({ kind: 'fixed', microseconds: 5000 });
  folder = mkdtempSync(join(tmpdir(), 'modelwright-gpu-'));
});
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const labels = { namespace: 'models', pod: 'iris-0' };

/** The only point of a run with the command line that a load pod gets, as the status tells it. */
async function measured(target: Partial<ReadyTarget>): Promise<ProfileResult> {
  const run = 'run-00001';
  const ready: ReadyTarget = { url: server.url, protocol: 'V2', modelName: 'truth', pods: [], provenance: { target: 'x' }, ...target };
  const spec = { target: { modelDeployment: 'iris' }, sweep: {}, load: { warmupSeconds: 0, durationSeconds: 4 } } as const;
  const task = { kind: 'Point', id: 'b1-c2', batchSize: 1, load: { loop: 'closed', concurrency: 2 } } as const;
  const file = join(folder, 'termination');
  const args = benchArguments(spec, run, ready, [[task]], 1)
    .slice(1)
    .map((arg) => arg.replace('$(JOB_COMPLETION_INDEX)', '0').replace('/dev/termination-log', file));
  const { code, stderr } = await bench(args);
  assert.equal(code, 0, stderr);
  const decoded = decodePoints(readFileSync(file, 'utf8'), run);
  assert.ok(decoded.ok, JSON.stringify(decoded));
  assert.equal(decoded.points.length, 1);
  return resultOf(decoded.points[0] as (typeof decoded.points)[number], 0);
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const shown = (value: number) => String(Number(value.toFixed(1)));

/** What the columns must be, worked out from what the exporter told of the GPUs at these positions. */
function truthOf({ told }: FakeExporter, positions: readonly number[]): ProfileResult['gpu'] {
  const of = (position: number) => told.map((truths) => truths[position] as GpuTruth);
  const each = positions.map((position) => {
    const uses = of(position).map(({ utilization }) => utilization as number);
    const busy = uses.filter((use) => use > 0);
    return {
      use: mean(uses),
      active: busy.length === 0 ? undefined : mean(busy),
      most: Math.max(...uses),
      used: Math.max(...of(position).map(({ used }) => used)),
      total: mean(of(position).map(({ used, free, reserved = 0 }) => used + free + reserved)),
      power: mean(of(position).map(({ power }) => power ?? Number.NaN)),
    };
  });
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    utilizationPercent: shown(mean(each.map(({ use }) => use))),
    utilizationActivePercent: shown(mean(each.flatMap(({ active }) => active ?? []))),
    utilizationMaxPercent: shown(Math.max(...each.map(({ most }) => most))),
    memoryUsedMaxMebibytes: sum(each.map(({ used }) => used)),
    memoryTotalMebibytes: sum(each.map(({ total }) => total)),
    powerWatts: String(Number(sum(each.map(({ power }) => power)).toFixed(3))),
  };
}

/** A GPU of the model whose use rises and falls. */
const working = (uuid: string, more: Partial<FakeGpu> = {}): FakeGpu => ({
  uuid,
  ...labels,
  at: (n) => ({
    utilization: [0, 35, 80, 55][n % 4] as number,
    used: 3000 + 100 * (n % 5),
    free: 12_000 - 100 * (n % 5),
    reserved: 260,
    power: 30 + 8 * (n % 3),
  }),
  ...more,
});
/** Somebody else's, at full use. */
const foreign: FakeGpu = {
  uuid: 'GPU-f',
  pod: 'other-0',
  namespace: 'models',
  at: (n) => ({ utilization: 99, used: 15_000, free: n, power: 70 + n }),
};

describe('the GPU columns of a point', () => {
  const exact: readonly [what: string, gpus: readonly FakeGpu[], own: readonly number[], style?: LabelStyle][] = [
    ['the only GPU, past those of others', [foreign, working('GPU-1')], [1]],
    [
      'several GPUs of one server',
      [
        working('GPU-1'),
        foreign,
        { ...working('GPU-2'), at: (n) => ({ utilization: n % 2 === 0 ? 10 : 20, used: 500 + n, free: 15_000 - n, power: 25 + n }) },
      ],
      [0, 2],
    ],
    [
      'MIG instances of one GPU',
      [working('GPU-1', { instance: 3 }), { ...foreign, uuid: 'GPU-1', instance: 4 }, working('GPU-1', { instance: 5 })],
      [0, 2],
    ],
    ['labels as they once were called', [foreign, working('GPU-1')], [1], 'old'],
    ['labels in lower case', [foreign, working('GPU-1')], [1], 'lowercase'],
    ['labels as Prometheus renames them', [foreign, working('GPU-1')], [1], 'prometheus'],
  ];
  for (const [what, gpus, own, style = 'current'] of exact) {
    it(`equal the truth: ${what}`, async () => {
      await using exporter = await startDcgmExporter(gpus, { style });
      const result = await measured({ dcgmUrl: exporter.url, gpuLabels: labels });
      assert.ok(exporter.told.length >= 3, `${exporter.told.length} readings`);
      assert.deepEqual(result.gpu, truthOf(exporter, own));
    });
  }

  it('are absent for what is blank, and there for the rest', async () => {
    const gpu = working('GPU-1', { at: (n) => ({ utilization: blank, used: 3000 + n, free: 12_000 - n, power: 40 + n }) });
    await using exporter = await startDcgmExporter([gpu]);
    const { gpu: told } = await measured({ dcgmUrl: exporter.url, gpuLabels: labels });
    assert.deepEqual([told?.utilizationPercent, told?.utilizationActivePercent, told?.utilizationMaxPercent], Array(3).fill(undefined));
    assert.deepEqual([told?.memoryUsedMaxMebibytes, told?.memoryTotalMebibytes], [3000 + exporter.told.length - 1, 15_000]);
    assert.ok(told?.powerWatts !== undefined);
  });

  it('are absent but for memory where the readings stand still, with the reason', async () => {
    const gpu = working('GPU-1', { at: () => ({ utilization: 60, used: 3000, free: 12_000, power: 50 }) });
    await using exporter = await startDcgmExporter([gpu]);
    const result = await measured({ dcgmUrl: exporter.url, gpuLabels: labels });
    assert.deepEqual(result.gpu, { memoryUsedMaxMebibytes: 3000, memoryTotalMebibytes: 15_000 });
    assert.match(
      gpuSourceText({ target: { dcgmUrl: exporter.url }, text: 'DCGM exporter x' }, [result]),
      /^DCGM exporter x; its use did not change while points were measured/,
    );
  });

  it('are absent without exporter, with an exporter that does not answer, and with one that tells of other Pods only', async () => {
    const without = await measured({});
    assert.equal(without.gpu, undefined);
    assert.equal(
      gpuSourceText({ target: {}, text: 'node n1 has no Pod of a DCGM exporter' }, [without]),
      'none: node n1 has no Pod of a DCGM exporter',
    );
    await using exporter = await startDcgmExporter([foreign]);
    const others = await measured({ dcgmUrl: exporter.url, gpuLabels: labels });
    assert.equal(others.gpu, undefined);
    assert.match(
      gpuSourceText({ target: { dcgmUrl: exporter.url }, text: 'DCGM exporter x' }, [others]),
      /^none: DCGM exporter x: it told nothing/,
    );
    await exporter[Symbol.asyncDispose]();
    assert.equal((await measured({ dcgmUrl: exporter.url, gpuLabels: labels })).gpu, undefined);
  });
});

/** A server's own metrics: counters that grow with every question by known steps, in the words of one kind of server. */
async function ownMetrics(text: (n: number) => string) {
  let questions = 0;
  const metrics = createServer((_, response) => response.end(text(questions++)));
  metrics.listen(0, '127.0.0.1');
  await once(metrics, 'listening');
  return {
    url: `http://127.0.0.1:${(metrics.address() as AddressInfo).port}/metrics`,
    asked: () => questions,
    async [Symbol.asyncDispose]() {
      metrics.closeAllConnections();
      await new Promise((resolve) => metrics.close(resolve));
    },
  };
}

describe("a point's columns from the server's own metrics", () => {
  it("are Triton's GPU and its split of the time, where no exporter is", async () => {
    await using triton = await ownMetrics((n) =>
      [
        `nv_gpu_utilization{gpu_uuid="GPU-1"} ${[0.2, 0.6][n % 2]}`,
        `nv_gpu_memory_used_bytes{gpu_uuid="GPU-1"} ${(2000 + n) * 2 ** 20}`,
        `nv_gpu_memory_total_bytes{gpu_uuid="GPU-1"} ${16_000 * 2 ** 20}`,
        `nv_gpu_power_usage{gpu_uuid="GPU-1"} ${40 + n}`,
        `nv_inference_request_success{model="truth",version="1"} ${100 * n}`,
        `nv_inference_count{model="truth",version="1"} ${100 * n}`,
        `nv_inference_exec_count{model="truth",version="1"} ${100 * n}`,
        ...['queue', 'compute_input', 'compute_infer', 'compute_output'].map(
          (stage, i) => `nv_inference_${stage}_duration_us{model="truth",version="1"} ${100 * n * (i + 1) * 10}`,
        ),
        '',
      ].join('\n'),
    );
    const { gpu, server: split } = await measured({ metricsUrl: triton.url });
    const n = triton.asked();
    const uses = Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 20 : 60));
    assert.deepEqual(gpu, {
      utilizationPercent: shown(mean(uses)),
      utilizationActivePercent: shown(mean(uses)),
      utilizationMaxPercent: shown(Math.max(...uses)),
      memoryUsedMaxMebibytes: 2000 + n - 1,
      memoryTotalMebibytes: 16_000,
      powerWatts: String(Number(mean(Array.from({ length: n }, (_, i) => 40 + i)).toFixed(3))),
    });
    assert.deepEqual(split, { queue: 10, preprocess: 20, infer: 30, postprocess: 40 });
  });

  it("are TensorFlow Serving's times; it tells of no GPU", async () => {
    await using tensorflow = await ownMetrics((n) =>
      [
        `:tensorflow:serving:request_latency_sum{model_name="truth"} ${n * 10_000}`,
        `:tensorflow:serving:request_latency_count{model_name="truth"} ${n * 10}`,
        `:tensorflow:serving:runtime_latency_sum{model_name="truth"} ${n * 8000}`,
        `:tensorflow:serving:runtime_latency_count{model_name="truth"} ${n * 10}`,
        '',
      ].join('\n'),
    );
    const { gpu, server: split } = await measured({ metricsUrl: tensorflow.url });
    assert.equal(gpu, undefined);
    assert.deepEqual(split, { preprocess: 200, infer: 800 });
  });

  it("are TorchServe's times and its GPU", async () => {
    await using torchserve = await ownMetrics((n) =>
      [
        `GPUUtilization{Level="Host",DeviceId="0"} ${10 + n}`,
        `GPUMemoryUsed{Level="Host",DeviceId="0"} ${1000 + n}`,
        `ts_inference_requests_total{model_name="truth"} ${n * 10}`,
        `ts_inference_latency_microseconds{model_name="truth"} ${n * 9000}`,
        `ts_queue_latency_microseconds{model_name="truth"} ${n * 2000}`,
        '',
      ].join('\n'),
    );
    const { gpu, server: split } = await measured({ metricsUrl: torchserve.url });
    const n = torchserve.asked();
    assert.deepEqual(gpu, {
      utilizationPercent: shown(10 + (n - 1) / 2),
      utilizationActivePercent: shown(10 + (n - 1) / 2),
      utilizationMaxPercent: shown(10 + n - 1),
      memoryUsedMaxMebibytes: 1000 + n - 1,
    });
    assert.deepEqual(split, { queue: 200, infer: 700 });
  });
});
