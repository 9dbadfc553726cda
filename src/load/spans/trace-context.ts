/** How the server is told of the trace that a request belongs to, so that its own spans join it. */
import { randomBytes } from 'node:crypto';

/** The trace of one point. Plain data: it travels to the sending threads. */
export interface Tracing {
  /** 32 hexadecimal digits, random: a point that is measured again is another trace. */
  readonly traceId: string;
  /** The first 8 of the 16 digits that a span has; the others are its number. */
  readonly prefix: string;
  /** Most requests of the point that are traced. */
  readonly requests: number;
}

/** What one sending thread traces: its share of the requests, whose spans have the numbers `first`, `first + step`, … */
export interface ThreadTracing extends Tracing {
  readonly first: number;
  readonly step: number;
}

/** The header's name, in W3C Trace Context and as the metadata of a gRPC call. */
export const traceparentHeader = 'traceparent';

export function newTracing(requests: number): Tracing {
  return { traceId: randomBytes(16).toString('hex'), prefix: randomBytes(4).toString('hex'), requests };
}

/** The share of one of `threads` threads; 0 is no span's number. */
export function shareOf(tracing: Tracing, thread: number, threads: number): ThreadTracing {
  const { requests } = tracing;
  const own = Math.floor(requests / threads) + (thread < requests % threads ? 1 : 0);
  return { ...tracing, requests: own, first: thread + 1, step: threads };
}

/** @param number above 0 */
export function spanIdOf({ prefix }: Pick<Tracing, 'prefix'>, number: number): string {
  return prefix + number.toString(16).padStart(8, '0');
}

/** W3C Trace Context, level 1, §3.2: version 00, trace, parent, and the flag that says that the caller records it. */
export function traceparentOf(tracing: Pick<Tracing, 'traceId' | 'prefix'>, number: number): string {
  return `00-${tracing.traceId}-${spanIdOf(tracing, number)}-01`;
}
