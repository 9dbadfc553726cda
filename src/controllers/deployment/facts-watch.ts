import type { ClusterFacts } from '../../kserve/facts.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Enqueue, Watch } from '../../kube/controller.ts';
import type { KubeObject, ObjectKey } from '../../kube/object.ts';
import type { Store } from '../../kube/store.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type Discovered, discover, servingGroups } from './discovery.ts';
import { factsFrom } from './facts.ts';
import type { FactStores } from './stores.ts';

export interface FactsPorts {
  readonly client: KubeClient;
  readonly stores: FactStores;
  readonly clock: Clock;
  readonly log: Logger;
  /** Who must look again when the facts change. */
  readonly keys: () => readonly ObjectKey[];
  /** Where KServe is; absent: found out. */
  readonly kserveNamespace?: string;
  /** Comes before `kserveNamespace` as long as it names one. */
  readonly declaredNamespace?: DeclaredNamespace;
}

/** The namespace of KServe as the ServingPlatform declares it, which may change at any time. */
export interface DeclaredNamespace {
  current(): string | undefined;
  /** @returns ends it */
  subscribe(changed: () => void): () => void;
}

/** Several objects change together when something is installed; they are read once, this long after the first. */
const settleMilliseconds = 250;
/** Discovery follows a CRD late, and an API server may be away: asked again after this long, then twice as long, up to the second value. */
const [firstRetryMilliseconds, lastRetryMilliseconds] = [1000, 60_000];

/**
 * The cluster's facts, kept current. As a source of keys it names every deployment when they change, which is what makes work resume by
 * itself when KServe or Knative is installed, removed or upgraded.
 */
export class FactsWatch implements Watch {
  readonly source = 'ClusterFacts';
  readonly #ports: FactsPorts;
  #discovered: Discovered | undefined;
  #waiting: ((facts: ClusterFacts) => void)[] = [];
  #facts: ClusterFacts | undefined;
  /** Raised when what is served may have changed: a discovery that began before says nothing about it. */
  #round = 0;
  #retries = 0;
  #cancelTimer: (() => void) | undefined;
  #enqueue: Enqueue | undefined;
  #stop = new AbortController();

  constructor(ports: FactsPorts) {
    this.#ports = ports;
  }

  hasSynced(): boolean {
    return this.#facts !== undefined;
  }

