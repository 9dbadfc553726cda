import { setTimeout as sleep } from 'node:timers/promises';

/** What a failed attempt says about another one. */
export interface Attempt {
  readonly retry: boolean;
  /** The server's own wish, milliseconds. */
  readonly afterMilliseconds?: number;
}

export interface RetryOptions {
  readonly attempts: number;
  /** First pause; it doubles from attempt to attempt, up to `maxDelayMilliseconds`, with jitter. */
  readonly delayMilliseconds: number;
  readonly maxDelayMilliseconds: number;
  /** How long one attempt may take. */
  readonly timeoutMilliseconds: number;
}

export const defaultRetry: RetryOptions = {
  attempts: 6,
  delayMilliseconds: 500,
  maxDelayMilliseconds: 30_000,
  timeoutMilliseconds: 120_000,
};

/**
 * Runs `attempt` until it succeeds, fails for good, or the attempts are used up; each gets a signal that ends it at its timeout.
 * Throws what the last attempt threw.
 */
export async function withRetry<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  judge: (error: unknown) => Attempt,
  options: RetryOptions,
  signal?: AbortSignal,
): Promise<T> {
  for (let number = 1; ; number += 1) {
    signal?.throwIfAborted();
    const timeout = AbortSignal.timeout(options.timeoutMilliseconds);
    try {
      return await attempt(signal === undefined ? timeout : AbortSignal.any([signal, timeout]));
    } catch (error) {
      signal?.throwIfAborted();
      const { retry, afterMilliseconds } = timeout.aborted ? { retry: true, afterMilliseconds: undefined } : judge(error);
      if (!retry || number >= options.attempts) throw error;
      const doubled = Math.min(options.maxDelayMilliseconds, options.delayMilliseconds * 2 ** (number - 1));
      // Half of the pause is random, so that many clients do not come back at once.
      const pause = Math.max(Math.min(afterMilliseconds ?? 0, options.maxDelayMilliseconds), doubled / 2 + (Math.random() * doubled) / 2);
      await sleep(pause, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** Reads a `Retry-After` header: seconds or a date. */
export function retryAfter(header: string | undefined, now: number = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
