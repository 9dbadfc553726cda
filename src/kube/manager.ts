import { HealthServer } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import { registerProcessMetrics, registry } from '../telemetry/registry.ts';
import { type Clock, sleep, systemClock } from './clock.ts';
import type { Controller } from './controller.ts';
import { ControllerRunner } from './controller-runner.ts';
import { toError } from './errors.ts';
import type { LeaderElector } from './leader-elector.ts';

export interface ManagerOptions {
  readonly log: Logger;
  readonly clock?: Clock;
  /** The stores that the controllers read. */
  readonly cache: {
    run(signal: AbortSignal): Promise<void>;
    hasSynced(): boolean;
    /** What has not synced, for the message when it takes too long. */
    pending(): readonly string[];
  };
  /** Run by the leader only, after the caches have synced. */
  readonly controllers: readonly Controller[];
  /** Absent: no election, this replica acts at once. */
  readonly elector?: LeaderElector;
  /** Written out before the lease is given back. */
  readonly events?: { flush(signal: AbortSignal): Promise<void> };
  /** Address of `/healthz`, `/readyz` and `/metrics`; port 0 picks a free one. Absent: no server. */
  readonly server?: { readonly host: string; readonly port: number };
  /** How long to wait for the caches. @default 120000 */
  readonly syncTimeoutMilliseconds?: number;
  /** How long reconciles may take to finish at shutdown before their signals abort. @default 30000 */
  readonly gracePeriodMilliseconds?: number;
}

/**
 * `starting`: caches fill. `standby`: caches are warm, another replica leads. `leading`: controllers work. `draining`: no new work, what is in progress may
 * finish. `stopped`: `run` has returned.
 */
export type ManagerState = 'starting' | 'standby' | 'leading' | 'draining' | 'stopped';

/**
 * How long after their signals aborted reconciles are waited for, and how long each of the last steps may take. With the grace period that makes 42 s at
 * worst, and a pod of `manifests/operator` is given 45.
 */
const lastStepMilliseconds = 4_000;
const syncPollMilliseconds = 50;

/** This replica was leader and is no more. The process must end: what it had begun is no longer its business. */
export class LeadershipLostError extends Error {
  override readonly name = 'LeadershipLostError';
  readonly code = 'LEADERSHIP_LOST';
}

/**
 * Runs an operator from start to drain. Start: probes and metrics, caches, election, controllers. Stop: not ready, no new work, reconciles finish, caches,
 * probes, events, lease. Standby replicas keep caches and queues warm, and are ready.
 */
