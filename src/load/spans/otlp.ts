import type { Report } from '../report/report.ts';
import type { Span } from './spans.ts';

/** Codes of OTLP's `SpanKind` and `StatusCode`. */
const kinds = { internal: 1, client: 3 } as const;
const statusError = 2;

/**
 * Spans as OTLP JSON (opentelemetry-proto 1.x, `ExportTraceServiceRequest`): what a collector's file receiver and its `/v1/traces` take.
 * Ids are hexadecimal, times are nanoseconds in strings, as that mapping asks for.
 */
export function otlpText(spans: readonly Span[], { tool, target, run }: Pick<Report, 'tool' | 'target' | 'run'>): string {
  const resource = {
    attributes: attributesOf({ 'service.name': `${tool.name} bench`, 'service.version': tool.version, 'modelwright.run': run }),
  };
  const common = { 'modelwright.model': target.model, 'modelwright.protocol': target.protocol };
  const written = spans.map(({ traceId, spanId, parentSpanId, name, client, start, end, attributes, error }) => ({
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind: client ? kinds.client : kinds.internal,
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes: attributesOf(parentSpanId === undefined ? { ...common, ...attributes } : attributes),
    status: error === undefined ? {} : { code: statusError, message: error },
  }));
  const scope = { name: tool.name, version: tool.version };
  return `${JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope, spans: written }] }] })}\n`;
}

/** A double holds microseconds since the epoch to a quarter of one. */
function nanoseconds(microseconds: number): string {
  return (BigInt(Math.round(microseconds * 4)) * 250n).toString();
}

function attributesOf(values: Readonly<Record<string, string | number>>): object[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value:
      typeof value === 'string' ? { stringValue: value } : Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value },
  }));
}