  /**
   * The facts of this moment; after a start, those of the first look. Rejects with the signal's reason when that aborts first, and when the
   * watch ends: then there will be none.
   */
  async current(signal: AbortSignal): Promise<ClusterFacts> {
    if (this.#facts !== undefined) return this.#facts;
    const ended = AbortSignal.any([signal, this.#stop.signal]);
    return new Promise((resolve, reject) => {
      const abort = () => reject(ended.reason);
      if (ended.aborted) return abort();
      ended.addEventListener('abort', abort, { once: true });
      this.#waiting.push((facts) => {
        ended.removeEventListener('abort', abort);
        resolve(facts);
      });
    });
  }

  start(enqueue: Enqueue): () => void {
    const { stores } = this.#ports;
    this.#enqueue = enqueue;
    this.#stop = new AbortController();
    const followed: readonly Store<KubeObject>[] = [
      stores.inferenceServiceConfigs,
      ...stores.knativeConfigs,
      ...stores.controllers,
      stores.clusterServingRuntimes,
    ] as readonly Store<KubeObject>[];
    const leave = [
      ...followed.map((store) => store.subscribe(() => this.#schedule(settleMilliseconds))),
      ...followed.map((store) => store.onState(() => this.#schedule(settleMilliseconds))),
      stores.customResourceDefinitions.subscribe(({ object }) => {
        if (servingGroups.some((group) => object.metadata.name.endsWith(`.${group}`))) this.#rediscover();
      }),
    ];
    const { declaredNamespace } = this.#ports;
    if (declaredNamespace !== undefined) leave.push(declaredNamespace.subscribe(() => this.#schedule(settleMilliseconds)));
    this.#schedule(0);
    return () => {
      for (const go of leave) go();
      this.#cancelTimer?.();
      this.#cancelTimer = undefined;
      this.#stop.abort();
    };
  }

  #rediscover(): void {
    this.#round++;
    this.#discovered = undefined;
    this.#retries = 0;
    this.#schedule(settleMilliseconds);
  }

  #schedule(milliseconds: number): void {
    if (this.#cancelTimer !== undefined) return;
    this.#cancelTimer = this.#ports.clock.schedule(() => {
      this.#cancelTimer = undefined;
      void this.#refresh();
    }, milliseconds);
  }

  async #refresh(): Promise<void> {
    const { client, log } = this.#ports;
    const { signal } = this.#stop;
    try {
      if (this.#discovered !== undefined) return this.#publish(this.#discovered);
      const round = this.#round;
      const discovered = await discover(client, signal);
      this.#publish(discovered);
      if (round !== this.#round) return;
      if (!this.#agreesWithDefinitions(discovered)) return this.#retry();
      this.#discovered = discovered;
      this.#retries = 0;
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error }, 'Discovery of the serving APIs failed, trying again');
      this.#retry();
    }
  }

  #retry(): void {
    this.#schedule(Math.min(firstRetryMilliseconds * 2 ** this.#retries, lastRetryMilliseconds));
    this.#retries = Math.min(this.#retries + 1, 16);
  }

  /**
   * Whether discovery lists just what there are CRDs for; it lags behind them by up to seconds. Where CRDs may not be read, nothing ever
   * agrees, and discovery is asked again and again instead.
   */
  #agreesWithDefinitions({ resources }: Discovered): boolean {
    if (this.#ports.stores.customResourceDefinitions.state !== 'synced') return false;
    const served = new Set(resources.map(({ group, resource }) => `${resource}.${group}`));
    const defined = this.#ports.stores.customResourceDefinitions
      .list()
      .map(({ metadata }) => metadata)
      .filter(
        ({ name, deletionTimestamp }) => deletionTimestamp === undefined && servingGroups.some((group) => name.endsWith(`.${group}`)),
      );
    return defined.length === served.size && defined.every(({ name }) => served.has(name));
  }

  #publish(discovered: Discovered): void {
    const { stores, keys, kserveNamespace, declaredNamespace, log } = this.#ports;
    const { inferenceServiceConfigs, knativeConfigs, controllers, clusterServingRuntimes } = stores;
    const facts = factsFrom(
      {
        discovered,
        inferenceServiceConfigs: inferenceServiceConfigs.state === 'synced' ? inferenceServiceConfigs.list() : undefined,
        controllers: controllers.every((store) => store.state === 'synced') ? controllers.flatMap((store) => store.list()) : undefined,
        clusterServingRuntimes: clusterServingRuntimes.state === 'synced' ? clusterServingRuntimes.list() : undefined,
        knativeConfigs: knativeConfigs.every((store) => store.state === 'synced')
          ? knativeConfigs.flatMap((store) => store.list())
          : undefined,
      },
      declaredNamespace?.current() ?? kserveNamespace,
    );
    if (JSON.stringify(facts) === JSON.stringify(this.#facts)) return;
    const first = this.#facts === undefined;
    this.#facts = facts;
    for (const tell of this.#waiting.splice(0)) tell(facts);
    log.info(
      { resources: facts.resources.length, controllerImage: facts.controllerImage },
      first ? 'Serving layer looked at' : 'Serving layer changed',
    );
    for (const key of keys()) this.#enqueue?.(key, first);
  }
}

/** A source of keys: all of them, whenever one of the stores begins or ceases to know its objects. */
export function watchStates(stores: readonly Store<never>[], keys: () => readonly ObjectKey[]): Watch {
  return {
    source: 'StoreState',
    hasSynced: () => true,
    start(enqueue) {
      const tell = () => {
        for (const key of keys()) enqueue(key, false);
      };
      const leave = stores.map((store) => store.onState(tell));
      return () => {
        for (const go of leave) go();
      };
    },
  };
}
