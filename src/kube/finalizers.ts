import type { KubeClient } from './client.ts';
import { type KubeObject, keyOf, type ResourceType, type Stored } from './object.ts';
import type { Cached } from './store.ts';

export function hasFinalizer(object: Cached<KubeObject>, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

/** Whether the object waits for its finalizers: clean up, then remove ours. */
export function isBeingDeleted(object: Cached<KubeObject>): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/**
 * Adds `finalizer` before anything is made outside the object. Returns undefined, without a request, when it is there already.
 * Finalizers are a list that everybody shares, so the write is conditional on the version read: 409 says read again.
 */
export async function addFinalizer<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  object: Cached<T>,
  finalizer: string,
  signal?: AbortSignal,
): Promise<Stored<T> | undefined> {
  if (hasFinalizer(object as Cached<KubeObject>, finalizer)) return undefined;
  return patchFinalizers(client, type, object as Cached<KubeObject>, (present) => [...present, finalizer], signal);
}

/** Removes `finalizer`, which lets a deletion finish. Returns undefined, without a request, when it is not there. */
export async function removeFinalizer<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  object: Cached<T>,
  finalizer: string,
  signal?: AbortSignal,
): Promise<Stored<T> | undefined> {
  if (!hasFinalizer(object as Cached<KubeObject>, finalizer)) return undefined;
  return patchFinalizers(client, type, object as Cached<KubeObject>, (present) => present.filter((other) => other !== finalizer), signal);
}

function patchFinalizers<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  object: Cached<KubeObject>,
  change: (present: readonly string[]) => readonly string[],
  signal: AbortSignal | undefined,
): Promise<Stored<T>> {
  const { uid, resourceVersion, finalizers = [] } = object.metadata;
  const body = { metadata: { uid, resourceVersion, finalizers: change(finalizers) } };
  return client.patch(type, keyOf(object as KubeObject), body, { kind: 'merge' }, signal);
}
