import type { Logger } from '../telemetry/logger.ts';
import type { KubeClient } from './client.ts';
import { type Clock, microTimestamp, sleep } from './clock.ts';
import { isAlreadyExists, isConflict, isNotFound, toError } from './errors.ts';
import { leaderSlowPaths, leaderStatus } from './metrics.ts';
import type { KubeObject, ObjectKey, ResourceType, Stored } from './object.ts';

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export interface Lease extends KubeObject {
  readonly spec?: LeaseSpec;
}

export const leaseType: ResourceType<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

export interface LeaderElectorOptions {
  /** A client of its own: what delays other requests must not cost us the lease. */
  readonly client: KubeClient;
  readonly lease: ObjectKey;
  /** This replica, its own among all. */
  readonly identity: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long others wait after the lease last changed. @default 15000 */
  readonly leaseMilliseconds?: number;
  /** How long the leader tries to renew before it steps down. @default 10000 */
  readonly renewDeadlineMilliseconds?: number;
  /** Time between tries. @default 2000 */
  readonly retryMilliseconds?: number;
  /** Uniform in [0, 1). @default Math.random */
  readonly random?: () => number;
}

/** Waits are up to this many times longer, so that replicas do not try in step. */
const jitter = 1.2;

/**
 * Takes part in the election of one leader by a Lease, by the rules of client-go (tools/leaderelection): whether the leader is gone is judged by how long ago
 * this process last saw the lease change, on a clock that does not jump, and never by the times written in it, which come from other clocks.
 */
