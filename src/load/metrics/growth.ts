import type { Scrape } from './gpu.ts';
import { agrees } from './prometheus.ts';

/** Memory of the server that grew all through a window. */
export interface MemoryGrowth {
  /** `GPU <id>`, or `the server's process`. */
  readonly of: string;
  readonly firstBytes: number;
  readonly lastBytes: number;
  /** Between those two readings. */
  readonly seconds: number;
}

interface Source {
  readonly metric: string;
  readonly bytesPerUnit: number;
  /** The label that names a GPU; `null`: the server's own process. */
  readonly idLabel: string | null;
}

/** GPU memory as `gpu.ts` reads it, and what the Prometheus client libraries tell of their own process (KServe's and MLServer's Python). */
const sources: readonly Source[] = [
  { metric: 'DCGM_FI_DEV_FB_USED', bytesPerUnit: 2 ** 20, idLabel: 'UUID' },
  { metric: 'nv_gpu_memory_used_bytes', bytesPerUnit: 1, idLabel: 'gpu_uuid' },
  { metric: 'GPUMemoryUsed', bytesPerUnit: 2 ** 20, idLabel: 'DeviceId' },
  { metric: 'process_resident_memory_bytes', bytesPerUnit: 1, idLabel: null },
];

/** With fewer readings a server that fills its caches cannot be told from one that leaks. */
const leastReadings = 5;
/** Growth below this share of the first reading is not worth a word. */
const leastShare = 0.01;

/**
 * What grew without end: no reading below the one before, more than 1 % in all, and at least a third of that in the second half. Memory that
 * a server takes at first and then keeps is not named.
 *
 * @param labels of the GPUs that count, where the scrapes are of an exporter for several pods
 */
export function memoryGrowth(scrapes: readonly Scrape[], labels: Readonly<Record<string, string>> = {}): MemoryGrowth[] {
  return sources.flatMap(({ metric, bytesPerUnit, idLabel }) => {
    const series = new Map<string, { readonly at: number; readonly bytes: number }[]>();
    for (const { at, samples } of scrapes) {
      for (const sample of samples) {
        if (sample.name !== metric || !agrees(sample, labels)) continue;
        const of = idLabel === null ? "the server's process" : `GPU ${sample.labels[idLabel] ?? ''}`;
        series.set(of, [...(series.get(of) ?? []), { at, bytes: sample.value * bytesPerUnit }]);
      }
    }
    return [...series].flatMap(([of, readings]): MemoryGrowth[] => {
      const [first] = readings;
      const last = readings.at(-1);
      if (first === undefined || last === undefined || !growsOn(readings.map(({ bytes }) => bytes))) return [];
      return [{ of, firstBytes: first.bytes, lastBytes: last.bytes, seconds: (last.at - first.at) / 1e6 }];
    });
  });
}

function growsOn(bytes: readonly number[]): boolean {
  if (bytes.length < leastReadings || bytes.some((value, i) => value < (bytes[i - 1] ?? 0))) return false;
  const at = (i: number) => bytes[i] as number;
  const grown = at(bytes.length - 1) - at(0);
  return grown > leastShare * at(0) && at(bytes.length - 1) - at(Math.floor((bytes.length - 1) / 2)) >= grown / 3;
}