export class Manager {
  readonly #options: ManagerOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  #state: ManagerState = 'starting';
  #server: HealthServer | undefined;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log;
  }

  get state(): ManagerState {
    return this.#state;
  }

  /** Where probes and metrics are served; undefined before `run` and without a server. */
  get port(): number | undefined {
    return this.#server?.port;
  }

  /**
   * Runs until `stop` aborts, then drains and resolves. Throws when the caches do not sync in time, when the port is taken, and `LeadershipLostError` when
   * the lease is lost; the process is to exit with a failure then.
   */
  async run(stop: AbortSignal): Promise<void> {
    const { cache, controllers, server, events, elector } = this.#options;
    if (server) this.#server = await this.#serve(server);
    const cacheStop = new AbortController();
    const caches = cache.run(cacheStop.signal);
    const tenure = new Tenure(elector);
    try {
      const runners = controllers.map((controller) => new ControllerRunner(controller, { clock: this.#clock, log: this.#log }));
      await this.#sync(stop);
      for (const runner of runners) runner.start();
      this.#state = 'standby';
      if (await tenure.begin(stop)) await this.#work(runners, stop, tenure.lost);
    } finally {
      this.#state = 'draining';
      cacheStop.abort(new Error('shutting down'));
      await caches;
      await this.#server?.close();
      await this.#lastStep((limit) => events?.flush(tenure.lost.aborted ? tenure.lost : limit));
      await this.#lastStep((limit) => tenure.end(limit));
      this.#state = 'stopped';
    }
    tenure.lost.throwIfAborted();
  }

  #serve(address: { readonly host: string; readonly port: number }): Promise<HealthServer> {
    registerProcessMetrics();
    return HealthServer.start({
      ...address,
      registry,
      live: { ping: () => undefined },
      ready: {
        caches: () => (this.#options.cache.hasSynced() ? undefined : `waiting for ${this.#options.cache.pending().join(', ')}`),
        shutdown: () => (this.#state === 'draining' || this.#state === 'stopped' ? 'shutting down' : undefined),
      },
    });
  }

  async #sync(stop: AbortSignal): Promise<void> {
    const { cache, syncTimeoutMilliseconds = 120_000 } = this.#options;
    const started = this.#clock.monotonic();
    while (!cache.hasSynced() && !stop.aborted) {
      if (this.#clock.monotonic() - started >= syncTimeoutMilliseconds) {
        const kinds = cache.pending().join(', ');
        throw new Error(
          `could not read ${kinds} within ${syncTimeoutMilliseconds / 1000} s: are the CRDs installed, and may this service account list and watch them?`,
        );
      }
      await sleep(this.#clock, syncPollMilliseconds, stop);
    }
    if (!stop.aborted) this.#log.info({ milliseconds: Math.round(this.#clock.monotonic() - started) }, 'Caches are filled');
  }

  /** Runs the controllers until they are to stop or the lease is lost, and drains them. */
  async #work(runners: readonly ControllerRunner[], stop: AbortSignal, lost: AbortSignal): Promise<void> {
    this.#state = 'leading';
    this.#log.info({ controllers: this.#options.controllers.map(({ name }) => name) }, 'Controllers start');
    const kill = new AbortController();
    const end = AbortSignal.any([stop, lost]);
    const working = runners.map((runner) => runner.run(end, kill.signal));
    if (!end.aborted) await new Promise((resolve) => end.addEventListener('abort', resolve, { once: true }));
    this.#state = 'draining';
    await this.#drain(Promise.all(working), kill, lost);
  }

  /** Lets reconciles finish within the grace period, then aborts them. Having lost the lease, at once. */
  async #drain(working: Promise<unknown>, kill: AbortController, lost: AbortSignal): Promise<void> {
    const { gracePeriodMilliseconds = 30_000 } = this.#options;
    const done = new AbortController();
    void working.then(() => done.abort());
    const either = AbortSignal.any([done.signal, lost]);
    await sleep(this.#clock, gracePeriodMilliseconds, either);
    if (done.signal.aborted) return;
    this.#log.warn({}, 'Aborting the reconciles in progress');
    kill.abort(new Error(lost.aborted ? 'leadership was lost' : 'the grace period is over'));
    await sleep(this.#clock, lastStepMilliseconds, done.signal);
  }

  /** One of the steps at the very end, which is not to take long. */
  async #lastStep(step: (limit: AbortSignal) => Promise<void> | undefined): Promise<void> {
    const limit = new AbortController();
    const cancel = this.#clock.schedule(() => limit.abort(new Error('no time left')), lastStepMilliseconds);
    await step(limit.signal);
    cancel();
  }
}

/** The time during which this replica leads: the lease is renewed for as long as anything of ours may write. */
class Tenure {
  readonly #elector: LeaderElector | undefined;
  readonly #leave = new AbortController();
  readonly #lost = new AbortController();
  #held: Promise<void> = Promise.resolve();

  constructor(elector: LeaderElector | undefined) {
    this.#elector = elector;
  }

  /** Aborts when leadership is lost. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Waits until this replica leads. False: `stop` came first. */
  async begin(stop: AbortSignal): Promise<boolean> {
    if (stop.aborted) return false;
    if (this.#elector === undefined) return true;
    try {
      await this.#elector.acquire(stop);
    } catch (error) {
      if (stop.aborted) return false;
      throw error;
    }
    this.#held = this.#elector.hold(this.#leave.signal).then((outcome) => {
      if (outcome === 'lost') this.#lost.abort(new LeadershipLostError('leadership was lost'));
    });
    return true;
  }

  /** Gives the lease back. */
  async end(signal: AbortSignal): Promise<void> {
    this.#leave.abort();
    await this.#held;
    await this.#elector?.release(signal);
  }
}

/**
 * A signal that aborts at the first SIGTERM or SIGINT. The second one ends the process at once, with the shell's code for it: somebody does not want to wait.
 */
export function shutdownSignal(log: Logger): AbortSignal {
  const controller = new AbortController();
  for (const [name, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(code);
      log.info({ signal: name }, 'Shutting down');
      controller.abort(toError(`received ${name}`));
    });
  }
  return controller.signal;
}
