import { type Clock, sleep } from './clock.ts';

/** How long to wait before trying a key again; grows with each failure, until the key is forgotten. */
export class ExponentialBackoff {
  readonly #base: number;
  readonly #cap: number;
  readonly #failures = new Map<string, number>();

  /** Defaults are controller-runtime's: 5 ms, doubled up to 1,000 s. */
  constructor(baseMilliseconds = 5, capMilliseconds = 1_000_000) {
    this.#base = baseMilliseconds;
    this.#cap = capMilliseconds;
  }

  /** Milliseconds to wait after one more failure of `key`. */
  next(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    return Math.min(this.#base * 2 ** failures, this.#cap);
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }
}

/** Lets `burst` calls through at once and `perSecond` of them in the long run. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;

  constructor(perSecond: number, burst: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#clock = clock;
    this.#tokens = burst;
    this.#filledAt = clock.monotonic();
  }

  /** Takes a token when there is one. */
  take(): boolean {
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Takes the next token and resolves when its time has come, or when `signal` aborts. */
  async wait(signal?: AbortSignal): Promise<void> {
    this.#fill();
    this.#tokens -= 1;
    if (this.#tokens < 0) await sleep(this.#clock, (-this.#tokens / this.#perSecond) * 1000, signal);
  }

  #fill(): void {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filledAt) / 1000) * this.#perSecond);
    this.#filledAt = now;
  }
}

/** Delays between attempts that belong together: doubled with each, jittered, and back to the first after a time of health. */
export class Backoff {
  readonly #clock: Clock;
  readonly #random: () => number;
  #next: number;
  #last = Number.NEGATIVE_INFINITY;
  readonly #first: number;
  readonly #cap: number;
  readonly #resetAfter: number;

  /** Defaults are client-go's for reflectors: 0.8 s doubled to 30 s, each up to twice as long by chance, forgotten after 2 minutes. */
  constructor(
    clock: Clock,
    random: () => number = Math.random,
    { firstMilliseconds = 800, capMilliseconds = 30_000, resetAfterMilliseconds = 120_000 } = {},
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#first = firstMilliseconds;
    this.#cap = capMilliseconds;
    this.#resetAfter = resetAfterMilliseconds;
    this.#next = firstMilliseconds;
  }

  /** Milliseconds to wait now. */
  next(): number {
    const now = this.#clock.monotonic();
    if (now - this.#last > this.#resetAfter) this.#next = this.#first;
    const delay = this.#next;
    this.#next = Math.min(delay * 2, this.#cap);
    this.#last = now;
    return delay * (1 + this.#random());
  }

  reset(): void {
    this.#next = this.#first;
  }
}
