import type { InferenceServiceObject } from '../../kserve/observation.ts';
import type { Cached } from '../../kube/store.ts';

/** Set on an InferenceService by someone who may edit it: the ModelDeployment of the same name may take it over. */
export const adoptAnnotation = 'modelwright.dev/adopt';

type Service = Cached<InferenceServiceObject>;

/**
 * Whose InferenceService it is that has the deployment's name.
 * `Unread`: nobody knows yet. `Foreign`: nobody's that may be touched, with who has it. `Predecessor`: made for an earlier deployment of this name, and about to be
 * collected. `Leaving`: ours, and being deleted.
 */
export type Ownership =
  | { readonly kind: 'Unread' }
  | { readonly kind: 'Absent' }
  | { readonly kind: 'Ours'; readonly object: Service }
  | { readonly kind: 'Adoptable'; readonly object: Service }
  | { readonly kind: 'Leaving'; readonly object: Service }
  | { readonly kind: 'Predecessor'; readonly object: Service }
  | { readonly kind: 'Foreign'; readonly object: Service; readonly controller?: string };

export function ownershipOf(object: Service | undefined, owner: { readonly uid: string; readonly name: string }): Ownership {
  if (object === undefined) return { kind: 'Absent' };
  const controller = object.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (controller?.uid === owner.uid) return { kind: object.metadata.deletionTimestamp === undefined ? 'Ours' : 'Leaving', object };
  if (controller?.kind === 'ModelDeployment' && controller.name === owner.name) return { kind: 'Predecessor', object };
  if (controller !== undefined) return { kind: 'Foreign', object, controller: `${controller.kind} ${controller.name}` };
  if (object.metadata.annotations?.[adoptAnnotation] === 'true' && object.metadata.deletionTimestamp === undefined) {
    return { kind: 'Adoptable', object };
  }
  return { kind: 'Foreign', object };
}

/** The InferenceService that was read, whoever owns it. */
export function objectOf(ownership: Ownership): Service | undefined {
  return ownership.kind === 'Absent' || ownership.kind === 'Unread' ? undefined : ownership.object;
}
