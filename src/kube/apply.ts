import type { ApplyObject } from './client.ts';
import type { KubeObject, ObjectKey, ResourceType, Stored } from './object.ts';
import type { Cached, Store } from './store.ts';

/** What came of making an object as desired. `written: false`: it already was, no request went out. */
export type ApplyOutcome<T extends KubeObject> =
  | { readonly written: true; readonly object: Stored<T> }
  | { readonly written: false; readonly object: Cached<T> | undefined };

/** Makes objects as desired by server-side apply, and makes no request when they already are. */
export interface Applier {
  /**
   * Applies `desired` with force under this applier's field manager, unless the live object in `store` already has every value and our ownership is exactly these fields.
   * `desired.metadata.uid`, where set, is a precondition.
   */
  apply<T extends KubeObject>(store: Store<T>, desired: ApplyObject<T>, signal?: AbortSignal): Promise<ApplyOutcome<T>>;
  /** Writes `status` of `live` through its status subresource when it differs; a newer object is a conflict, never overwritten. */
  applyStatus<T extends KubeObject>(
    type: ResourceType<T>,
    live: Cached<T>,
    status: unknown,
    signal?: AbortSignal,
  ): Promise<ApplyOutcome<T>>;
  /** Deletes this very object (UID precondition); one that is gone, or another under its name, counts as done. Returns whether a request went out. */
  remove(type: ResourceType, live: Cached<KubeObject>, signal?: AbortSignal): Promise<boolean>;
  /** Forgets what was applied under a key; the next apply compares afresh. */
  forget(type: ResourceType, key: ObjectKey): void;
}
