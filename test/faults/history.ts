/**
 * What really happened in the cluster: every state of every object of some kinds, in etcd's order, read by watches that go past the proxy.
 * resourceVersions of one etcd are one counter over all kinds, so states of different kinds can be put in order.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api, Thing } from './api.ts';

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly kind: string;
  readonly object: Thing;
  /** etcd revision of the change. */
  readonly revision: number;
  /** When the campaign heard of it, milliseconds of `performance.now()`. */
  readonly at: number;
}

export interface FollowedKind {
  readonly kind: string;
  /** Collection path, for example `/apis/serving.kserve.io/v1beta1/inferenceservices`. */
  readonly path: string;
}

export class History {
  readonly changes: Change[] = [];
  readonly #current = new Map<string, Map<string, Thing>>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  #remember = true;
  /** Times a watch had to begin anew with a list, so that states in between were not seen. */
  gaps = 0;

  /** Follows `kinds` from now on; resolves when the present state of all of them is known. Without `remember`, `changes` stays empty. */
  static async follow(api: Api, kinds: readonly FollowedKind[], { remember = true } = {}): Promise<History> {
    const history = new History();
    history.#remember = remember;
    await Promise.all(
      kinds.map(async ({ kind, path }) => {
        const version = await history.#list(api, kind, path);
        history.#loops.push(history.#watch(api, kind, path, version));
      }),
    );
    return history;
  }

  /** Present objects of a kind, by `namespace` and name prefix. */
  present(kind: string, namespace: string, prefix = ''): Thing[] {
    return [...(this.#current.get(kind)?.values() ?? [])].filter(
      ({ metadata }) => metadata.namespace === namespace && metadata.name.startsWith(prefix),
    );
  }

  get(kind: string, namespace: string, name: string): Thing | undefined {
    return this.#current.get(kind)?.get(`${namespace}/${name}`);
  }

  /** Changes to objects of a namespace whose names have `prefix`, oldest first. */
  of(namespace: string, prefix: string): Change[] {
    return this.changes.filter(({ object: { metadata } }) => metadata.namespace === namespace && metadata.name.startsWith(prefix));
  }

  /** Forgets the changes of finished trials; the present stays. */
  forget(namespace: string, prefix: string): void {
    const keep = this.changes.filter(({ object: { metadata } }) => metadata.namespace !== namespace || !metadata.name.startsWith(prefix));
    this.changes.length = 0;
    this.changes.push(...keep);
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves true as soon as `holds`, looking again after each change; false after `milliseconds`. */
  async until(holds: () => boolean, milliseconds: number): Promise<boolean> {
    if (holds()) return true;
    return new Promise((resolve) => {
      const finish = (result: boolean) => {
        clearTimeout(timer);
        clearInterval(poll);
        leave();
        resolve(result);
      };
      const look = () => holds() && finish(true);
      const leave = this.onChange(look);
      const poll = setInterval(look, 100);
      const timer = setTimeout(() => finish(holds()), milliseconds);
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#loops);
  }

  async #list(api: Api, kind: string, path: string): Promise<string> {
    const list = await api.must('GET', path);
    const before = this.#current.get(kind) ?? new Map<string, Thing>();
    const revision = Number(list.metadata.resourceVersion);
    const names = new Set<string>();
    for (const item of list.items as Thing[]) {
      const key = `${item.metadata.namespace}/${item.metadata.name}`;
      names.add(key);
      const known = before.get(key);
      if (known?.metadata.resourceVersion === item.metadata.resourceVersion) continue;
      this.#record({
        type: known === undefined ? 'ADDED' : 'MODIFIED',
        kind,
        object: item,
        revision: Number(item.metadata.resourceVersion),
        at: performance.now(),
      });
    }
    for (const [key, object] of before) {
      if (!names.has(key)) this.#record({ type: 'DELETED', kind, object, revision, at: performance.now() });
    }
    if (!this.#current.has(kind)) this.#current.set(kind, new Map());
    return list.metadata.resourceVersion;
  }

  async #watch(api: Api, kind: string, path: string, from: string): Promise<void> {
    let version = from;
    while (!this.#stop.signal.aborted) {
      try {
        const query = `?watch=1&allowWatchBookmarks=true&timeoutSeconds=600&resourceVersion=${version}`;
        for await (const { type, object } of api.watch(path + query, this.#stop.signal)) {
          if (type === 'ERROR') throw new Error(String(object['message']));
          version = object.metadata.resourceVersion;
          if (type === 'BOOKMARK') continue;
          this.#record({ type: type as Change['type'], kind, object, revision: Number(version), at: performance.now() });
        }
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        await sleep(100);
        if (/expired|too old|410/i.test(String(error))) {
          this.gaps += 1;
          version = await this.#list(api, kind, path).catch(() => version);
        }
      }
    }
  }

  #record(change: Change): void {
    const { kind, object } = change;
    const objects = this.#current.get(kind) ?? new Map<string, Thing>();
    this.#current.set(kind, objects);
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    if (change.type === 'DELETED') objects.delete(key);
    else objects.set(key, object);
    if (this.#remember) this.changes.push(change);
    for (const listener of this.#listeners) listener(change);
  }
}