export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #clock: Clock;
  readonly #duration: number;
  readonly #deadline: number;
  readonly #retry: number;
  readonly #name: string;
  /** The lease as last seen, and since when it is so. */
  #seen: { readonly lease: Stored<Lease>; readonly text: string; readonly at: number } | undefined;
  /** When the request was sent that renewed the lease last: others count from no earlier. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  #leading = false;

  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#duration = options.leaseMilliseconds ?? 15_000;
    this.#deadline = options.renewDeadlineMilliseconds ?? 10_000;
    this.#retry = options.retryMilliseconds ?? 2_000;
    this.#name = options.lease.name;
    if (this.#duration <= this.#deadline) throw new RangeError('the lease must last longer than the renew deadline');
    if (this.#deadline <= jitter * this.#retry) throw new RangeError(`the renew deadline must be longer than ${jitter} retry periods`);
    if (options.identity === '') throw new RangeError('a replica needs an identity to take part in an election');
    leaderStatus.set({ name: this.#name }, 0);
    leaderSlowPaths.inc({ name: this.#name }, 0);
  }

  /** Whether this replica may act now. False as soon as another may have taken over, however busy this process was. */
  get isLeader(): boolean {
    return this.#leading && this.#clock.monotonic() - this.#renewedAt < this.#duration;
  }

  /** Who holds the lease, as far as known. */
  get holder(): string | undefined {
    return this.#seen?.lease.spec?.holderIdentity || undefined;
  }

  /** Resolves once this replica leads. Rejects with the signal's reason when that aborts first. */
  async acquire(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (await this.#tryOnce(signal)) break;
      await sleep(this.#clock, this.#wait(), signal);
    }
    this.#leading = true;
    leaderStatus.set({ name: this.#name }, 1);
    this.#options.log.info({ lease: this.#name, identity: this.#options.identity }, 'Became leader');
  }

  /** Renews the lease until it is lost, or `signal` aborts. `lost`: stop at once what only the leader may do. */
  async hold(signal: AbortSignal): Promise<'lost' | 'stopped'> {
    for (;;) {
      const remaining = this.#renewedAt + this.#deadline - this.#clock.monotonic();
      await sleep(this.#clock, Math.max(0, Math.min(this.#retry, remaining)), signal);
      if (signal.aborted) return 'stopped';
      // Also after a stall of this process: others may lead already, and a late renewal must not hide that.
      if (this.#clock.monotonic() - this.#renewedAt >= this.#deadline) return this.#stepDown('The lease could not be renewed in time');
      await this.#tryOnce(signal);
      if (signal.aborted) return 'stopped';
      if (this.holder !== this.#options.identity) return this.#stepDown('Another replica holds the lease');
    }
  }

  /** Gives the lease back, so that another replica need not wait for its end. To be awaited before the process exits. */
  async release(signal?: AbortSignal): Promise<void> {
    if (!this.isLeader || this.#seen === undefined) return;
    this.#leading = false;
    leaderStatus.set({ name: this.#name }, 0);
    try {
      await this.#giveBack(this.#seen.lease, signal).catch(async (error) => {
        // A renewal whose answer was not waited for may have got through: then the lease is ours still, in a version that was never seen.
        const lease = isConflict(error) ? await this.#options.client.get(leaseType, this.#options.lease, signal) : undefined;
        if (lease?.spec?.holderIdentity !== this.#options.identity) throw error;
        await this.#giveBack(lease, signal);
      });
      this.#options.log.info({ lease: this.#name }, 'Released the lease');
    } catch (thrown) {
      this.#options.log.warn({ err: toError(thrown), lease: this.#name }, 'Could not release the lease, others will wait for its end');
    }
  }

  async #giveBack(lease: Stored<Lease>, signal: AbortSignal | undefined): Promise<void> {
    const now = microTimestamp(this.#clock);
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now };
    await this.#options.client.update(leaseType, { ...lease, spec }, {}, signal);
  }

  #stepDown(message: string): 'lost' {
    this.#leading = false;
    leaderStatus.set({ name: this.#name }, 0);
    this.#options.log.error({ lease: this.#name, holder: this.holder }, message);
    return 'lost';
  }

  /** One try to take or renew the lease. Never throws: whatever fails is tried again. */
  async #tryOnce(signal: AbortSignal): Promise<boolean> {
    // Half the deadline, so that a request that hangs leaves time for another.
    const limit = new AbortController();
    const cancel = this.#clock.schedule(() => limit.abort(new Error('a request for the lease took too long')), this.#deadline / 2);
    const stop = () => limit.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await this.#takeOrRenew(limit.signal);
    } catch (thrown) {
      if (signal.aborted) return false;
      const err = toError(thrown);
      if (isConflict(err) || isAlreadyExists(err)) this.#options.log.debug({ lease: this.#name }, 'Another replica was quicker');
      else this.#options.log.warn({ err, lease: this.#name }, 'Could not take or renew the lease');
      return false;
    } finally {
      cancel();
      signal.removeEventListener('abort', stop);
    }
  }

  async #takeOrRenew(signal: AbortSignal): Promise<boolean> {
    if (this.isLeader && this.#seen !== undefined) {
      // The leader knows the lease: it writes without reading, on the version it saw.
      try {
        await this.#write(this.#seen.lease, signal);
        return true;
      } catch (error) {
        if (signal.aborted) throw error;
        leaderSlowPaths.inc({ name: this.#name });
      }
    }
    const lease = await this.#read(signal);
    if (lease === undefined) {
      await this.#create(signal);
      return true;
    }
    const holder = lease.spec?.holderIdentity ?? '';
    const mine = holder === this.#options.identity;
    if (holder !== '' && !mine && !this.#isExpired(lease)) return false;
    await this.#write(lease, signal);
    return true;
  }

  /** The lease as it is now; notes when it was first seen like that. */
  async #read(signal: AbortSignal): Promise<Stored<Lease> | undefined> {
    try {
      const lease = await this.#options.client.get(leaseType, this.#options.lease, signal);
      this.#see(lease, this.#clock.monotonic());
      return lease;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #isExpired(lease: Stored<Lease>): boolean {
    return this.#seen !== undefined && this.#clock.monotonic() - this.#seen.at > this.#durationOf(lease);
  }

  async #create(signal: AbortSignal): Promise<void> {
    const { client, lease, identity } = this.#options;
    const sentAt = this.#clock.monotonic();
    const now = microTimestamp(this.#clock);
    const spec = { holderIdentity: identity, leaseDurationSeconds: this.#seconds(), acquireTime: now, renewTime: now, leaseTransitions: 0 };
    const made = await client.create(leaseType, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: lease, spec }, {}, signal);
    this.#see(made, sentAt);
    this.#renewedAt = sentAt;
  }

  /** Takes or renews the lease on the version of `lease`: if anybody wrote since, this fails. */
  async #write(lease: Stored<Lease>, signal: AbortSignal): Promise<void> {
    const { client, identity } = this.#options;
    const sentAt = this.#clock.monotonic();
    const now = microTimestamp(this.#clock);
    const mine = lease.spec?.holderIdentity === identity;
    const spec = {
      ...lease.spec,
      holderIdentity: identity,
      leaseDurationSeconds: this.#seconds(),
      renewTime: now,
      acquireTime: mine ? (lease.spec?.acquireTime ?? now) : now,
      leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + (mine ? 0 : 1),
    };
    const written = await client.update(leaseType, { ...lease, spec }, {}, signal);
    this.#see(written, sentAt);
    this.#renewedAt = sentAt;
  }

  #see(lease: Stored<Lease>, at: number): void {
    const text = JSON.stringify(lease.spec ?? {});
    this.#seen = { lease, text, at: this.#seen?.text === text ? this.#seen.at : at };
  }

  #seconds(): number {
    return Math.ceil(this.#duration / 1000);
  }

  /** How long a standby waits: half a retry period, so that a released lease is taken within one, and not past the moment that the lease ends. */
  #wait(): number {
    const wait = (this.#retry / 2) * (1 + (jitter - 1) * (this.#options.random ?? Math.random)());
    const expiry = this.#seen === undefined ? undefined : this.#seen.at + this.#durationOf(this.#seen.lease) + 1 - this.#clock.monotonic();
    return expiry === undefined || expiry <= 0 ? wait : Math.min(wait, expiry);
  }

  #durationOf(lease: Lease): number {
    const seconds = lease.spec?.leaseDurationSeconds;
    return seconds === undefined ? this.#duration : seconds * 1000;
  }
}
