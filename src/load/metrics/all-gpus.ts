import type { GpuUse } from '../point.ts';
import { mean } from '../statistics/mean.ts';

/** What is told of the GPUs of a point together. */
export type GpuColumns = Pick<
  GpuUse,
  'utilisationPercent' | 'utilisationActivePercent' | 'utilisationMaxPercent' | 'memoryUsedMaxBytes' | 'memoryTotalBytes' | 'powerWatts'
>;

/**
 * The GPUs of a server as one: use averaged and its maximum that of the busiest, memory and power added up. What one of them does not tell is not known of all. Readings
 * that never moved may be older than the point: of them only memory is taken, which a model holds from its start.
 */
export function allGpus(gpus: readonly (Partial<GpuColumns> & { readonly stale?: boolean })[]): GpuColumns {
  const all = (read: (gpu: (typeof gpus)[number]) => number | null | undefined): number[] | null => {
    const values = gpus.map((gpu) => read(gpu) ?? null);
    return values.length === 0 || values.includes(null) ? null : (values as number[]);
  };
  const moving =
    (name: keyof GpuColumns) =>
    (gpu: (typeof gpus)[number]): number | null | undefined =>
      gpu.stale === true ? null : gpu[name];
  const sum = (values: readonly number[] | null) => values?.reduce((total, value) => total + value, 0) ?? null;
  const utilisation = all(moving('utilisationPercent'));
  const most = all(moving('utilisationMaxPercent'));
  const active = gpus.flatMap(({ utilisationActivePercent }) => utilisationActivePercent ?? []);
  return {
    utilisationPercent: utilisation === null ? null : mean(utilisation),
    // Of those that worked at all.
    utilisationActivePercent: utilisation === null || active.length === 0 ? null : mean(active),
    utilisationMaxPercent: most === null ? null : Math.max(...most),
    memoryUsedMaxBytes: sum(all((gpu) => gpu.memoryUsedMaxBytes)),
    memoryTotalBytes: sum(all((gpu) => gpu.memoryTotalBytes)),
    powerWatts: sum(all(moving('powerWatts'))),
  };
}
