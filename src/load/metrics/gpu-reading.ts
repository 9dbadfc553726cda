/** What a DCGM exporter says of its GPUs at one moment. */
import type { Sample } from './prometheus.ts';
import { withWorkloadLabels } from './workload-labels.ts';

/** One GPU, or one MIG instance of it. `null` is unknown, never 0. */
export interface GpuReading {
  /** UUID, and behind a slash the number of the MIG instance. */
  readonly id: string;
  readonly product: string | null;
  readonly utilizationPercent: number | null;
  readonly memoryUsedPercent: number | null;
  /** Pods that hold it, as namespace/name; several where it is shared. */
  readonly pods: readonly string[];
}

/** Names of the exporter's metrics; those of profiling are better where they are there, and the only ones on MIG. */
const engineActive = 'DCGM_FI_PROF_GR_ENGINE_ACTIVE';
const utilization = 'DCGM_FI_DEV_GPU_UTIL';
const memory = { used: 'DCGM_FI_DEV_FB_USED', free: 'DCGM_FI_DEV_FB_FREE', reserved: 'DCGM_FI_DEV_FB_RESERVED' } as const;

/** Every GPU that the samples of one scrape tell of, in the order of their ids. Empty for text that is no DCGM exporter's. */
export function readGpus(samples: readonly Sample[]): GpuReading[] {
  const told = samples.filter(({ name }) => name.startsWith('DCGM_FI_')).map(withWorkloadLabels);
  const byGpu = Map.groupBy(told, idOf);
  byGpu.delete(undefined);
  return [...byGpu].map(([id, own]) => readingOf(id as string, own)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Of a GPU that is cut up, each instance has a number; all of them have the UUID of the GPU. */
export function idOf({ labels }: Sample): string | undefined {
  const uuid = labels['UUID'];
  const instance = labels['GPU_I_ID'];
  return uuid === undefined ? undefined : instance === undefined || instance === '' ? uuid : `${uuid}/${instance}`;
}

function readingOf(id: string, samples: readonly Sample[]): GpuReading {
  const value = (name: string) => samples.find((sample) => sample.name === name)?.value;
  const active = value(engineActive);
  const used = value(memory.used);
  const free = value(memory.free);
  const total = used === undefined || free === undefined ? 0 : used + free + (value(memory.reserved) ?? 0);
  const pods = samples.flatMap(({ labels: { pod, namespace } }) => (pod === undefined ? [] : [`${namespace ?? ''}/${pod}`]));
  return {
    id,
    product: samples.find(({ labels }) => labels['modelName'])?.labels['modelName'] ?? null,
    utilizationPercent: active === undefined ? (value(utilization) ?? null) : active * 100,
    memoryUsedPercent: used === undefined || total <= 0 ? null : (used / total) * 100,
    pods: [...new Set(pods)].toSorted(),
  };
}
