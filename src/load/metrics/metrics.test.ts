import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { gpuUse } from './gpu.ts';
import { readGpus } from './gpu-reading.ts';
import { increase, parsePrometheus } from './prometheus.ts';
import { stagesFromMetrics, stagesFromTriton, tritonRestarted } from './stages.ts';

const none = { labels: {}, preallocates: false };
const scrapes = (...texts: string[]) => texts.map((text, i) => ({ at: i * 1e6, samples: parsePrometheus(text) }));

describe('Prometheus text', () => {
  it('is read with labels, escapes, colons in names, timestamps, and without blanks', () => {
    const samples = parsePrometheus(
      '# HELP x y\n:tensorflow:serving:request_count{model_name="a\\"b\\\\c\\nd",status="OK"} 3 1700000000\nplain 1e3\nblank 9223372036854775794\nnot_a_number NaN\ninf{le="+Inf"} 7\n!!\n',
    );
    assert.deepEqual(samples, [
      { name: ':tensorflow:serving:request_count', labels: { model_name: 'a"b\\c\nd', status: 'OK' }, value: 3 },
      { name: 'plain', labels: {}, value: 1000 },
      { name: 'inf', labels: { le: '+Inf' }, value: 7 },
    ]);
  });
  it('never throws', () => {
    fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => Array.isArray(parsePrometheus(text))));
  });
  it('tells growth, and nothing when a counter is missing or fell', () => {
    const before = parsePrometheus('c{m="a"} 5\nc{m="b"} 1\n');
    assert.equal(increase(before, parsePrometheus('c{m="a"} 8\nc{m="b"} 1\n'), 'c'), 3);
    assert.equal(increase(before, parsePrometheus('c{m="a"} 8\n'), 'c', { m: 'a' }), 3);
    assert.equal(increase(before, parsePrometheus('c{m="a"} 2\n'), 'c'), null);
    assert.equal(increase(before, [], 'c'), null);
  });
});

describe('GPU use', () => {
  const dcgm = (util: number, used: number, energy: number) =>
    `DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-1",modelName="Tesla T4",pod="m"} ${util}\nDCGM_FI_DEV_FB_USED{UUID="GPU-1",pod="m"} ${used}\nDCGM_FI_DEV_FB_FREE{UUID="GPU-1",pod="m"} ${15_000 - used}\nDCGM_FI_DEV_FB_RESERVED{UUID="GPU-1",pod="m"} 100\nDCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{UUID="GPU-1",pod="m"} ${energy}\nDCGM_FI_DEV_GPU_UTIL{gpu="1",UUID="GPU-2",pod="other"} 99\n`;

  it("comes from DCGM in its units: MiB, mJ, percent, another pod's GPU left out", () => {
    const [use, ...others] = gpuUse(scrapes(dcgm(0, 1000, 1_000_000), dcgm(80, 3000, 1_070_000), dcgm(40, 2000, 1_140_000)), {
      labels: { pod: 'm' },
      preallocates: true,
    });
    assert.equal(others.length, 0);
    assert.deepEqual(use, {
      uuid: 'GPU-1',
      model: 'Tesla T4',
      source: 'dcgm',
      samples: 3,
      stale: false,
      utilisationPercent: 40,
      utilisationActivePercent: 60,
      utilisationMaxPercent: 80,
      memoryUsedMaxBytes: 3000 * 2 ** 20,
      memoryTotalBytes: 15_100 * 2 ** 20,
      memoryPreallocated: true,
      powerWatts: 70,
      energyJoules: 140,
    });
  });

  it('is null, never 0, for what nobody tells', () => {
    const [use] = gpuUse(scrapes('DCGM_FI_DEV_FB_USED{UUID="GPU-1"} 10\nDCGM_FI_DEV_GPU_UTIL{UUID="GPU-1"} 9223372036854775794\n'), none);
    assert.equal(use?.utilisationPercent, null);
    assert.equal(use?.powerWatts, null);
    assert.equal(use?.memoryTotalBytes, null);
    assert.deepEqual(gpuUse(scrapes('nv_inference_count 1\n'), none), []);
  });

  it('prefers the engine-active metric, which MIG slices have', () => {
    const [use] = gpuUse(scrapes('DCGM_FI_PROF_GR_ENGINE_ACTIVE{UUID="M"} 0.5\nDCGM_FI_DEV_GPU_UTIL{UUID="M"} 0\n'), none);
    assert.equal(use?.utilisationPercent, 50);
  });

  it('marks readings that never moved as stale', () => {
    const same = dcgm(50, 1000, 5);
    assert.equal(gpuUse(scrapes(same, same, same), { labels: { pod: 'm' }, preallocates: false })[0]?.stale, true);
    assert.equal(gpuUse(scrapes(same, same), { labels: { pod: 'm' }, preallocates: false })[0]?.stale, false);
  });

  it('comes from Triton in bytes and shares', () => {
    const [use] = gpuUse(
      scrapes(
        'nv_gpu_utilization{gpu_uuid="G"} 0.25\nnv_gpu_memory_used_bytes{gpu_uuid="G"} 5\nnv_gpu_memory_total_bytes{gpu_uuid="G"} 9\nnv_gpu_power_usage{gpu_uuid="G"} 61\n',
      ),
      none,
    );
    assert.deepEqual(
      [use?.source, use?.utilisationPercent, use?.memoryUsedMaxBytes, use?.memoryTotalBytes, use?.powerWatts],
      ['triton', 25, 5, 9, 61],
    );
  });
});

