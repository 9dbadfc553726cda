import { UsageError } from '../transport/target.ts';

/** How deep a run is traced: requests as the client saw them; and inside them what the server told of its model. */
export const traceLevels = ['client', 'model'] as const;
export type TraceLevel = (typeof traceLevels)[number];

/** Levels that other tools have below these two, and who can see them. */
export const deeperLevels: Readonly<Record<string, string>> = {
  framework:
    "the layers of a model are seen by the framework in the server's process only: use its own profiler (TensorFlow or PyTorch profiler)",
  library: "calls of cuDNN and other libraries are seen in the server's process only: use Nsight Systems there",
  hardware: "kernels and counters of a GPU are seen on the server's machine only: use Nsight Compute or DCGM there",
};

/** Reads a level. Throws a `UsageError` for one that is not known, and for one that no client can see, with the reason. */
export function traceLevelOf(text: string): TraceLevel {
  const name = text.toLowerCase();
  const level = traceLevels.find((one) => one === name);
  if (level !== undefined) return level;
  const why = deeperLevels[name];
  throw new UsageError(`--trace ${text}: ${why ?? 'not known'}; this client traces ${traceLevels.join(' and ')}`);
}
