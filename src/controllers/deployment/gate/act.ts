/** Makes and removes the objects that measure a candidate. */
import type { Applier } from '../../../kube/apply.ts';
import type { EventInput } from '../../../kube/events.ts';
import { type KubeObject, keyOf } from '../../../kube/object.ts';
import type { Cached, Store } from '../../../kube/store.ts';
import type { GateDecision } from './decide.ts';
import type { GateFacts, GateStores } from './observe.ts';

/** Returns what there is to tell. Throws what the API server answers. */
export async function actOnGate(
  { apply, keep }: GateDecision,
  { shadows, profiles }: Pick<GateFacts, 'shadows' | 'profiles'>,
  { applier, stores }: { readonly applier: Applier; readonly stores: GateStores },
  signal: AbortSignal,
): Promise<readonly EventInput[]> {
  const told: EventInput[] = [];
  const { modelDeployments, modelProfiles } = stores;
  // What another candidate was measured by goes first: it may hold the GPU that this one needs.
  for (const shadow of shadows) {
    if (shadow.metadata.name !== keep.shadow) await applier.remove(modelDeployments.type, shadow as Cached<KubeObject>, signal);
  }
  for (const profile of profiles) {
    if (profile.metadata.name !== keep.profile) await applier.remove(modelProfiles.type, profile as Cached<KubeObject>, signal);
  }
  if (apply.shadow !== undefined && isFree(modelDeployments, apply.shadow, shadows)) {
    const { written } = await applier.apply(modelDeployments, apply.shadow, signal);
    if (written && !shadows.some(({ metadata }) => metadata.name === apply.shadow?.metadata.name)) {
      const note = `ModelDeployment ${apply.shadow.metadata.name} serves the new model or runtime, to be measured before it is let through`;
      told.push({ type: 'Normal', reason: 'CandidateStarted', action: 'Measure', note });
    }
  }
  if (apply.profile !== undefined && isFree(modelProfiles, apply.profile, profiles))
    await applier.apply(modelProfiles, apply.profile, signal);
  return told;
}

/** An apply takes over whatever has the name: not so what is somebody else's. */
function isFree<T extends KubeObject>(
  store: Store<T>,
  desired: KubeObject,
  ours: readonly { readonly metadata: { readonly name: string } }[],
): boolean {
  return store.get(keyOf(desired)) === undefined || ours.some(({ metadata }) => metadata.name === desired.metadata.name);
}
