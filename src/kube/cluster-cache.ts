import { type Logger, noLogger } from '../telemetry/logger.ts';
import type { Cache, StoreOptions } from './cache.ts';
import type { KubeClient, MetadataObject } from './client.ts';
import { type Clock, systemClock } from './clock.ts';
import { cacheAge, cacheObjects } from './metrics.ts';
import type { KubeObject, ResourceType } from './object.ts';
import { ObjectStore } from './object-store.ts';
import { prune } from './prune.ts';
import { Reflector } from './reflector.ts';
import type { Store } from './store.ts';
import { UnionStore } from './union-store.ts';

export interface ClusterCacheOptions {
  readonly client: KubeClient;
  /** Only these namespaces, each with its own list and watch, so that Roles suffice. @default all, which needs ClusterRoles */
  readonly namespaces?: readonly string[];
  /** Whose applied fields are remembered for the applier. @default modelwright */
  readonly fieldManager?: string;
  /** Freeze what is cached, so that a reader who changes it fails. For tests. */
  readonly freeze?: boolean;
  readonly log?: Logger;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** The caches of one program over one cluster. */
export class ClusterCache implements Cache {
  readonly #options: ClusterCacheOptions;
  readonly #stores = new Map<string, Store<never>>();
  readonly #reflectors: { readonly start: (signal: AbortSignal) => Promise<void> }[] = [];
  #running: { readonly signal: AbortSignal; readonly runs: Promise<void>[] } | undefined;

  constructor(options: ClusterCacheOptions) {
    this.#options = options;
  }

  store<T extends KubeObject>(type: ResourceType<T>, options: StoreOptions<T> = {}): Store<T> {
    return this.#storeOf(type, options, false);
  }

  metadataStore(type: ResourceType, options: StoreOptions<MetadataObject> = {}): Store<MetadataObject> {
    return this.#storeOf(type as ResourceType<MetadataObject>, options, true);
  }

  hasSynced(): boolean {
    return this.pending().length === 0;
  }

  /** Kinds that have not synced, for people who wait. */
  pending(): readonly string[] {
    const kinds = [...this.#stores.values()].filter((store) => !store.hasSynced()).map((store) => store.type.kind);
    return [...new Set(kinds)];
  }

  async run(signal: AbortSignal): Promise<void> {
    if (this.#running) throw new Error('this cache is running already');
    const runs = this.#reflectors.map(({ start }) => start(signal));
    this.#running = { signal, runs };
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await Promise.all(runs);
  }

  #storeOf<T extends KubeObject>(type: ResourceType<T>, options: StoreOptions<T>, metadataOnly: boolean): Store<T> {
    const { transform, ...plain } = options;
    const id = JSON.stringify([type.group, type.version, type.plural, metadataOnly, plain]);
    // A transform cannot be compared, so that each one has its own store.
    const known = transform === undefined ? this.#stores.get(id) : undefined;
    if (known !== undefined) return known as Store<T>;
    const namespaces = type.namespaced ? (options.namespaces ?? this.#options.namespaces) : undefined;
    const store =
      namespaces === undefined
        ? this.#reflected(type, options, metadataOnly)
        : new UnionStore(
            type,
            new Map(namespaces.map((namespace) => [namespace, this.#reflected(type, options, metadataOnly, namespace)])),
          );
    this.#stores.set(transform === undefined ? id : `${id}#${this.#stores.size}`, store as unknown as Store<never>);
    return store;
  }

  #reflected<T extends KubeObject>(type: ResourceType<T>, options: StoreOptions<T>, metadataOnly: boolean, namespace?: string): Store<T> {
    const { client, fieldManager = 'modelwright', freeze = false, log = noLogger, clock = systemClock, random } = this.#options;
    const { transform, labelSelector, fieldSelector, optional = false, dispensable = false } = options;
    const store = new ObjectStore<T>(type, { log, freeze });
    const reflector = new Reflector<T>({
      client,
      store,
      metadataOnly,
      optional,
      dispensable,
      clock,
      log: log.child({ resource: type.plural, ...(namespace !== undefined && { namespace }) }),
      keep(object) {
        const pruned = prune(object, fieldManager);
        return transform === undefined ? pruned : (transform(pruned) as typeof object);
      },
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
      ...(random && { random }),
    });
    const start = async (signal: AbortSignal) => {
      const labels = { resource: type.plural };
      const leave = [cacheObjects.observe(labels, () => store.size), cacheAge.observe(labels, () => reflector.silence / 1000)];
      await reflector.run(signal);
      for (const one of leave) one();
    };
    this.#reflectors.push({ start });
    const running = this.#running;
    if (running && !running.signal.aborted) running.runs.push(start(running.signal));
    return store;
  }
}
