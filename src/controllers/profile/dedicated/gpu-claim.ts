/** The GPUs that a copy takes of the nodes that can take it, and whether there is room for it beside the copies of other runs. Pure. */
import type { ModelDeploymentSpec } from '../../../api/model-deployment/index.ts';
import { resourceNameOf } from '../../../kserve/gpu.ts';
import type { Cached } from '../../../kube/store.ts';
import { sharesGpus } from '../idle/gpu-nodes.ts';
import type { NodeObject } from '../resources.ts';
import { whyNoNode } from './nodes.ts';

/** How often it is looked whether there is room for a copy by now: nothing tells which nodes the pods of another got, nor that it has gone. */
export const roomMilliseconds = 10_000;

/** What a copy takes, or would. */
export interface GpuClaim {
  readonly resource: string;
  /** GPUs of each of its pods. */
  readonly each: number;
  readonly pods: number;
  /** Nodes that can take such a pod. */
  readonly nodes: readonly GpuRoom[];
  /** Nodes of those of its pods that have one. */
  readonly on: readonly string[];
}

interface GpuRoom {
  readonly name: string;
  readonly offers: number;
  /** Several Pods may have one GPU of it. */
  readonly shared: boolean;
}

/** A run that goes on, or that goes first. */
export interface ClaimHolder {
  readonly key: string;
  readonly claim?: GpuClaim;
  /** `node/NAME` of nodes whose GPUs it measures on. */
  readonly gpus?: readonly string[];
}

/**
 * Undefined for a copy without GPUs.
 * @param on nodes of its pods, as far as they are scheduled
 */
export function claimOf(spec: ModelDeploymentSpec, nodes: readonly Cached<NodeObject>[], on: readonly string[] = []): GpuClaim | undefined {
  const { gpu, scaling } = spec;
  if (gpu === undefined || gpu.count === 0) return undefined;
  const resource = resourceNameOf(gpu);
  const offered = ({ status }: Cached<NodeObject>) => Number(status?.allocatable?.[resource] ?? 0);
  return {
    resource,
    each: gpu.count,
    pods: Math.max(1, scaling?.minReplicas ?? 1),
    nodes: nodes
      .filter((node) => whyNoNode(spec, [node as NodeObject]) === undefined)
      .map((node) => ({ name: node.metadata.name, offers: offered(node), shared: sharesGpus(node) })),
    on,
  };
}

/**
 * Who keeps a copy from getting its GPUs; undefined where there is room beside all others, and where more room than they have would not help. Pods
 * that have no node yet count on every node that can take them: the scheduler decides.
 */
export function rivalFor(claim: GpuClaim, holders: readonly ClaimHolder[]): { readonly key: string; readonly node: string } | undefined {
  const free = ({ name, offers, shared }: GpuRoom): number => {
    const taken = holders.reduce((sum, holder) => sum + takenBy(holder, claim.resource, name), 0);
    if (shared && holders.some((holder) => isOn(holder, name))) return 0;
    return Math.floor(Math.max(0, offers - taken) / claim.each);
  };
  const fitting = claim.nodes.filter(({ offers }) => offers >= claim.each);
  if (fitting.reduce((sum, node) => sum + free(node), 0) >= claim.pods) return undefined;
  return fitting
    .flatMap(({ name, shared }) =>
      holders
        .filter((holder) => takenBy(holder, claim.resource, name) > 0 || (shared && isOn(holder, name)))
        .map(({ key }) => ({ key, node: name })),
    )
    .at(0);
}

/** Nodes whose shared GPUs a copy measures on, as a run says what it measures on. */
export function sharedNodes({ nodes, on }: GpuClaim): string[] {
  return nodes.filter(({ name, shared }) => shared && (on.length === 0 || on.includes(name))).map(({ name }) => `node/${name}`);
}

function takenBy({ claim }: ClaimHolder, resource: string, node: string): number {
  if (claim === undefined || claim.resource !== resource) return 0;
  const there = claim.on.filter((name) => name === node).length;
  const open = claim.nodes.some(({ name }) => name === node) ? Math.max(0, claim.pods - claim.on.length) : 0;
  return (there + open) * claim.each;
}

function isOn({ claim, gpus }: ClaimHolder, node: string): boolean {
  if (gpus?.includes(`node/${node}`)) return true;
  if (claim === undefined) return false;
  return claim.on.includes(node) || (claim.on.length < claim.pods && claim.nodes.some(({ name }) => name === node));
}
