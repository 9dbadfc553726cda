/** The Pods of a node, read when they are wanted: to keep all Pods of a large cluster in memory for a question a minute would be waste. */
import type { PodObject } from '../../../kserve/observation.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { DeepReadonly } from '../../../kube/object.ts';
import { pods } from '../../deployment/resources.ts';

/** What is looked at of a Pod. */
export interface NodePod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly running: boolean;
  readonly address: string | undefined;
  /** GPUs and slices of GPUs that its containers asked for, by resource. */
  readonly gpus: Readonly<Record<string, number>>;
}

/** Pods of the node that have not ended; a node has some hundreds at most. Throws `KubeError`. */
export async function podsOfNode(client: KubeClient, node: string, signal?: AbortSignal): Promise<NodePod[]> {
  const found: NodePod[] = [];
  const fieldSelector = `spec.nodeName=${node},status.phase!=Succeeded,status.phase!=Failed`;
  for await (const page of client.listPages(pods, { fieldSelector, resourceVersion: '0' }, signal)) {
    for (const { metadata, spec, status } of page.items) {
      found.push({
        namespace: metadata.namespace ?? '',
        name: metadata.name,
        labels: metadata.labels ?? {},
        running: status?.phase === 'Running' && metadata.deletionTimestamp === undefined,
        address: status?.podIP,
        gpus: gpusOf(spec),
      });
    }
  }
  return found;
}

/** Extended resources that are GPUs: `nvidia.com/gpu`, `nvidia.com/gpu.shared`, `nvidia.com/mig-1g.5gb`, `amd.com/gpu`. */
export function isGpuResource(name: string): boolean {
  return /\/(gpu(\.[a-z0-9.-]+)?|mig-[a-z0-9.+-]+)$/.test(name);
}

/** GPUs that a Pod has asked for, by resource: those of its containers together, or of the greediest container that runs before them. */
export function gpusOf(spec: DeepReadonly<PodObject['spec']>): Record<string, number> {
  const gpus: Record<string, number> = {};
  for (const container of spec?.containers ?? []) {
    for (const [name, amount] of amountsOf(container.resources?.limits)) gpus[name] = (gpus[name] ?? 0) + amount;
  }
  for (const container of spec?.initContainers ?? []) {
    for (const [name, amount] of amountsOf(container.resources?.limits)) gpus[name] = Math.max(gpus[name] ?? 0, amount);
  }
  return gpus;
}

/** Extended resources are whole numbers, and their requests are their limits. */
export function amountsOf(resources: Readonly<Record<string, string | number>> = {}): (readonly [name: string, amount: number])[] {
  return Object.entries(resources)
    .filter(([name]) => isGpuResource(name))
    .map(([name, amount]) => [name, Number(amount)] as const)
    .filter(([, amount]) => Number.isFinite(amount) && amount > 0);
}
