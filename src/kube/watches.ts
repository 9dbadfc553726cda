import type { Enqueue, Watch } from './controller.ts';
import { apiVersionOf, type KubeObject, keyOf, keyText, type ObjectKey, type ResourceType } from './object.ts';
import type { Cached, Store } from './store.ts';

export interface WatchFilter<T extends KubeObject> {
  /** Whether an update matters; additions and deletions always do. */
  readonly changed?: (before: Cached<T>, after: Cached<T>) => boolean;
}

/** A source of keys: the store's objects themselves. */
export function watch<T extends KubeObject>(store: Store<T>, filter?: WatchFilter<T>): Watch {
  return watchMapped(store, (object) => [keyOf(object as KubeObject)], filter);
}

/** A source of keys: the controllers (`ownerReferences` with `controller: true`) of the store's objects, where they are of type `owner`. */
export function watchOwned<T extends KubeObject>(store: Store<T>, owner: ResourceType, filter?: WatchFilter<T>): Watch {
  return watchMapped(store, (object) => ownerKeys(object as KubeObject, owner), filter);
}

/** A source of keys: whatever `keys` names for an object. An update asks for both its old and its new state, so that a lost owner hears of it too. */
export function watchMapped<T extends KubeObject>(
  store: Store<T>,
  keys: (object: Cached<T>) => readonly ObjectKey[],
  filter: WatchFilter<T> = {},
): Watch {
  const { changed } = filter;
  return {
    source: store.type.kind,
    hasSynced: () => store.hasSynced(),
    start(enqueue: Enqueue) {
      return store.subscribe((change) => {
        if (change.kind === 'updated' && changed !== undefined && !changed(change.before, change.object)) return;
        const now = keys(change.object);
        for (const key of now) enqueue(key, change.kind === 'added' && change.initial);
        if (change.kind !== 'updated') return;
        // Each key once: a worker that waits would take it before it is named again, and do its work twice.
        for (const key of keys(change.before)) if (!now.some((other) => keyText(other) === keyText(key))) enqueue(key, false);
      });
    },
  };
}

/** A `changed` filter: updates that touch the spec, labels or annotations, or start a deletion; not those of status alone. */
export function specChanged(before: Cached<KubeObject>, after: Cached<KubeObject>): boolean {
  const [a, b] = [before.metadata, after.metadata];
  return (
    a.uid !== b.uid ||
    a.generation !== b.generation ||
    a.deletionTimestamp !== b.deletionTimestamp ||
    JSON.stringify([a.labels, a.annotations, a.finalizers]) !== JSON.stringify([b.labels, b.annotations, b.finalizers])
  );
}

/** Keys of the controlling owner of type `owner`, none or one. Versions are not compared: an owner stays the owner when its API moves on. */
export function ownerKeys(object: KubeObject, owner: ResourceType): readonly ObjectKey[] {
  const reference = object.metadata.ownerReferences?.find((candidate) => candidate.controller === true);
  if (reference === undefined || reference.kind !== owner.kind || groupOf(reference.apiVersion) !== groupOf(apiVersionOf(owner))) return [];
  const { namespace } = object.metadata;
  return [owner.namespaced && namespace !== undefined ? { namespace, name: reference.name } : { name: reference.name }];
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
