import { hash } from 'node:crypto';
import { errorClasses } from '../point.ts';
import type { TraceLevel } from './level.ts';
import type { RawPoint } from './raw-point.ts';
import { spanIdOf, type Tracing } from './trace-context.ts';

/** A span before it is written down. Times in microseconds since the epoch. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** A request as the client saw it; everything else is internal. */
  readonly client: boolean;
  readonly start: number;
  readonly end: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly error?: string;
}

export interface SpanOptions {
  readonly run: string;
  readonly level: TraceLevel;
}

/**
 * One trace a point: a span for its window, below it one for each request that was sent with the trace: spans of a server that took it up are children of
 * those. Level `model` adds one request of average length, and in it the stages of which the server told averages, in their order; where within it the server
 * spent them is not known, nor how single requests differ. Points that were not traced give nothing.
 */
export function spansOf(raw: readonly RawPoint[], options: SpanOptions): Span[] {
  return raw.flatMap((one) => (one.tracing === undefined ? [] : pointSpans(one, one.tracing, options)));
}

function pointSpans(raw: RawPoint, tracing: Tracing, { run, level }: SpanOptions): Span[] {
  const { point, trace, window, epochMicroseconds: epoch } = raw;
  const { traceId } = tracing;
  const id = (name: string) => hash('sha256', `${traceId}/${name}`).slice(0, 16);
  const chosen = [...(trace.span?.entries() ?? [])].flatMap(([at, span]) => (span === 0 ? [] : [at]));
  const root: Span = {
    traceId,
    spanId: id('point'),
    name: `point ${point.id}`,
    client: false,
    start: window.from + epoch,
    end: window.to + epoch,
    attributes: {
      'modelwright.run': run,
      'modelwright.point': point.id,
      'modelwright.batch_size': point.batchSize,
      'modelwright.requests': trace.length,
      'modelwright.requests_traced': chosen.length,
      ...(level === 'model' && point.server === null && { 'modelwright.model_level': 'not told by the server' }),
    },
    ...(!point.valid && { error: point.invalidReasons.map(({ reason }) => reason).join(', ') }),
  };
  const own = chosen.map((at): Span => {
    const done = trace.done[at] as number;
    const due = done - (trace.latency[at] as number);
    const lag = trace.lag[at] as number;
    const error = errorClasses[(trace.error[at] as number) - 1];
    return {
      traceId,
      spanId: spanIdOf(tracing, trace.span?.[at] ?? 0),
      parentSpanId: root.spanId,
      name: 'request',
      client: true,
      start: due + lag + epoch,
      end: done + epoch,
      attributes: {
        'modelwright.batch_size': point.batchSize,
        // What an open loop adds to the latency, since it counts from when the request was due.
        ...(point.load.loop === 'open' && { 'modelwright.send_lag_us': Math.round(lag) }),
        ...(error !== undefined && { 'error.type': error }),
      },
      ...(error !== undefined && { error }),
    };
  });
  return [root, ...own, ...(level === 'model' ? modelSpans(raw, root, id) : [])];
}

const stages = ['queue', 'preprocess', 'infer', 'postprocess'] as const;

function modelSpans({ point, window, epochMicroseconds }: RawPoint, root: Span, id: (name: string) => string): Span[] {
  const { server, latencyMicroseconds: latency } = point;
  if (server === null || latency === null) return [];
  const start = window.from + epochMicroseconds;
  const attributes = {
    'modelwright.aggregate': 'mean',
    'modelwright.source': server.source,
    ...(server.requests !== null && { 'modelwright.requests': server.requests }),
  };
  const average: Span = {
    traceId: root.traceId,
    spanId: id('average request'),
    parentSpanId: root.spanId,
    name: 'average request',
    client: false,
    start,
    end: start + latency.mean,
    attributes,
  };
  let at = start;
  const parts = stages.flatMap((name): Span[] => {
    const took = server[name];
    if (took === null) return [];
    const from = at;
    at += took;
    const spanId = id(`model ${name}`);
    return [{ ...average, spanId, parentSpanId: average.spanId, name: `model ${name}`, start: from, end: at }];
  });
  return [average, ...parts];
}
