import type { Clock } from '../clock.ts';

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until told otherwise. Timers fire in the order of their times, from within `advance`. */
export class FakeClock implements Clock {
  #elapsed = 0;
  #order = 0;
  readonly #start: number;
  #timers: Timer[] = [];
  #watchers: { readonly enough: () => boolean; readonly resolve: () => void }[] = [];

  constructor(start = '2026-01-01T00:00:00Z') {
    this.#start = Date.parse(start);
  }

  now(): number {
    return this.#start + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  schedule(callback: () => void, milliseconds: number): () => void {
    const timer = { due: this.#elapsed + Math.max(0, milliseconds), order: this.#order++, callback };
    this.#timers.push(timer);
    this.#notify();
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Milliseconds until each pending timer fires, soonest first. */
  get pending(): readonly number[] {
    return this.#timers.map((timer) => timer.due - this.#elapsed).sort((a, b) => a - b);
  }

  /** Lets time pass: fires what falls due, in order, and lets promises settle after each. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#elapsed + milliseconds;
    for (let next = this.#earliest(until); next !== undefined; next = this.#earliest(until)) {
      const { due, callback } = next;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#elapsed = due;
      callback();
      await settled();
    }
    this.#elapsed = until;
    await settled();
  }

  /** Resolves once a timer waits that fires in `milliseconds` or, with a predicate, in a time that satisfies it. */
  timer(delay: number | ((milliseconds: number) => boolean)): Promise<void> {
    const matches = typeof delay === 'number' ? (pending: number) => pending === delay : delay;
    const enough = () => this.pending.some(matches);
    return new Promise((resolve) => {
      this.#watchers.push({ enough, resolve });
      this.#notify();
    });
  }

  #earliest(until: number): Timer | undefined {
    return this.#timers.filter((timer) => timer.due <= until).sort((a, b) => a.due - b.due || a.order - b.order)[0];
  }

  #notify(): void {
    const done = this.#watchers.filter((watcher) => watcher.enough());
    this.#watchers = this.#watchers.filter((watcher) => !done.includes(watcher));
    for (const watcher of done) watcher.resolve();
  }
}

/** Lets everything run that is ready to. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
