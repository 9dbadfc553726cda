import { hash } from 'node:crypto';
import type { ApplyObject, KubeClient } from './client.ts';
import { isConflict, isNotFound } from './errors.ts';
import { isApplied, sameValue } from './field-set.ts';
import { apiVersionOf, type KubeObject, keyOf, keyText, type ObjectKey, type ResourceType, type Stored } from './object.ts';
import { appliedFields } from './prune.ts';
import { compareResourceVersions } from './resource-version.ts';
import type { Cached, Store } from './store.ts';

/** What came of making an object as desired. `written: false`: it already was, or our cache has yet to hear of what we wrote; no request went out. */
export type ApplyOutcome<T extends KubeObject> =
  | { readonly written: true; readonly object: Stored<T> }
  | { readonly written: false; readonly object: Cached<T> | undefined };

export interface ApplierOptions {
  readonly client: KubeClient;
  /** Must be the one that the caches know (`ClusterCacheOptions.fieldManager`). @default modelwright */
  readonly fieldManager?: string;
}

/** What we last wrote to an object, and what the server made of it. */
interface Memory {
  readonly uid: string;
  readonly resourceVersion: string;
  /** Digest of what was desired. */
  readonly desired: string;
  /** Digest of the answer's parts that may matter; whatever else changes afterwards is not ours. */
  readonly answered: string;
}

/** Oldest memories go first; a lost one costs one comparison or one request. */
const maxMemories = 50_000;

/**
 * A version that no object ever has. The API server makes an object that is applied with a version where there is none under its name, and answers with a
 * conflict where there is one of another version (Kubernetes 1.30 to 1.37).
 */
const noVersion = '1';

/**
 * Makes objects as desired by server-side apply, and makes no request when they already are.
 *
 * An object is as desired when the fields that we own in it (its managedFields, of which caches keep our share) are those we desire, and have the desired
 * values. Where a server rewrites what we send, so that this can never hold (a webhook that moves a field, defaults within an atomic list), the answer to our
 * last apply is remembered, and an object that still looks like it is as desired too. After a restart that costs such an object one request, which changes
 * nothing.
 */
export class Applier {
  readonly #client: KubeClient;
  readonly #fieldManager: string;
  readonly #memories = new Map<string, Memory>();

  constructor({ client, fieldManager = 'modelwright' }: ApplierOptions) {
    this.#client = client;
    this.#fieldManager = fieldManager;
  }

  /**
   * Applies `desired`, by force: fields that others took are ours again. The object that `store` has is the one that is meant; should there be another under
   * its name by now, nothing is written and a conflict is thrown. Leave out of `desired` what is an object and may become empty: the server turns one that an
   * apply empties into null and then refuses it (seen with Kubernetes 1.34).
   */
  apply<T extends KubeObject>(store: Store<T>, desired: ApplyObject<T>, signal?: AbortSignal): Promise<ApplyOutcome<T>> {
    return this.#apply(store, desired, {}, signal);
  }

  /**
   * As `apply`, for an object that is nobody else's: where `store` has none under its name, there must be none. Should there be one after all, nothing is
   * written and a conflict is thrown.
   */
  applyOwn<T extends KubeObject>(store: Store<T>, desired: ApplyObject<T>, signal?: AbortSignal): Promise<ApplyOutcome<T>> {
    return this.#apply(store, desired, { resourceVersion: noVersion }, signal);
  }

