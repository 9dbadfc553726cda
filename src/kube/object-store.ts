import { type Logger, noLogger } from '../telemetry/logger.ts';
import { handlerErrors } from './metrics.ts';
import { type KubeObject, keyOf, keyText, type ObjectKey, type ResourceType, type Stored } from './object.ts';
import { compareResourceVersions } from './resource-version.ts';
import type { Cached, Change, Store, StoreState } from './store.ts';

export interface ObjectStoreOptions {
  readonly log?: Logger;
  /** Freeze every object, so that a reader who changes one fails at once. For tests: it costs as much as parsing. */
  readonly freeze?: boolean;
}

/** No other index has this name. */
const namespaceIndex = '\0namespace';

interface Index<T extends KubeObject> {
  readonly values: (object: Cached<T>) => readonly string[];
  readonly entries: Map<string, Map<string, Cached<T>>>;
}

/**
 * A store in memory, and the means to fill it. A reflector does so from the cluster; tests may do so by hand. Every change reaches the subscribers in
 * order and exactly once; what a subscriber throws is logged and counted, and stops neither the others nor the store.
 */
export class ObjectStore<T extends KubeObject> implements Store<T> {
  readonly type: ResourceType<T>;
  readonly #log: Logger;
  readonly #freeze: boolean;
  readonly #objects = new Map<string, Cached<T>>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #handlers = new Set<(change: Change<T>) => void>();
  readonly #listeners = new Set<(state: StoreState) => void>();
  #state: StoreState = 'syncing';
  #resourceVersion: string | undefined;

  constructor(type: ResourceType<T>, options: ObjectStoreOptions = {}) {
    this.type = type;
    this.#log = options.log ?? noLogger;
    this.#freeze = options.freeze ?? false;
  }

