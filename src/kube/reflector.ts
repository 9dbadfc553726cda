import type { Logger } from '../telemetry/logger.ts';
import type { KubeClient, ObjectList, WatchEvent } from './client.ts';
import { type Clock, sleep } from './clock.ts';
import {
  errorFromStatus,
  isExpired,
  isForbidden,
  isNotFound,
  isTooLargeResourceVersion,
  KubeError,
  type Status,
  toError,
} from './errors.ts';
import { cacheFills, watchRestarts } from './metrics.ts';
import { type KubeObject, keyOf, keyText, type ResourceType, type Stored } from './object.ts';
import type { ObjectStore } from './object-store.ts';
import { Backoff } from './rate-limiter.ts';
import { compareResourceVersions } from './resource-version.ts';

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Pick<KubeClient, 'list' | 'listMetadata' | 'watch'>;
  readonly store: ObjectStore<T>;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Read metadata only; `T` is then `MetadataObject`. */
  readonly metadataOnly?: boolean;
  /** The resource may not be served: the store becomes `absent` instead of waiting. */
  readonly optional?: boolean;
  /** We may not be allowed to read it: the store becomes `forbidden` instead of waiting. */
  readonly dispensable?: boolean;
  /** What is kept of an object; may change it in place. */
  readonly keep?: (object: Stored<T>) => Stored<T>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Uniform in [0, 1). @default Math.random */
  readonly random?: () => number;
}

/** Objects per page of the first list. */
const pageSize = 500;
/** A watch on which nothing came for this long is taken for dead. Bookmarks come once a minute, also when nothing has changed (measured with Kubernetes 1.34). */
const idleMilliseconds = 90_000;
/** How long past its own timeout a server may let a watch run. */
const graceMilliseconds = 10_000;
/** A watch that the server ends sooner and without an event is a failure. */
const shortMilliseconds = 1_000;
/** Server errors are borne this long before the watch's position is given up. */
const serverErrorMilliseconds = 60_000;
/** After so many silent watches in a row the position itself is suspect, as after a restored etcd, which may have gone back in time. */
const maxIdleInARow = 3;
/** How often a resource that is not served, or may not be read, is asked for: every 30 s in the end. */
const absentBackoff = { firstMilliseconds: 2_500, capMilliseconds: 15_000 };

/** Why a watch ended; a label of `watch_restarts_total`. */
type Reason = 'closed' | 'short' | 'idle' | 'overdue' | 'expired' | 'throttled' | 'server_error' | 'network' | 'absent' | 'refused';

/** What to do after a watch or list ended. */
interface Next {
  readonly reason: Reason;
  readonly waitMilliseconds: number;
}

/** The watch was given up by us. */
class WatchStalled extends Error {
  readonly reason: 'idle' | 'overdue';
  constructor(reason: 'idle' | 'overdue') {
    super(reason === 'idle' ? 'nothing came, not even a bookmark' : 'the server did not end it in time');
    this.reason = reason;
  }
}