  /** `whenAbsent` is added to what is sent where nothing is known under the name. */
  async #apply<T extends KubeObject>(
    store: Store<T>,
    desired: ApplyObject<T>,
    whenAbsent: { readonly resourceVersion?: string },
    signal: AbortSignal | undefined,
  ): Promise<ApplyOutcome<T>> {
    const { type } = store;
    const key = keyOf(desired);
    const id = memoryId(type, key, 'object');
    const live = store.get(key);
    const memory = this.#memories.get(id);
    if (memory !== undefined && (live === undefined || metadataOf(live).uid === memory.uid) && memory.desired === digestOf(desired)) {
      if (live !== undefined && memory.answered === lookOf(live)) return { written: false, object: live };
      // The cache is behind our own write. It will hear of that, and of whatever came after.
      if (!store.hasSeen(key, memory.resourceVersion)) return { written: false, object: live };
    }
    if (live !== undefined && isAsDesired(live, desired)) return { written: false, object: live };
    // What the cache does not have yet may be what we wrote last.
    const uid = live === undefined ? (desired.metadata.uid ?? this.#unheardOf(store, key, memory)) : metadataOf(live).uid;
    const body = { ...desired, metadata: { ...desired.metadata, ...(uid === undefined ? whenAbsent : { uid }) } };
    const object = await this.#client.apply(type, body, { fieldManager: this.#fieldManager, force: true }, signal);
    this.#remember(id, object, digestOf(desired), lookOf(object as Cached<KubeObject>));
    return { written: true, object };
  }

  /**
   * Writes `status`, all of it, when it differs from that of `live`. If the object has changed since, nothing is written and a conflict is thrown: the status
   * was drawn from an older state.
   */
  async applyStatus<T extends KubeObject>(
    type: ResourceType<T>,
    live: Cached<T>,
    status: unknown,
    signal?: AbortSignal,
  ): Promise<ApplyOutcome<T>> {
    const { name, namespace, uid, resourceVersion } = metadataOf(live);
    const key = keyOf(live as KubeObject);
    const id = memoryId(type, key, 'status');
    const current = statusOf(live);
    if (sameValue(current, status)) return { written: false, object: live };
    const digest = digestOf(status);
    const memory = this.#memories.get(id);
    if (memory?.uid === uid) {
      const order = compareResourceVersions(resourceVersion, memory.resourceVersion);
      // `live` is from before our last write, whose event will bring this object back.
      if (order !== undefined && order < 0) return { written: false, object: live };
      // The server keeps something else than what we send, and still does.
      if (memory.desired === digest && memory.answered === digestOf(current)) return { written: false, object: live };
    }
    const metadata = { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion };
    const body = { apiVersion: apiVersionOf(type), kind: type.kind, metadata, status } as unknown as ApplyObject<T>;
    const object = await this.#client.apply(type, body, { fieldManager: this.#fieldManager, force: true, subresource: 'status' }, signal);
    this.#remember(id, object, digest, digestOf(statusOf(object as Cached<KubeObject>)));
    return { written: true, object };
  }

  /**
   * Deletes this very object, by uid, and what it owns after it. One that is gone already, or another under its name, counts as done. Returns whether a
   * request went out: none does while a deletion is under way.
   */
  async remove(type: ResourceType, live: Cached<KubeObject>, signal?: AbortSignal): Promise<boolean> {
    const { uid, deletionTimestamp } = metadataOf(live);
    this.forget(type, keyOf(live as KubeObject));
    if (deletionTimestamp !== undefined) return false;
    try {
      await this.#client.delete(type, keyOf(live as KubeObject), { uid, propagationPolicy: 'Background' }, signal);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
    return true;
  }

  /** Forgets what was written under a key, so that the next apply compares afresh. For objects that are gone. */
  forget(type: ResourceType, key: ObjectKey): void {
    for (const part of ['object', 'status'] as const) this.#memories.delete(memoryId(type, key, part));
  }

  #unheardOf(store: Pick<Store<never>, 'hasSeen'>, key: ObjectKey, memory: Memory | undefined): string | undefined {
    return memory === undefined || store.hasSeen(key, memory.resourceVersion) ? undefined : memory.uid;
  }

  #remember(id: string, object: Stored<KubeObject>, desired: string, answered: string): void {
    const { uid, resourceVersion } = object.metadata;
    this.#memories.delete(id);
    this.#memories.set(id, { uid, resourceVersion, desired, answered });
    if (this.#memories.size <= maxMemories) return;
    const [oldest] = this.#memories.keys();
    if (oldest !== undefined) this.#memories.delete(oldest);
  }
}

/** Whether what we own in `live` is exactly `desired`, by value and by field. */
export function isAsDesired(live: Cached<KubeObject>, desired: ApplyObject): boolean {
  const fields = appliedFields(live, desired.apiVersion);
  if (fields === undefined) return false;
  const { apiVersion: _, kind: __, metadata, ...content } = desired;
  // Identity belongs to nobody, so that managedFields leave it out.
  const { name: _name, namespace: _namespace, uid: _uid, resourceVersion: _version, ...owned } = metadata;
  return isApplied(fields, Object.keys(owned).length === 0 ? content : { ...content, metadata: owned }, live);
}

/**
 * Digest of everything that an apply can touch: the specification by its generation, metadata by value. Types without a generation (ConfigMaps, Secrets) are
 * judged by their version.
 */
function lookOf(object: Cached<KubeObject>): string {
  const { generation, resourceVersion, labels, annotations, ownerReferences, finalizers } = metadataOf(object);
  return digestOf([generation ?? resourceVersion, labels, annotations, ownerReferences, finalizers]);
}

function metadataOf(object: Cached<KubeObject>): Stored<KubeObject>['metadata'] {
  return object.metadata;
}

function statusOf(object: Cached<KubeObject>): unknown {
  return (object as { readonly status?: unknown }).status;
}

function digestOf(value: unknown): string {
  return hash('sha1', JSON.stringify(value) ?? '', 'base64');
}

function memoryId(type: ResourceType, key: ObjectKey, part: 'object' | 'status'): string {
  return `${part}:${type.group}/${type.plural}/${keyText(key)}`;
}
