import type { GpuUse } from '../point.ts';
import { mean } from '../statistics/mean.ts';
import { agrees, type Sample } from './prometheus.ts';
import { withWorkloadLabels } from './workload-labels.ts';

/** One scrape of an exporter and when it was taken, microseconds of the monotonic clock. */
export interface Scrape {
  readonly at: number;
  readonly samples: readonly Sample[];
}

interface Dialect {
  readonly source: GpuUse['source'];
  /** The label that names a GPU. */
  readonly idLabel: string;
  /** The label that tells the slices of a GPU apart, which share its id (MIG). */
  readonly instanceLabel: string | null;
  readonly modelLabels: readonly string[];
  readonly utilisation: readonly (readonly [name: string, toPercent: number])[];
  readonly used: readonly string[];
  readonly free: readonly string[];
  readonly reserved: readonly string[];
  readonly total: readonly string[];
  readonly bytesPerUnit: number;
  readonly power: readonly string[];
  readonly energy: readonly (readonly [name: string, toJoules: number])[];
}

/** Names and units of the three sources (Triton's user guide, metrics; dcgm-exporter's default counters; TorchServe's system metrics). */
const dialects: readonly Dialect[] = [
  {
    source: 'dcgm',
    idLabel: 'UUID',
    instanceLabel: 'GPU_I_ID',
    modelLabels: ['modelName'],
    // GR_ENGINE_ACTIVE works on MIG slices, where GPU_UTIL is absent or 0.
    utilisation: [
      ['DCGM_FI_PROF_GR_ENGINE_ACTIVE', 100],
      ['DCGM_FI_DEV_GPU_UTIL', 1],
    ],
    used: ['DCGM_FI_DEV_FB_USED'],
    free: ['DCGM_FI_DEV_FB_FREE'],
    reserved: ['DCGM_FI_DEV_FB_RESERVED'],
    total: ['DCGM_FI_DEV_FB_TOTAL'],
    bytesPerUnit: 2 ** 20,
    power: ['DCGM_FI_DEV_POWER_USAGE'],
    energy: [['DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION', 0.001]],
  },
  {
    source: 'triton',
    idLabel: 'gpu_uuid',
    instanceLabel: null,
    modelLabels: [],
    utilisation: [['nv_gpu_utilization', 100]],
    used: ['nv_gpu_memory_used_bytes'],
    free: [],
    reserved: [],
    total: ['nv_gpu_memory_total_bytes'],
    bytesPerUnit: 1,
    power: ['nv_gpu_power_usage'],
    energy: [['nv_energy_consumption', 1]],
  },
  {
    source: 'torchserve',
    idLabel: 'DeviceId',
    instanceLabel: null,
    modelLabels: [],
    utilisation: [['GPUUtilization', 1]],
    used: ['GPUMemoryUsed'],
    free: [],
    reserved: [],
    total: [],
    bytesPerUnit: 2 ** 20,
    power: [],
    energy: [],
  },
];

export interface GpuOptions {
  /** Only samples with these labels: an exporter's Service answers from any node, and a node has several pods. */
  readonly labels: Readonly<Record<string, string>>;
  /** The server grabs all memory at its start (TensorFlow's default). */
  readonly preallocates: boolean;
}

/** GPU use over the scrapes of a window, one entry a GPU; empty when the exporter tells of none. */
export function gpuUse(told: readonly Scrape[], options: GpuOptions): GpuUse[] {
  const scrapes = told.map(({ at, samples }) => ({ at, samples: samples.map(withWorkloadLabels) }));
  for (const dialect of dialects) {
    const gpus = new Map<string, Readonly<Record<string, string>>>();
    for (const { samples } of scrapes) {
      for (const sample of samples) {
        const id = sample.labels[dialect.idLabel];
        if (id === undefined || !known(dialect, sample.name) || !agrees(sample, options.labels)) continue;
        const instance = dialect.instanceLabel === null ? undefined : sample.labels[dialect.instanceLabel];
        if (instance === undefined || instance === '') gpus.set(id, { [dialect.idLabel]: id });
        else gpus.set(`${id}/${instance}`, { [dialect.idLabel]: id, [dialect.instanceLabel as string]: instance });
      }
    }
    if (gpus.size > 0)
      return [...gpus].map(([id, labels]) => useOf(dialect, id, { ...options.labels, ...labels }, scrapes, options.preallocates));
  }
  return [];
}