/**
 * Keeps one store equal to the cluster: fills it once, then follows every change, for as long as `run` runs and whatever the network and the servers do.
 * The rules are client-go's (tools/cache/reflector.go), but for the first read, which is consistent (`resourceVersion=""`) rather than any cached state, so
 * that a restart never goes back in time, and for waits, which are written beside the code below.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #type: ResourceType<T>;
  readonly #store: ObjectStore<T>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #backoff: Backoff;
  readonly #absentBackoff: Backoff;
  /** Whether the store's content must be read anew before it can be followed. */
  #mustFill = true;
  /** The version that a fill must not be older than; empty: consistent with all writes. */
  #fillFrom = '';
  /** How far the watch has come. */
  #position = '';
  /** Fill by a watch that sends the current state first. Given up for good when the server refuses it. */
  #watchList = true;
  /** Fill by list this once, since the server failed at the other way. */
  #listOnce = false;
  /** Fill by one unpaged list this once, since reading the pages took longer than the server keeps them. */
  #unpagedOnce = false;
  #serverErrorsSince: number | undefined;
  #idleInARow = 0;
  #lastActivity: number;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#store = options.store;
    this.#type = options.store.type;
    this.#clock = options.clock;
    this.#random = options.random ?? Math.random;
    this.#backoff = new Backoff(options.clock, this.#random);
    this.#absentBackoff = new Backoff(options.clock, this.#random, absentBackoff);
    this.#lastActivity = options.clock.monotonic();
  }

  /** Milliseconds since the API server was last heard of, bookmarks included. */
  get silence(): number {
    return this.#clock.monotonic() - this.#lastActivity;
  }

  /** Follows the cluster until `signal` aborts. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const next = await this.#attempt(signal);
      if (signal.aborted) return;
      if (next === undefined) continue;
      watchRestarts.inc({ resource: this.#type.plural, reason: next.reason });
      await sleep(this.#clock, next.waitMilliseconds, signal);
    }
  }

  /** One list, or one watch until it ends. Undefined: go on at once. */
  async #attempt(signal: AbortSignal): Promise<Next | undefined> {
    const filling = this.#mustFill;
    const listing = filling && (!this.#watchList || this.#listOnce || this.#unpagedOnce);
    const started = this.#clock.monotonic();
    try {
      if (listing) {
        await this.#list(signal);
        return undefined;
      }
      const events = await this.#watch(filling, signal);
      if (!filling || !this.#mustFill) {
        const short = events === 0 && this.#clock.monotonic() - started < shortMilliseconds;
        return short ? this.#again('short') : { reason: 'closed', waitMilliseconds: 0 };
      }
      return this.#again('closed');
    } catch (thrown) {
      if (signal.aborted) return undefined;
      const error = toError(thrown);
      const next = listing ? this.#afterList(error) : filling && this.#mustFill ? this.#afterWatchList(error) : this.#afterWatch(error);
      this.#options.log[next.reason === 'refused' ? 'warn' : 'debug'](
        { err: error, kind: this.#type.kind, reason: next.reason, waitMilliseconds: Math.round(next.waitMilliseconds) },
        'Following a resource was interrupted',
      );
      return next;
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const items: Stored<T>[] = [];
    let page: ObjectList<T> | undefined;
    do {
      const scope = this.#scope();
      const continueToken = page?.continueToken;
      const version = this.#fillFrom === '' ? {} : { resourceVersion: this.#fillFrom, resourceVersionMatch: 'NotOlderThan' as const };
      const limit = this.#fillFrom === '' && !this.#unpagedOnce ? { limit: pageSize } : {};
      const options = { ...scope, ...limit, ...(continueToken === undefined ? version : { continueToken }) };
      page = await this.#listPage(options, signal);
      this.#touch();
      for (const item of page.items) items.push(this.#keep(item));
    } while (page.continueToken !== undefined);
    this.#filled(items, page.resourceVersion, 'list');
  }

  #listPage(options: Parameters<KubeClient['list']>[1], signal: AbortSignal): Promise<ObjectList<T>> {
    const { client, metadataOnly } = this.#options;
    return metadataOnly
      ? (client.listMetadata(this.#type, options, signal) as unknown as Promise<ObjectList<T>>)
      : client.list(this.#type, options, signal);
  }

  /** One watch until the server ends it. Resolves with the number of events; throws for every other end. */
  async #watch(filling: boolean, signal: AbortSignal): Promise<number> {
    const timeoutSeconds = Math.floor(300 + 300 * this.#random());
    const stalled = new AbortController();
    const release = this.#superviseWatch(timeoutSeconds, stalled);
    const options = {
      ...this.#scope(),
      timeoutSeconds,
      resourceVersion: filling ? this.#fillFrom : this.#position,
      ...(filling && { sendInitialEvents: true }),
      ...(this.#options.metadataOnly && { metadataOnly: true }),
    };
    const initial = filling ? new Map<string, Stored<T>>() : undefined;
    let events = 0;
    try {
      for await (const event of this.#options.client.watch(this.#type, options, AbortSignal.any([signal, stalled.signal]))) {
        this.#touch();
        events += 1;
        if (initial !== undefined && this.#mustFill) this.#takeInitial(event, initial);
        else this.#take(event);
      }
      return events;
    } finally {
      release();
    }
  }

  /** Ends the watch when nothing comes for too long, or when it outlives the time that the server was given for it. */
  #superviseWatch(timeoutSeconds: number, stalled: AbortController): () => void {
    const latest = this.#clock.monotonic() + timeoutSeconds * 1000 + graceMilliseconds;
    this.#touch();
    let cancel = () => {};
    const check = () => {
      const now = this.#clock.monotonic();
      const idleAt = this.#lastActivity + idleMilliseconds;
      if (now >= latest) stalled.abort(new WatchStalled('overdue'));
      else if (now >= idleAt) stalled.abort(new WatchStalled('idle'));
      else cancel = this.#clock.schedule(check, Math.min(idleAt, latest) - now);
    };
    check();
    return () => cancel();
  }

  /** An event of the current state that a watch sends first. Nothing is shown to readers, and no position taken, before the state is complete. */
  #takeInitial(event: WatchEvent, initial: Map<string, Stored<T>>): void {
    if (event.type === 'ERROR') throw statusError(event);
    const object = this.#objectOf(event);
    if (object === undefined) return;
    if (event.type === 'BOOKMARK') {
      if (object.metadata.annotations?.['k8s.io/initial-events-end'] !== 'true') return;
      this.#filled([...initial.values()], object.metadata.resourceVersion, 'watchlist');
      initial.clear();
    } else if (event.type === 'DELETED') {
      initial.delete(keyText(keyOf(object)));
    } else {
      initial.set(keyText(keyOf(object)), this.#keep(object));
    }
  }

  #take(event: WatchEvent): void {
    if (event.type === 'ERROR') throw statusError(event);
    const object = this.#objectOf(event);
    if (object === undefined) return;
    const { resourceVersion } = object.metadata;
    const order = compareResourceVersions(resourceVersion, this.#position);
    // A watch gives events in the order of their versions, so one from the past was sent twice.
    if (order !== undefined && (order < 0 || (order === 0 && event.type !== 'BOOKMARK'))) return;
    this.#position = resourceVersion;
    this.#idleInARow = 0;
    this.#serverErrorsSince = undefined;
    if (event.type === 'BOOKMARK') this.#store.advance(resourceVersion);
    else if (event.type === 'DELETED') this.#store.remove(keyOf(object), this.#keep(object));
    else this.#store.put(this.#keep(object));
  }

  /** The event's object, when it is what we asked for; anything else is logged and passed over. */
  #objectOf(event: WatchEvent): Stored<T> | undefined {
    const object = event.object as Partial<Stored<T>> | null;
    const kind = this.#options.metadataOnly ? 'PartialObjectMetadata' : this.#type.kind;
    const known = event.type === 'ADDED' || event.type === 'MODIFIED' || event.type === 'DELETED' || event.type === 'BOOKMARK';
    if (known && object?.kind === kind && object.metadata?.resourceVersion !== undefined) return object as Stored<T>;
    this.#options.log.warn({ type: event.type, kind: object?.kind, expected: kind }, 'A watch sent something else than asked for');
    return undefined;
  }

  #filled(items: readonly Stored<T>[], resourceVersion: string, method: 'list' | 'watchlist'): void {
    this.#store.replace(items, resourceVersion);
    this.#position = resourceVersion;
    this.#fillFrom = resourceVersion;
    this.#mustFill = false;
    this.#listOnce = false;
    this.#unpagedOnce = false;
    this.#serverErrorsSince = undefined;
    this.#idleInARow = 0;
    this.#absentBackoff.reset();
    cacheFills.inc({ resource: this.#type.plural, method });
    this.#options.log.debug({ kind: this.#type.kind, objects: items.length, method }, 'Filled a cache');
  }

  /** After a list failed. */
  #afterList(error: Error): Next {
    if (isNotFound(error)) return this.#absent();
    if (isForbidden(error) && this.#options.dispensable) return this.#forbidden();
    if (isExpired(error) && this.#fillFrom === '' && !this.#unpagedOnce) {
      this.#unpagedOnce = true;
      return { reason: 'expired', waitMilliseconds: 0 };
    }
    return this.#outdated(error) ?? this.#again(reasonOf(error));
  }

  /** After a watch broke that had not sent the whole current state yet. */
  #afterWatchList(error: Error): Next {
    if (isNotFound(error)) return this.#absent();
    const outdated = this.#outdated(error);
    if (outdated !== undefined) return outdated;
    const reason = error instanceof WatchStalled ? error.reason : reasonOf(error);
    if (reason === 'network' || reason === 'throttled') return this.#again(reason);
    if (reason === 'server_error') {
      this.#listOnce = true;
      return this.#again(reason);
    }
    if (isUnauthorizedError(error)) return this.#again(reason);
    this.#watchList = false;
    return { reason, waitMilliseconds: 0 };
  }

  /** After a watch broke that was following changes: go on where it was, or read anew. */
  #afterWatch(error: Error): Next {
    if (isNotFound(error)) return this.#absent();
    if (error instanceof WatchStalled) {
      this.#idleInARow += error.reason === 'idle' ? 1 : 0;
      if (this.#idleInARow >= maxIdleInARow) this.#refill(this.#position);
      return { reason: error.reason, waitMilliseconds: 0 };
    }
    const reason = reasonOf(error);
    if (isTooLargeResourceVersion(error)) this.#refill('');
    else if (reason === 'expired' || reason === 'refused') this.#refill(this.#position);
    else if (reason === 'server_error') {
      const now = this.#clock.monotonic();
      this.#serverErrorsSince ??= now;
      if (now - this.#serverErrorsSince > serverErrorMilliseconds) this.#refill(this.#position);
    }
    return this.#again(reason);
  }

  /** The version that a fill asked for is no longer, or not yet, to be had: ask for the newest, at once. */
  #outdated(error: Error): Next | undefined {
    if (!isExpired(error) && !isTooLargeResourceVersion(error)) return undefined;
    if (this.#fillFrom === '') return this.#again('expired');
    this.#fillFrom = '';
    return { reason: 'expired', waitMilliseconds: 0 };
  }

  #refill(from: string): void {
    this.#mustFill = true;
    this.#fillFrom = from;
    this.#serverErrorsSince = undefined;
  }

  #absent(): Next {
    this.#refill('');
    if (!this.#options.optional) return this.#again('refused');
    if (this.#store.state !== 'absent') this.#options.log.info({ kind: this.#type.kind }, 'The cluster does not serve a resource');
    this.#store.markAbsent();
    return { reason: 'absent', waitMilliseconds: this.#absentBackoff.next() };
  }

  #forbidden(): Next {
    if (this.#store.state !== 'forbidden')
      this.#options.log.info({ kind: this.#type.kind }, 'Not allowed to read a resource that can be done without');
    this.#store.markForbidden();
    return { reason: 'refused', waitMilliseconds: this.#absentBackoff.next() };
  }

  #again(reason: Reason): Next {
    return { reason, waitMilliseconds: this.#backoff.next() };
  }

  #keep(object: Stored<T>): Stored<T> {
    return this.#options.keep === undefined ? object : this.#options.keep(object);
  }

  #touch(): void {
    this.#lastActivity = this.#clock.monotonic();
  }

  #scope(): { readonly namespace?: string; readonly labelSelector?: string; readonly fieldSelector?: string } {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
    };
  }
}

function statusError(event: WatchEvent): KubeError {
  return errorFromStatus(event.object as Status, 500);
}

function isUnauthorizedError(error: Error): boolean {
  return error instanceof KubeError && error.status === 401;
}

function reasonOf(error: Error): Reason {
  if (!(error instanceof KubeError)) return 'refused';
  const { status } = error;
  if (status === 0) return 'network';
  if (status === 410) return 'expired';
  if (status === 429) return 'throttled';
  return status >= 500 ? 'server_error' : 'refused';
}
