/** Makes and removes the copies of a Dedicated profile. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { Applier } from '../../../kube/apply.ts';
import { type KubeObject, keyOf } from '../../../kube/object.ts';
import type { Cached, Store } from '../../../kube/store.ts';
import type { DedicatedDecision } from './decide.ts';

/**
 * Throws what the API server answers. The status has to be written before: what it says of an entry that failed is all that keeps its copy
 * from being made again.
 */
export async function actOnCopies(
  { apply, remove }: DedicatedDecision,
  { applier, modelDeployments }: { readonly applier: Applier; readonly modelDeployments: Store<ModelDeployment> },
  signal: AbortSignal,
): Promise<void> {
  for (const copy of remove) await applier.remove(modelDeployments.type, copy as Cached<KubeObject>, signal);
  // An apply takes over whatever has the name: not so what is not ours.
  if (apply !== undefined && modelDeployments.get(keyOf(apply)) === undefined) await applier.apply(modelDeployments, apply, signal);
}