function known(dialect: Dialect, name: string): boolean {
  return dialect.utilisation.some(([utilisation]) => utilisation === name) || dialect.used.includes(name);
}

function useOf(
  dialect: Dialect,
  id: string,
  labels: Readonly<Record<string, string>>,
  scrapes: readonly Scrape[],
  preallocates: boolean,
): GpuUse {
  const series = (names: readonly string[]): number[] =>
    names.length === 0
      ? []
      : scrapes.flatMap(({ samples }) =>
          samples
            .filter((sample) => names.includes(sample.name) && agrees(sample, labels))
            .slice(0, 1)
            .map((sample) => sample.value),
        );
  const [utilisationName, factor] = dialect.utilisation.find(([name]) => series([name]).length > 0) ?? ['', 1];
  const utilisation = series([utilisationName]).map((value) => value * factor);
  const active = utilisation.filter((value) => value > 0);
  const used = series(dialect.used);
  const memoryTotal =
    last(series(dialect.total)) ?? sumOrNull([last(used), last(series(dialect.free)), last(series(dialect.reserved)) ?? 0]);
  const energy = energyOver(dialect, labels, scrapes);
  const power = series(dialect.power);
  const model = scrapes
    .flatMap(({ samples }) => samples.filter((sample) => agrees(sample, labels)))
    .flatMap((sample) => dialect.modelLabels.map((name) => sample.labels[name]));
  return {
    uuid: id,
    model: model.find((name) => name !== undefined) ?? null,
    source: dialect.source,
    samples: Math.max(utilisation.length, used.length),
    stale: isStale([utilisation, used, power]),
    utilisationPercent: utilisation.length === 0 ? null : mean(utilisation),
    utilisationActivePercent: active.length === 0 ? null : mean(active),
    utilisationMaxPercent: utilisation.length === 0 ? null : Math.max(...utilisation),
    memoryUsedMaxBytes: used.length === 0 ? null : Math.max(...used) * dialect.bytesPerUnit,
    memoryTotalBytes: memoryTotal === null ? null : memoryTotal * dialect.bytesPerUnit,
    memoryPreallocated: preallocates,
    powerWatts: energy?.watts ?? (power.length === 0 ? null : mean(power)),
    energyJoules: energy?.joules ?? null,
  };
}

/** Energy by the counter's growth; it is better than power readings, and null when the counter fell or did not move at all. */
function energyOver(
  dialect: Dialect,
  labels: Readonly<Record<string, string>>,
  scrapes: readonly Scrape[],
): { joules: number; watts: number } | undefined {
  for (const [name, factor] of dialect.energy) {
    const readings = scrapes.flatMap(({ at, samples }) =>
      samples
        .filter((sample) => sample.name === name && agrees(sample, labels))
        .slice(0, 1)
        .map(({ value }) => ({ at, value })),
    );
    const first = readings[0];
    const end = readings.at(-1);
    if (first === undefined || end === undefined || end.value <= first.value || end.at <= first.at) continue;
    const joules = (end.value - first.value) * factor;
    return { joules, watts: joules / ((end.at - first.at) / 1e6) };
  }
  return undefined;
}

/** A busy GPU's readings move. All of them unchanged over three or more scrapes means that the source refreshes more slowly than the window. */
function isStale(series: readonly (readonly number[])[]): boolean {
  const told = series.filter((values) => values.length >= 3);
  return told.length > 0 && told.every((values) => values.every((value) => value === values[0]));
}

function last(values: readonly number[]): number | null {
  return values.at(-1) ?? null;
}

function sumOrNull(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>((sum, value) => (sum === null || value === null ? null : sum + value), 0);
}
