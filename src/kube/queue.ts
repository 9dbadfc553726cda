import type { Clock } from './clock.ts';
import { Heap } from './heap.ts';
import {
  queueAdds,
  queueDepth,
  queueDuration,
  queueLongestRunning,
  queueRetries,
  queueUnfinishedWork,
  queueWorkDuration,
} from './metrics.ts';
import { ExponentialBackoff } from './rate-limiter.ts';

/** Live changes overtake what was there at start. The numbers are controller-runtime's, and appear as a label of `workqueue_depth`. */
export const priorities = { live: 0, initial: -100 } as const;
export type Priority = (typeof priorities)[keyof typeof priorities];

/** Of so many keys and one more, one is of the initial list, so that keys that come back for ever cannot keep it out. */
const maxLiveInARow = 9;

export interface AddOptions {
  /** @default that with which the key was taken, while it is being worked on; else `priorities.live` */
  readonly priority?: Priority;
  /** Not before this long from now. @default 0 */
  readonly afterMilliseconds?: number;
}

interface Item {
  priority: Priority;
  readonly addedAt: number;
}

interface Delayed {
  readonly due: number;
  readonly priority: Priority;
}

/**
 * A queue of keys that need work: a key is in it once however often it is added, is never given to two workers at a time, and comes back when it was added
 * while being worked on. The behaviour is client-go's workqueue's, with controller-runtime's priorities.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #backoff: ExponentialBackoff;
  readonly #labels: { readonly name: string; readonly controller: string };
  /** Ready keys, first in first out within a priority. */
  readonly #ready = { live: new Map<string, Item>(), initial: new Map<string, Item>() };
  /** Keys that fall due later. */
  readonly #delayed = new Map<string, Delayed>();
  /** Their times in order. One that was superseded stays until its time comes, and then means nothing. */
  readonly #due = new Heap<string>();
  /** Keys being worked on, since when, and with which priority they were taken. */
  readonly #working = new Map<string, { readonly since: number; readonly priority: Priority }>();
  /** Keys added while being worked on. */
  readonly #again = new Map<string, Priority>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  readonly #drained: (() => void)[] = [];
  readonly #unobserve: (() => void)[];
  /** Keys given out since the initial list had its turn. */
  #liveInARow = 0;
  #cancelTimer: (() => void) | undefined;
  #timerDue = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(name: string, clock: Clock, backoff = new ExponentialBackoff()) {
    this.#clock = clock;
    this.#backoff = backoff;
    this.#labels = { name, controller: name };
    const labels = this.#labels;
    for (const counter of [queueAdds, queueRetries]) counter.inc(labels, 0);
    for (const histogram of [queueDuration, queueWorkDuration]) histogram.zero(labels);
    this.#unobserve = [
      queueDepth.observe({ ...labels, priority: String(priorities.live) }, () => this.#ready.live.size),
      queueDepth.observe({ ...labels, priority: String(priorities.initial) }, () => this.#ready.initial.size),
      queueUnfinishedWork.observe(labels, () => this.#workingFor().reduce((sum, seconds) => sum + seconds, 0)),
      queueLongestRunning.observe(labels, () => Math.max(0, ...this.#workingFor())),
    ];
  }

  /** Keys ready to be taken. */
  get size(): number {
    return this.#ready.live.size + this.#ready.initial.size;
  }

  /** Adds a key. One already queued keeps its place; the sooner time and the higher priority win. */
  add(key: string, options: AddOptions = {}): void {
    if (this.#closed) return;
    const { priority = this.#working.get(key)?.priority ?? priorities.live, afterMilliseconds = 0 } = options;
    if (afterMilliseconds > 0) this.#addLater(key, this.#clock.monotonic() + afterMilliseconds, priority);
    else this.#addNow(key, priority);
  }

  /** Adds a key after a failure: later with each one, until `forget`. */
  addRateLimited(key: string): void {
    queueRetries.inc(this.#labels);
    this.add(key, { afterMilliseconds: this.#backoff.next(key) });
  }

  /** Forgets the failures of a key. */
  forget(key: string): void {
    this.#backoff.forget(key);
  }

  failures(key: string): number {
    return this.#backoff.failures(key);
  }

  /** Takes the next key as soon as there is one; undefined once the queue is shut down. Every key taken must be given back by `done`. */
  take(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const key = this.#next();
    return key === undefined ? new Promise((resolve) => this.#takers.push(resolve)) : Promise.resolve(key);
  }

  /** Work on `key` has ended, well or badly; it is given out again at once if it was added meanwhile. */
  done(key: string): void {
    const work = this.#working.get(key);
    if (work === undefined) return;
    this.#working.delete(key);
    queueWorkDuration.observe(this.#labels, (this.#clock.monotonic() - work.since) / 1000);
    const priority = this.#again.get(key);
    this.#again.delete(key);
    if (priority !== undefined && !this.#closed) this.#enqueue(key, priority);
    if (this.#working.size === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  /** Takes no more keys and gives none out; waiting workers get undefined. Resolves when all work has ended. */
  shutDown(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#cancelTimer?.();
      this.#delayed.clear();
      this.#due.clear();
      this.#again.clear();
      for (const items of Object.values(this.#ready)) items.clear();
      for (const resolve of this.#takers.splice(0)) resolve(undefined);
      for (const leave of this.#unobserve) leave();
    }
    return this.#working.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#drained.push(resolve));
  }

  #addNow(key: string, priority: Priority): void {
    const delayed = this.#delayed.get(key);
    this.#delayed.delete(key);
    const wanted = delayed !== undefined && delayed.priority > priority ? delayed.priority : priority;
    if (this.#working.has(key)) {
      const known = this.#again.get(key);
      if (known === undefined) queueAdds.inc(this.#labels);
      if (known === undefined || known < wanted) this.#again.set(key, wanted);
      return;
    }
    const queued = this.#ready.live.get(key) ?? this.#ready.initial.get(key);
    if (queued === undefined) {
      queueAdds.inc(this.#labels);
      this.#enqueue(key, wanted);
    } else if (queued.priority < wanted) {
      this.#ready.initial.delete(key);
      queued.priority = wanted;
      this.#ready.live.set(key, queued);
    }
  }

  #addLater(key: string, due: number, priority: Priority): void {
    if (this.#again.has(key) || this.#ready.live.has(key) || this.#ready.initial.has(key)) return;
    const known = this.#delayed.get(key);
    const sooner = known === undefined ? due : Math.min(known.due, due);
    const higher = known === undefined || known.priority < priority ? priority : known.priority;
    this.#delayed.set(key, { due: sooner, priority: higher });
    if (known?.due === sooner) return;
    this.#due.push(sooner, key);
    this.#arm();
  }

  #enqueue(key: string, priority: Priority): void {
    this.#ready[priority === priorities.live ? 'live' : 'initial'].set(key, { priority, addedAt: this.#clock.monotonic() });
    const taker = this.#takers.shift();
    if (taker !== undefined) taker(this.#next());
  }

  #next(): string | undefined {
    const { live, initial } = this.#ready;
    const isTheirTurn = this.#liveInARow >= maxLiveInARow && initial.size > 0;
    this.#liveInARow = isTheirTurn ? 0 : this.#liveInARow + 1;
    for (const items of isTheirTurn ? [initial] : [live, initial]) {
      for (const [key, item] of items) {
        items.delete(key);
        const now = this.#clock.monotonic();
        this.#working.set(key, { since: now, priority: item.priority });
        queueDuration.observe(this.#labels, (now - item.addedAt) / 1000);
        return key;
      }
    }
    return undefined;
  }

  /** Sets the timer for the earliest delayed key. */
  #arm(): void {
    const due = this.#due.peek()?.rank;
    if (due === undefined || due >= this.#timerDue) return;
    this.#cancelTimer?.();
    this.#timerDue = due;
    this.#cancelTimer = this.#clock.schedule(() => this.#release(), due - this.#clock.monotonic());
  }

  /** Makes delayed keys that have fallen due ready, and waits for the next. */
  #release(): void {
    const now = this.#clock.monotonic();
    this.#timerDue = Number.POSITIVE_INFINITY;
    for (let next = this.#due.peek(); next !== undefined && next.rank <= now; next = this.#due.peek()) {
      this.#due.pop();
      const delayed = this.#delayed.get(next.value);
      if (delayed !== undefined && delayed.due <= now) this.#addNow(next.value, delayed.priority);
    }
    this.#arm();
  }

  #workingFor(): number[] {
    const now = this.#clock.monotonic();
    return [...this.#working.values()].map(({ since }) => (now - since) / 1000);
  }
}
