import type { DeepReadonly, KubeObject, ObjectKey, ResourceType, Stored } from './object.ts';

/** An object as caches hand it out: shared by all readers, so nobody may change it. */
export type Cached<T extends KubeObject> = DeepReadonly<Stored<T>>;

/** What happened to one object of a store. */
export type Change<T extends KubeObject> =
  /** `initial`: part of the first fill, not news. */
  | { readonly kind: 'added'; readonly object: Cached<T>; readonly initial: boolean }
  | { readonly kind: 'updated'; readonly object: Cached<T>; readonly before: Cached<T> }
  /** `object` is the last state known. */
  | { readonly kind: 'deleted'; readonly object: Cached<T> };

/**
 * `syncing`: not filled yet. `synced`: complete as of some moment, and followed since.
 * `absent`: the cluster does not serve this resource (its CRD is not installed); the store is empty and fills by itself once it does.
 * `forbidden`: this program may not read the resource; the store has what it last read, if anything, and goes on once it may. Only stores that were opened as
 * `optional` become absent, and as `dispensable` forbidden; others wait in `syncing`.
 */
export type StoreState = 'syncing' | 'synced' | 'absent' | 'forbidden';

/** A read-only, indexed copy of some of the cluster's objects of one type. */
export interface Store<T extends KubeObject> {
  readonly type: ResourceType<T>;
  readonly state: StoreState;
  readonly size: number;
  /** Whether there is nothing left to wait for: anything but `syncing`. */
  hasSynced(): boolean;
  get(key: ObjectKey): Cached<T> | undefined;
  /** All objects, or those of one namespace; in no particular order. */
  list(namespace?: string): readonly Cached<T>[];
  /** Objects for which the index gave `value`. Throws for an index that was never added. */
  byIndex(index: string, value: string): readonly Cached<T>[];
  /** Whether this copy has followed the cluster at least to `resourceVersion`, an earlier answer about `key`. False when that cannot be told. */
  hasSeen(key: ObjectKey, resourceVersion: string): boolean;
  /** Adds an index over present and future objects: `values` says under which values an object is found. */
  addIndex(name: string, values: (object: Cached<T>) => readonly string[]): void;
  /** Calls `handler` for each object already there (as `added`, `initial`), then for every change. Returns the way out. */
  subscribe(handler: (change: Change<T>) => void): () => void;
  /** Calls `listener` whenever `state` changes. Returns the way out. */
  onState(listener: (state: StoreState) => void): () => void;
}

/** Resolves once the store has synced; rejects with the signal's reason when that aborts first. */
export function whenSynced(store: Pick<Store<KubeObject>, 'hasSynced' | 'onState'>, signal?: AbortSignal): Promise<void> {
  if (store.hasSynced()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const abort = () => {
      leave();
      reject(signal?.reason);
    };
    const leave = store.onState(() => {
      if (!store.hasSynced()) return;
      leave();
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
