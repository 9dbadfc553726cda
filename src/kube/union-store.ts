import type { KubeObject, ObjectKey, ResourceType } from './object.ts';
import type { Cached, Change, Store, StoreState } from './store.ts';

/**
 * Several stores of one type, one for each namespace, read as one: what `--namespaces a,b` needs where RBAC allows no cluster-wide list. Objects are found
 * by their namespace, so that the parts must not overlap.
 */
export class UnionStore<T extends KubeObject> implements Store<T> {
  readonly type: ResourceType<T>;
  readonly #parts: ReadonlyMap<string, Store<T>>;

  constructor(type: ResourceType<T>, parts: ReadonlyMap<string, Store<T>>) {
    this.type = type;
    this.#parts = parts;
  }

  /** `syncing` while any part is, else `forbidden` while any part is, `absent` when all are, else `synced`. */
  get state(): StoreState {
    const states = new Set(this.#all().map((part) => part.state));
    if (states.has('syncing')) return 'syncing';
    if (states.has('forbidden')) return 'forbidden';
    return states.has('synced') || states.size === 0 ? 'synced' : 'absent';
  }

  get size(): number {
    return this.#all().reduce((sum, part) => sum + part.size, 0);
  }

  hasSynced(): boolean {
    return this.state !== 'syncing';
  }

  get(key: ObjectKey): Cached<T> | undefined {
    return this.#parts.get(key.namespace ?? '')?.get(key);
  }

  list(namespace?: string): readonly Cached<T>[] {
    if (namespace !== undefined) return this.#parts.get(namespace)?.list() ?? [];
    return this.#all().flatMap((part) => part.list());
  }

  byIndex(index: string, value: string): readonly Cached<T>[] {
    return this.#all().flatMap((part) => part.byIndex(index, value));
  }

  hasSeen(key: ObjectKey, resourceVersion: string): boolean {
    return this.#parts.get(key.namespace ?? '')?.hasSeen(key, resourceVersion) ?? false;
  }

  addIndex(name: string, values: (object: Cached<T>) => readonly string[]): void {
    for (const part of this.#all()) part.addIndex(name, values);
  }

  subscribe(handler: (change: Change<T>) => void): () => void {
    return all(this.#all().map((part) => part.subscribe(handler)));
  }

  onState(listener: (state: StoreState) => void): () => void {
    let last = this.state;
    const check = () => {
      const state = this.state;
      if (state === last) return;
      last = state;
      listener(state);
    };
    return all(this.#all().map((part) => part.onState(check)));
  }

  #all(): Store<T>[] {
    return [...this.#parts.values()];
  }
}

function all(leave: readonly (() => void)[]): () => void {
  return () => {
    for (const one of leave) one();
  };
}
