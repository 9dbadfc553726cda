/** Who else has the GPUs that a run measures on. Pure. */
import type { GpuNode } from './judge.ts';

/**
 * Pods other than the model's own that hold one of its GPUs, as namespace/name. By the exporter where it names the Pods of each GPU or slice of one; and where a node
 * shares its GPUs (time slicing, MPS), by what Pods asked for, less those that the exporter sees on other GPUs: it names one Pod of a shared GPU only, unless told
 * otherwise. Slices of a GPU (MIG) are apart from each other, and a Pod on another slice is no tenant.
 *
 * @param pods the Pods of the model that have GPUs, as namespace/name, by the name of their node
 */
export function tenantsOf(pods: ReadonlyMap<string, readonly string[]>, nodes: readonly GpuNode[]): string[] {
  const found = nodes.flatMap((node) => tenantsOn(node, pods.get(node.name) ?? []));
  return [...new Set(found)].toSorted();
}

function tenantsOn({ exporter, shared, holders }: GpuNode, own: readonly string[]): string[] {
  if (own.length === 0) return [];
  const gpus = exporter.kind === 'Read' ? exporter.gpus : [];
  const ours = gpus.filter((gpu) => gpu.pods.some((pod) => own.includes(pod)));
  const seen = ours.flatMap((gpu) => gpu.pods);
  const elsewhere = new Set(gpus.filter((gpu) => !ours.includes(gpu)).flatMap((gpu) => gpu.pods));
  const possible = shared ? holders.map(({ pod }) => pod).filter((pod) => !elsewhere.has(pod)) : [];
  return [...seen, ...possible].filter((pod) => !own.includes(pod));
}
