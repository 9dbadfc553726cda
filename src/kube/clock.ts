/** Time as a port: everything in this layer that waits or reads a clock takes one of these, so that tests can own time. */
export interface Clock {
  /** Wall-clock time, milliseconds since the epoch. For timestamps only; it may jump. */
  now(): number;
  /** Milliseconds on a clock that never jumps. For measuring and for deadlines. */
  monotonic(): number;
  /** Calls `callback` once after `milliseconds`; the returned function cancels it. */
  schedule(callback: () => void, milliseconds: number): () => void;
}

/** The process's own time. A timer that is not cancelled keeps the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(callback, milliseconds) {
    // Node turns a longer delay into 1 ms; waking early and waiting again is the caller's loop anyway. Of a time gone by it warns.
    const timer = setTimeout(callback, Math.min(Math.max(milliseconds, 0), 0x7fffffff));
    return () => clearTimeout(timer);
  },
};

/** Resolves after `milliseconds`, or at once when `signal` aborts: callers look at the signal afterwards, so a stop is no exception. */
export function sleep(clock: Clock, milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (milliseconds <= 0 || signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.schedule(finish, milliseconds);
    signal?.addEventListener('abort', finish, { once: true });
  });
}

/** `metav1.Time`: RFC 3339, whole seconds, UTC. */
export function timestamp(clock: Clock): string {
  return `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
}

/** `metav1.MicroTime`: six digits; the API server refuses the three that JavaScript writes. */
export function microTimestamp(clock: Clock): string {
  return new Date(clock.now()).toISOString().replace('Z', '000Z');
}