describe("the server's stages", () => {
  const stats = (count: number, scale: number) => ({
    model_stats: [
      {
        name: 'm',
        inference_count: count * 4,
        execution_count: count / 2,
        inference_stats: Object.fromEntries(
          ['success', 'queue', 'compute_input', 'compute_infer', 'compute_output'].map((name, i) => [
            name,
            { count, ns: count * scale * (i + 1) * 1000 },
          ]),
        ),
      },
    ],
  });

  it("come from Triton's statistics, averaged over the requests in between", () => {
    const stages = stagesFromTriton(stats(100, 10), stats(300, 10), 200);
    assert.deepEqual(stages, {
      source: 'triton statistics',
      queue: 20,
      preprocess: 30,
      infer: 40,
      postprocess: 50,
      initialise: null,
      other: 60,
      averageBatch: 8,
      requests: 200,
    });
    assert.equal(stagesFromTriton(stats(100, 10), stats(100, 10), 200), null);
    assert.equal(tritonRestarted(stats(100, 1), stats(20, 1)), true);
  });

  it("come from Triton's, TensorFlow Serving's and TorchServe's metrics by their names", () => {
    const triton = (n: number) =>
      parsePrometheus(
        `nv_inference_request_success{model="m"} ${n}\nnv_inference_queue_duration_us{model="m"} ${n * 5}\nnv_inference_compute_infer_duration_us{model="m"} ${n * 7}\nnv_inference_count{model="m"} ${n * 2}\nnv_inference_exec_count{model="m"} ${n}\n`,
      );
    assert.deepEqual(stagesFromMetrics(triton(10), triton(20), 'm', 20), {
      source: 'triton metrics',
      queue: 5,
      preprocess: null,
      infer: 7,
      postprocess: null,
      initialise: null,
      other: 8,
      averageBatch: 2,
      requests: 10,
    });
    const tf = (n: number) =>
      parsePrometheus(
        `:tensorflow:serving:request_latency_sum{model_name="m"} ${n * 100}\n:tensorflow:serving:request_latency_count{model_name="m"} ${n}\n:tensorflow:serving:runtime_latency_sum{model_name="m"} ${n * 80}\n:tensorflow:serving:runtime_latency_count{model_name="m"} ${n}\n`,
      );
    assert.deepEqual([stagesFromMetrics(tf(1), tf(11), 'm', 150)?.infer, stagesFromMetrics(tf(1), tf(11), 'm', 150)?.preprocess], [80, 20]);
    const torch = (n: number) =>
      parsePrometheus(
        `ts_inference_requests_total{model_name="m"} ${n}\nts_inference_latency_microseconds{model_name="m"} ${n * 900}\nts_queue_latency_microseconds{model_name="m"} ${n * 200}\n`,
      );
    assert.deepEqual(
      [stagesFromMetrics(torch(1), torch(3), 'm', 1000)?.queue, stagesFromMetrics(torch(1), torch(3), 'm', 1000)?.infer],
      [200, 700],
    );
    assert.equal(stagesFromMetrics(parsePrometheus('x 1\n'), parsePrometheus('x 2\n'), 'm', 1), null);
  });
});

