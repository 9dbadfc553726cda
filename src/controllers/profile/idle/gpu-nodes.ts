/** Reads what `judge` looks at, from the API server and the exporters. */
import type { KubeClient } from '../../../kube/client.ts';
import { isForbidden } from '../../../kube/errors.ts';
import type { Cached } from '../../../kube/store.ts';
import type { NodeObject } from '../resources.ts';
import { type ExporterSettings, exporterAmong, metricsUrlOf, scrape } from './exporters.ts';
import type { GpuNode } from './judge.ts';
import { amountsOf, type NodePod, podsOfNode } from './node-pods.ts';

/** Most nodes that are asked in one look. */
export const mostNodes = 16;

export interface GpuNodeQuery {
  readonly client: KubeClient;
  readonly settings: ExporterSettings | undefined;
  /** Nodes by name, as far as they are known. */
  readonly nodes: readonly { readonly name: string; readonly node: Cached<NodeObject> | undefined }[];
  /** The resource that counts as GPUs; undefined: any. */
  readonly resource?: string;
}

/** Looks at the nodes, all at the same time. A node that cannot be read counts as one without exporter; other errors of the API server throw. */
export async function readGpuNodes({ client, settings, nodes, resource }: GpuNodeQuery, signal?: AbortSignal): Promise<GpuNode[]> {
  return Promise.all(
    nodes.slice(0, mostNodes).map(async ({ name, node }) => {
      const pods = await podsIfAllowed(client, name, signal);
      const counts = (found: readonly (readonly [string, number])[]) =>
        found.filter(([one]) => resource === undefined || one === resource).reduce((sum, [, amount]) => sum + amount, 0);
      const holders = (pods ?? [])
        .map((pod) => ({ pod: `${pod.namespace}/${pod.name}`, gpus: counts(Object.entries(pod.gpus)) }))
        .filter(({ gpus }) => gpus > 0);
      return {
        name,
        exporter: await exporterOf(name, pods, settings, signal),
        allocatable: counts(amountsOf(node?.status?.allocatable)),
        shared: sharesGpus(node),
        holders,
      };
    }),
  );
}

async function exporterOf(
  node: string,
  pods: readonly NodePod[] | undefined,
  settings: ExporterSettings | undefined,
  signal: AbortSignal | undefined,
): Promise<GpuNode['exporter']> {
  if (pods === undefined) return { kind: 'None', why: `the operator may not list the Pods of node ${node}` };
  const found = exporterAmong(node, pods, settings);
  if (found.kind === 'None') return found;
  const answer = await scrape(found, signal);
  const pod = `exporter ${found.pod}`;
  return answer.kind === 'Read' ? { ...answer, pod, url: metricsUrlOf(found) } : { ...answer, pod };
}

async function podsIfAllowed(client: KubeClient, node: string, signal?: AbortSignal): Promise<NodePod[] | undefined> {
  try {
    return await podsOfNode(client, node, signal);
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/** NVIDIA's feature discovery says it in labels (`nvidia.com/gpu.sharing-strategy`, `nvidia.com/gpu.replicas`). */
export function sharesGpus(node: Cached<NodeObject> | undefined): boolean {
  const labels = node?.metadata.labels ?? {};
  const strategy = labels['nvidia.com/gpu.sharing-strategy'];
  return (strategy !== undefined && strategy !== 'none' && strategy !== '') || Number(labels['nvidia.com/gpu.replicas'] ?? 1) > 1;
}