  get state(): StoreState {
    return this.#state;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** How far this copy has followed the cluster; undefined before the first fill. */
  get resourceVersion(): string | undefined {
    return this.#resourceVersion;
  }

  hasSynced(): boolean {
    return this.#state !== 'syncing';
  }

  get(key: ObjectKey): Cached<T> | undefined {
    return this.#objects.get(keyText(key));
  }

  list(namespace?: string): readonly Cached<T>[] {
    if (namespace === undefined) return [...this.#objects.values()];
    // Made when first asked for, so that one namespace of thousands does not cost a look at each object of the cluster.
    if (!this.#indexes.has(namespaceIndex)) this.addIndex(namespaceIndex, namespaceOf);
    return this.byIndex(namespaceIndex, namespace);
  }

  byIndex(index: string, value: string): readonly Cached<T>[] {
    const found = this.#indexes.get(index);
    if (found === undefined) throw new TypeError(`the ${this.type.kind} store has no index "${index}"`);
    return [...(found.entries.get(value)?.values() ?? [])];
  }

  hasSeen(_key: ObjectKey, resourceVersion: string): boolean {
    const order = this.#resourceVersion === undefined ? undefined : compareResourceVersions(this.#resourceVersion, resourceVersion);
    return order !== undefined && order >= 0;
  }

  addIndex(name: string, values: (object: Cached<T>) => readonly string[]): void {
    if (this.#indexes.has(name)) throw new TypeError(`the ${this.type.kind} store already has an index "${name}"`);
    const index: Index<T> = { values, entries: new Map() };
    this.#indexes.set(name, index);
    for (const [text, object] of this.#objects) enter(index, text, object);
  }

  subscribe(handler: (change: Change<T>) => void): () => void {
    for (const object of this.#objects.values()) this.#call(handler, { kind: 'added', object, initial: true });
    // A set of fresh functions: the same handler twice is two subscriptions.
    const subscription = (change: Change<T>) => handler(change);
    this.#handlers.add(subscription);
    return () => void this.#handlers.delete(subscription);
  }

  onState(listener: (state: StoreState) => void): () => void {
    const subscription = (state: StoreState) => listener(state);
    this.#listeners.add(subscription);
    return () => void this.#listeners.delete(subscription);
  }

  /** Takes in an object that was added or changed. Under a new uid it is another object: the old one is reported deleted first. */
  put(object: Stored<T>): void {
    this.#put(object, false);
    this.advance(object.metadata.resourceVersion);
  }

  /** Takes out an object; `last` is its final state where that is known. */
  remove(key: ObjectKey, last?: Stored<T>): void {
    this.#remove(keyText(key), last);
    if (last !== undefined) this.advance(last.metadata.resourceVersion);
  }

  /**
   * Makes `objects` the whole content, as of `resourceVersion`: what is missing is reported deleted, what differs updated. Unless the store was synced before,
   * additions are `initial`.
   */
  replace(objects: Iterable<Stored<T>>, resourceVersion?: string): void {
    const initial = this.#state !== 'synced';
    const missing = new Set(this.#objects.keys());
    const incoming = [...objects];
    for (const object of incoming) missing.delete(keyText(keyOf(object)));
    for (const text of missing) this.#remove(text);
    for (const object of incoming) this.#put(object, initial);
    if (resourceVersion !== undefined) this.advance(resourceVersion);
    this.#enter('synced');
  }

  /** Notes that the copy has followed the cluster to `resourceVersion`. */
  advance(resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
  }

  /** Empties the store: the cluster does not serve this resource. */
  markAbsent(): void {
    for (const text of [...this.#objects.keys()]) this.#remove(text);
    this.#resourceVersion = undefined;
    this.#enter('absent');
  }

  /** Notes that the cluster does not let us read this resource. What is here stays: not being told is not the same as being told that it is gone. */
  markForbidden(): void {
    this.#enter('forbidden');
  }

  #put(incoming: Stored<T>, initial: boolean): void {
    const object = (this.#freeze ? deepFreeze(incoming) : incoming) as Cached<T>;
    const text = keyText(keyOf(incoming));
    const before = this.#objects.get(text);
    const same = before !== undefined && metadataOf(before).uid === incoming.metadata.uid;
    // A replay of what is known is no news.
    if (same && metadataOf(before).resourceVersion === incoming.metadata.resourceVersion) return;
    if (before !== undefined && !same) this.#remove(text);
    this.#objects.set(text, object);
    for (const index of this.#indexes.values()) {
      if (same) leave(index, text, before);
      enter(index, text, object);
    }
    this.#notify(same ? { kind: 'updated', object, before } : { kind: 'added', object, initial });
  }

  #remove(text: string, last?: Stored<T>): void {
    const before = this.#objects.get(text);
    if (before === undefined) return;
    this.#objects.delete(text);
    for (const index of this.#indexes.values()) leave(index, text, before);
    const same = last !== undefined && last.metadata.uid === metadataOf(before).uid;
    this.#notify({ kind: 'deleted', object: same ? (last as Cached<T>) : before });
  }

  #notify(change: Change<T>): void {
    for (const handler of this.#handlers) this.#call(handler, change);
  }

  #call(handler: (change: Change<T>) => void, change: Change<T>): void {
    try {
      handler(change);
    } catch (err) {
      handlerErrors.inc({ resource: this.type.plural });
      this.#log.error({ err, kind: this.type.kind, change: change.kind }, 'A subscriber of a cache failed');
    }
  }

  #enter(state: StoreState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

function metadataOf(object: Cached<KubeObject>): Stored<KubeObject>['metadata'] {
  return object.metadata;
}

function namespaceOf(object: Cached<KubeObject>): readonly string[] {
  const { namespace } = metadataOf(object);
  return namespace === undefined ? [] : [namespace];
}

function enter<T extends KubeObject>(index: Index<T>, text: string, object: Cached<T>): void {
  for (const value of index.values(object)) {
    const entries = index.entries.get(value);
    if (entries === undefined) index.entries.set(value, new Map([[text, object]]));
    else entries.set(text, object);
  }
}

function leave<T extends KubeObject>(index: Index<T>, text: string, object: Cached<T>): void {
  for (const value of index.values(object)) {
    const entries = index.entries.get(value);
    entries?.delete(text);
    if (entries?.size === 0) index.entries.delete(value);
  }
}

/** Makes a value and all within it unchangeable; whoever tries gets a TypeError. */
export function deepFreeze<V>(value: V): V {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}
