/** Mode Dedicated: a copy is not made before there are idle GPUs for it, so that it neither disturbs nor is disturbed. */

import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import { resourceNameOf } from '../../../kserve/gpu.ts';
import type { Cached } from '../../../kube/store.ts';
import type { DedicatedDecision } from '../dedicated/decide.ts';
import { whyNoNode } from '../dedicated/nodes.ts';
import type { NodeObject } from '../resources.ts';
import type { WantedGpus } from './judge.ts';
import type { IdleVerdict } from './wait.ts';

/** A copy that is to be made, and the entry of the hardware that it is for. */
export interface CopyToMake {
  readonly entry: string;
  readonly copy: ModelDeployment;
}

/** The copy that a decision makes: the only entry that is being prepared has none yet. */
export function copyToMake({ apply, hardware }: DedicatedDecision): CopyToMake | undefined {
  const entry = hardware.find(({ state, modelDeployment }) => state === 'Preparing' && modelDeployment === undefined);
  return apply === undefined || entry === undefined ? undefined : { entry: entry.name, copy: apply };
}

/** GPUs that all replicas of the copy want on a node; each of them needs its own. */
export function wantedBy({ spec }: ModelDeployment): WantedGpus {
  return spec.gpu === undefined ? { resource: 'nvidia.com/gpu', count: 0 } : { resource: resourceNameOf(spec.gpu), count: spec.gpu.count };
}

/** Nodes that can take the copy, free or not. */
export function placesFor({ spec }: ModelDeployment, nodes: readonly Cached<NodeObject>[]): Cached<NodeObject>[] {
  return nodes.filter((node) => whyNoNode(spec, [node as NodeObject]) === undefined);
}

/**
 * The decision with the copy held back while its GPUs are busy. An entry whose wait is given up is not to be had; the others go on.
 * @param verdict undefined until the GPUs have been looked at
 * @param now milliseconds since the epoch
 */
export function heldBack(
  decision: DedicatedDecision,
  verdict: Pick<IdleVerdict, 'kind' | 'message' | 'lookAgainMilliseconds'> | undefined,
  now: number,
): DedicatedDecision {
  const waiting = copyToMake(decision);
  if (waiting === undefined || verdict?.kind === 'Idle') return decision;
  const { apply: _, ...rest } = decision;
  const message = (verdict?.message ?? 'The GPUs that the copy wants are about to be looked at').slice(0, 1024);
  const state = verdict?.kind === 'GiveUp' ? 'Unavailable' : 'Preparing';
  return {
    ...rest,
    hardware: decision.hardware.map((one) => (one.name === waiting.entry ? { name: one.name, state, message } : one)),
    again: now + (verdict?.lookAgainMilliseconds ?? 1000),
  };
}
