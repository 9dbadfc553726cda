import type { ErrorClass } from '../point.ts';

/** One request as it goes over the wire, made once and sent many times. */
export interface WireRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/** How an exchange ended; the channel's own object, good until the next `start`. */
export interface Outcome {
  /** `null`: a complete reply with a status of success. */
  error: ErrorClass | null;
  /** What went wrong, with the server's words where there are some. */
  message: string;
  status: number;
  /** Bytes of the reply's body. */
  bytes: number;
  /** The body, when it was asked for. */
  body: Buffer | null;
  /** A second attempt was made because an idle connection had been closed by the server before any byte came back. */
  resent: boolean;
}

/** One slot for one exchange at a time. The engine owns many; HTTP/1.1 and gRPC implement it. */
export interface Channel {
  /** Opens the connection ahead of the first request. Resolves also when it fails: the first request reports why. */
  open(): Promise<void>;
  /**
   * Sends one request. `done` is called exactly once, never before `start` has returned.
   * @param index of the request in the list the channel was made with
   * @param capture keep the body for checking
   * @param traceparent sent along with a request that is traced; absent: it is not
   */
  start(index: number, capture: boolean, traceparent?: string): void;
  /** When the request's bytes were handed to the socket, in microseconds of `now()`; for timeouts. */
  readonly startedAt: number;
  readonly busy: boolean;
  /** The engine's own note: when this exchange was meant to start. */
  intended: number;
  /** The engine's own note: number of the exchange's span, 0 for none. */
  span: number;
  /** Ends the exchange under way with the given error and drops the connection. */
  abort(error: ErrorClass, message: string): void;
  /** Drops the connection; no more calls. */
  close(): void;
}

export type OnDone = (channel: Channel, outcome: Outcome) => void;

/** Limits on one exchange. */
export interface ExchangeLimits {
  readonly timeoutMicroseconds: number;
  readonly maxBodyBytes: number;
}

/** Monotonic time in microseconds, the same in every thread of this machine and not moved by clock steps. */
export function now(): number {
  return performance.now() * 1000 + origin;
}

/** Microseconds of the system's monotonic clock. */
const monotonic = () => Number(process.hrtime.bigint()) / 1000;

/**
 * performance.now() counts from the start of its own thread; hrtime is the system's monotonic clock. What lies between them is read several
 * times, and the reading that nothing came in between of is taken: the first calls take milliseconds, which would set threads apart.
 */
const origin = ((): number => {
  let [shortest, found] = [Number.POSITIVE_INFINITY, 0];
  for (let reading = 0; reading < 32; reading++) {
    const before = monotonic();
    const own = performance.now() * 1000;
    const after = monotonic();
    if (after - before >= shortest) continue;
    [shortest, found] = [after - before, (before + after) / 2 - own];
  }
  return found;
})();

/**
 * Whether a reply's body begins as an error object does, in spite of its status of success: `{"error": …` unless that is null, false or empty,
 * or TorchServe's `{"code": 4xx or 5xx …`.
 */
export function looksLikeError(chunk: Buffer, start: number, end: number): boolean {
  let at = skipSpaces(chunk, start, end);
  if (chunk[at] !== 0x7b) return false;
  at = skipSpaces(chunk, at + 1, end);
  if (matches(chunk, at, end, errorKey)) {
    const value = valueAt(chunk, at + errorKey.length, end);
    return !nothings.some((nothing) => matches(chunk, value, end, nothing));
  }
  if (!matches(chunk, at, end, codeKey)) return false;
  const value = valueAt(chunk, at + codeKey.length, end);
  const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;
  const isFailure = chunk[value] === 0x34 || chunk[value] === 0x35;
  return value + 3 < end && isFailure && isDigit(chunk[value + 1]) && isDigit(chunk[value + 2]) && !isDigit(chunk[value + 3]);
}

const errorKey = Buffer.from('"error"');
const codeKey = Buffer.from('"code"');
const nothings = ['null', 'false', '""'].map((text) => Buffer.from(text));

/** Where the value of a key begins that ends at `at`. */
function valueAt(chunk: Buffer, at: number, end: number): number {
  const colon = skipSpaces(chunk, at, end);
  return skipSpaces(chunk, chunk[colon] === 0x3a ? colon + 1 : colon, end);
}

function skipSpaces(chunk: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && (chunk[at] === 0x20 || chunk[at] === 0x0a || chunk[at] === 0x0d || chunk[at] === 0x09)) at++;
  return at;
}

function matches(chunk: Buffer, at: number, end: number, key: Buffer): boolean {
  if (at + key.length > end) return false;
  for (let i = 0; i < key.length; i++) if (chunk[at + i] !== key[i]) return false;
  return true;
}
