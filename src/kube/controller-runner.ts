import { AssertionError } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Logger } from '../telemetry/logger.ts';
import type { Clock } from './clock.ts';
import { type Controller, type ReconcileResult, TerminalError } from './controller.ts';
import { isConflict, toError } from './errors.ts';
import {
  activeWorkers,
  maxConcurrentReconciles,
  reconcileDuration,
  reconcileErrors,
  reconcilePanics,
  reconciles,
  reconcileTimeouts,
  terminalReconcileErrors,
} from './metrics.ts';
import { keyFromText, keyText, type ObjectKey } from './object.ts';
import { priorities, WorkQueue } from './queue.ts';

export interface RunnerPorts {
  readonly clock: Clock;
  readonly log: Logger;
}

/** A reconcile took longer than its controller allows. */
class ReconcileTimeout extends Error {
  override readonly name = 'ReconcileTimeout';
  readonly code = 'RECONCILE_TIMEOUT';
}

/** How long reconciles that wait for nobody may follow one another before the event loop has its turn: probes, watches and the lease wait for it. */
const turnMilliseconds = 10;

const results = ['success', 'error', 'requeue', 'requeue_after'] as const;
type ResultLabel = (typeof results)[number];

/** Runs one controller: its watches fill the queue, its workers empty it. */
export class ControllerRunner {
  readonly #controller: Controller;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #queue: WorkQueue;
  readonly #workers: number;
  readonly #timeout: number;
  readonly #label: { readonly controller: string };
  /** The reconciles in progress. */
  readonly #running = new Set<AbortController>();
  #unsubscribe: (() => void)[] | undefined;
  /** Present until the event loop has its next turn: since when it is waited for, and what resolves then. */
  #turn: { readonly since: number; readonly over: Promise<void> } | undefined;

  constructor(controller: Controller, { clock, log }: RunnerPorts) {
    const { name, workers = 10, timeoutMilliseconds = 120_000 } = controller;
    this.#controller = controller;
    this.#clock = clock;
    this.#log = log.child({ controller: name });
    this.#queue = new WorkQueue(name, clock);
    this.#workers = workers;
    this.#timeout = timeoutMilliseconds;
    this.#label = { controller: name };
    for (const result of results) reconciles.inc({ controller: name, result }, 0);
    for (const counter of [reconcileErrors, terminalReconcileErrors, reconcilePanics, reconcileTimeouts]) counter.inc(this.#label, 0);
    reconcileDuration.zero(this.#label);
    activeWorkers.set(this.#label, 0);
    maxConcurrentReconciles.set(this.#label, workers);
  }

  /** Begins to collect keys, without working on them: standby replicas keep a warm queue too. */
  start(): void {
    this.#unsubscribe ??= this.#controller.watches.map((watch) => watch.start((key, initial) => this.#enqueue(key, initial)));
  }

  /**
   * Works until `stop` aborts, then lets the reconciles in progress finish; `kill` aborts their signals. The watches must have synced. Never throws.
   */
  async run(stop: AbortSignal, kill: AbortSignal): Promise<void> {
    this.start();
    kill.addEventListener('abort', () => {
      for (const reconcile of this.#running) reconcile.abort(kill.reason);
    });
    const workers = Array.from({ length: this.#workers }, () => this.#work(kill));
    if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
    for (const leave of this.#unsubscribe ?? []) leave();
    await this.#queue.shutDown();
    await Promise.all(workers);
  }

  #enqueue(key: ObjectKey, initial: boolean): void {
    this.#queue.add(keyText(key), { priority: initial ? priorities.initial : priorities.live });
  }

  async #work(kill: AbortSignal): Promise<void> {
    for (let text = await this.#queue.take(); text !== undefined; text = await this.#queue.take()) {
      activeWorkers.inc(this.#label);
      await this.#reconcile(text, kill);
      activeWorkers.dec(this.#label);
      this.#queue.done(text);
      await this.#breathe();
    }
  }

  /** Waits for a turn of the event loop where there was none for too long. */
  async #breathe(): Promise<void> {
    this.#turn ??= { since: this.#clock.monotonic(), over: this.#nextTurn() };
    if (this.#clock.monotonic() - this.#turn.since >= turnMilliseconds) await this.#turn.over;
  }

  async #nextTurn(): Promise<void> {
    await setImmediate();
    this.#turn = undefined;
  }

  async #reconcile(text: string, kill: AbortSignal): Promise<void> {
    const key = keyFromText(text);
    const reconcileID = randomUUID();
    const log = this.#log.child({ object: key, reconcileID });
    const started = this.#clock.monotonic();
    try {
      const { requeueAfterMilliseconds } = await this.#limited((signal) => this.#controller.reconcile(key, { signal, log, reconcileID }));
      this.#queue.forget(text);
      if (requeueAfterMilliseconds !== undefined) this.#queue.add(text, { afterMilliseconds: requeueAfterMilliseconds });
      this.#count(requeueAfterMilliseconds === undefined ? 'success' : 'requeue_after');
    } catch (thrown) {
      // Cut off by the shutdown: whoever runs next starts from what the cluster says.
      if (kill.aborted) log.info({}, 'Stopped before this reconcile was done');
      else this.#failed(text, thrown, log);
    }
    reconcileDuration.observe(this.#label, (this.#clock.monotonic() - started) / 1000);
  }

  /** Runs one reconcile under its time limit. When the time is up its signal aborts; one that does not heed it keeps its own key and worker, no others. */
  async #limited(reconcile: (signal: AbortSignal) => Promise<ReconcileResult>): Promise<ReconcileResult> {
    const limit = new AbortController();
    this.#running.add(limit);
    const cancel = this.#clock.schedule(() => {
      reconcileTimeouts.inc(this.#label);
      limit.abort(new ReconcileTimeout(`a reconcile took longer than ${this.#timeout} ms`));
    }, this.#timeout);
    try {
      return await reconcile(limit.signal);
    } finally {
      cancel();
      this.#running.delete(limit);
    }
  }

  #failed(text: string, thrown: unknown, log: Logger): void {
    const err = toError(thrown);
    this.#count('error');
    reconcileErrors.inc(this.#label);
    if (isDefect(thrown)) reconcilePanics.inc(this.#label);
    if (err instanceof TerminalError) {
      terminalReconcileErrors.inc(this.#label);
      this.#queue.forget(text);
      log.error({ err }, 'Reconcile failed and will not be tried again until something changes');
      return;
    }
    this.#queue.addRateLimited(text);
    const fields = { err, failures: this.#queue.failures(text) };
    // Somebody was quicker than our caches: part of normal life.
    if (isConflict(err)) log.info(fields, 'Reconcile met a conflict and will be tried again');
    else log.error(fields, 'Reconcile failed and will be tried again');
  }

  #count(result: ResultLabel): void {
    reconciles.inc({ ...this.#label, result });
  }
}

/** What Go would call a panic: a mistake in the program rather than a failure of the world. */
function isDefect(thrown: unknown): boolean {
  return (
    !(thrown instanceof Error) ||
    thrown instanceof AssertionError ||
    thrown instanceof TypeError ||
    thrown instanceof RangeError ||
    thrown instanceof ReferenceError
  );
}
