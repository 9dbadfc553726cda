import type { InferenceServiceObject } from '../../kserve/observation.ts';
import type { KubeObject, OwnerReference } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';
import { ownerKeys } from '../../kube/watches.ts';
import { modelDeployments } from './resources.ts';

/** Set on an InferenceService by someone who may edit it: the ModelDeployment of the same name may take it over. */
export const adoptAnnotation = 'modelwright.dev/adopt';

type Service = Cached<InferenceServiceObject>;

/**
 * Whose InferenceService it is that has the deployment's name.
 * `Unread`: nobody knows yet. `Foreign`: nobody's that may be touched, with who has it. `Predecessor`: made for an earlier deployment of this name, which
 * is gone. `Leaving`: ours, and being deleted.
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
  if (ownerKeys(object as KubeObject, modelDeployments).some(({ name }) => name === owner.name)) return { kind: 'Predecessor', object };
  if (controller !== undefined) return { kind: 'Foreign', object, controller: describe(controller) };
  if (object.metadata.annotations?.[adoptAnnotation] === 'true' && object.metadata.deletionTimestamp === undefined) {
    return { kind: 'Adoptable', object };
  }
  return { kind: 'Foreign', object };
}

/**
 * Whether nobody has a predecessor's InferenceService any more: its one owner is gone, and nobody deletes it yet. That is what the garbage collector goes by;
 * with further owners it would only take the reference away.
 */
export function isLeftBehind({ metadata: { ownerReferences, deletionTimestamp } }: Service): boolean {
  return ownerReferences?.length === 1 && deletionTimestamp === undefined;
}

/** The InferenceService that was read, whoever owns it. */
export function objectOf(ownership: Ownership): Service | undefined {
  return ownership.kind === 'Absent' || ownership.kind === 'Unread' ? undefined : ownership.object;
}

/** Of our own kind's name, from elsewhere, the API group tells who it is. */
function describe({ apiVersion, kind, name }: OwnerReference): string {
  return kind === modelDeployments.kind ? `${kind} ${name} of ${apiVersion}` : `${kind} ${name}`;
}
