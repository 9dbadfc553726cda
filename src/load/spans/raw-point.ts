import type { Trace } from '../engine/trace.ts';
import type { Point } from '../point.ts';
import type { MeasuredWindow } from '../statistics/window.ts';
import type { Tracing } from './trace-context.ts';

/** Everything that was recorded of a point, before it became figures. */
export interface RawPoint {
  readonly point: Point;
  readonly trace: Trace;
  readonly window: MeasuredWindow;
  /** Wall clock minus monotonic clock when the window began, microseconds: what turns times of the trace into times of day. */
  readonly epochMicroseconds: number;
  /** The trace that some of its requests were sent with; absent where none was asked for. */
  readonly tracing?: Tracing;
}

/** Requests of a point that are kept when at most `most` may be: all, or evenly every so many-th, so that no part of the window is favoured. */
export function chosenRequests({ trace }: Pick<RawPoint, 'trace'>, most: number): number[] {
  const count = Math.min(trace.length, most);
  return Array.from({ length: count }, (_, i) => Math.floor((i * trace.length) / count));
}