describe('GPU use of what exporters make of their labels', () => {
  const line = (name: string, labels: string, value: number | string) => `DCGM_FI_${name}{${labels}} ${value}\n`;

  it('is told apart by MIG instance, which share the UUID', () => {
    const mig = (instance: number, pod: string, active: number, used: number) => {
      const labels = `gpu="0",UUID="GPU-1",GPU_I_PROFILE="1g.5gb",GPU_I_ID="${instance}",pod="${pod}"`;
      return line('PROF_GR_ENGINE_ACTIVE', labels, active) + line('DEV_FB_USED', labels, used) + line('DEV_FB_FREE', labels, 4864 - used);
    };
    const text = mig(7, 'm', 0.25, 1000) + mig(8, 'other', 0.9, 4000) + mig(9, 'm', 0.5, 2000);
    const uses = gpuUse(scrapes(text), { labels: { pod: 'm' }, preallocates: false });
    assert.deepEqual(
      uses.map(({ uuid, utilisationPercent, memoryUsedMaxBytes }) => [uuid, utilisationPercent, memoryUsedMaxBytes]),
      [
        ['GPU-1/7', 25, 1000 * 2 ** 20],
        ['GPU-1/9', 50, 2000 * 2 ** 20],
      ],
    );
  });

  const renamed: readonly [what: string, labels: string][] = [
    ['lower case uuid', 'uuid="GPU-1",pod="m",namespace="n"'],
    ['the old names', 'UUID="GPU-1",pod_name="m",pod_namespace="n"'],
    [
      'those of Prometheus, where pod is the exporter',
      'UUID="GPU-1",pod="exporter-x",namespace="gpu-operator",exported_pod="m",exported_namespace="n"',
    ],
  ];
  for (const [what, labels] of renamed) {
    it(`is found under ${what}`, () => {
      const text = line('DEV_GPU_UTIL', labels, 30) + line('DEV_GPU_UTIL', 'UUID="GPU-2",pod="exporter-x"', 99);
      const [use, ...others] = gpuUse(scrapes(text), { labels: { pod: 'm', namespace: 'n' }, preallocates: false });
      assert.deepEqual([use?.uuid, use?.utilisationPercent, others.length], ['GPU-1', 30, 0]);
      assert.deepEqual(readGpus(parsePrometheus(text))[0]?.pods, ['n/m']);
    });
  }
});

describe('a reading of the GPUs', () => {
  it('has one entry a GPU or instance, with what holds it, and null for what is blank', () => {
    const text =
      'DCGM_FI_DEV_GPU_UTIL{UUID="GPU-2",pod="a",namespace="x"} 9223372036854775794\n' +
      'DCGM_FI_DEV_FB_USED{UUID="GPU-2",pod="a",namespace="x"} 1500\nDCGM_FI_DEV_FB_USED{UUID="GPU-2",pod="b",namespace="y"} 1500\n' +
      'DCGM_FI_DEV_FB_FREE{UUID="GPU-2",modelName="Tesla T4",pod="a",namespace="x"} 4400\nDCGM_FI_DEV_FB_RESERVED{UUID="GPU-2",pod="a",namespace="x"} 100\n' +
      'DCGM_FI_PROF_GR_ENGINE_ACTIVE{UUID="GPU-1",GPU_I_ID="3"} 0.125\nDCGM_FI_DEV_GPU_UTIL{UUID="GPU-1",GPU_I_ID="3"} 0\nother 5\n';
    assert.deepEqual(readGpus(parsePrometheus(text)), [
      { id: 'GPU-1/3', product: null, utilizationPercent: 12.5, memoryUsedPercent: null, pods: [] },
      { id: 'GPU-2', product: 'Tesla T4', utilizationPercent: null, memoryUsedPercent: 25, pods: ['x/a', 'y/b'] },
    ]);
  });
  it('is empty for any other text', () => {
    assert.deepEqual(readGpus(parsePrometheus('nv_gpu_utilization{gpu_uuid="GPU-1"} 0.5\n<html>\n')), []);
  });
});
