/** A collector of OpenTelemetry spans on loopback: OTLP over gRPC, and over HTTP as protobuf or JSON. It keeps what joins spans to traces. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readProto } from '../../../src/load/protocol/protobuf.ts';
import { serveUnaryGrpc } from './unary-grpc.ts';

/** Ids in hexadecimal; `parentSpanId` is empty for the first span of a trace. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
}

export interface OtlpCollector extends AsyncDisposable {
  /** For exporters over gRPC. */
  readonly grpc: string;
  /** For exporters over HTTP. */
  readonly http: string;
  readonly spans: readonly CollectedSpan[];
}

export async function startOtlpCollector(): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  const grpc = await serveUnaryGrpc((_path, message) => {
    spans.push(...spansOfProto(message));
    return Buffer.alloc(0);
  });
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const isJson = request.headers['content-type']?.includes('json') === true;
      spans.push(...(isJson ? spansOfJson(body.toString()) : spansOfProto(body)));
      response.writeHead(200, { 'content-type': isJson ? 'application/json' : 'application/x-protobuf' }).end(isJson ? '{}' : '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    grpc: `127.0.0.1:${grpc.port}`,
    http: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await grpc[Symbol.asyncDispose]();
    },
  };
}

/** `ExportTraceServiceRequest` of opentelemetry-proto 1.x: resource_spans 1, scope_spans 2, spans 2. */
function spansOfProto(message: Buffer): CollectedSpan[] {
  const inside = (bytes: Buffer, field: number) =>
    readProto(bytes)
      .filter((one) => one.field === field)
      .map((one) => one.bytes);
  return inside(message, 1)
    .flatMap((resource) => inside(resource, 2))
    .flatMap((scope) => inside(scope, 2))
    .map((span) => {
      const text = (field: number, encoding: 'hex' | 'utf8') => inside(span, field)[0]?.toString(encoding) ?? '';
      return { traceId: text(1, 'hex'), spanId: text(2, 'hex'), parentSpanId: text(4, 'hex'), name: text(5, 'utf8') };
    });
}

interface JsonRequest {
  readonly resourceSpans?: readonly {
    readonly scopeSpans?: readonly {
      readonly spans?: readonly (Omit<CollectedSpan, 'parentSpanId'> & { readonly parentSpanId?: string })[];
    }[];
  }[];
}

/** Ids are hexadecimal in OTLP's own JSON mapping. */
function spansOfJson(text: string): CollectedSpan[] {
  const { resourceSpans = [] } = JSON.parse(text) as JsonRequest;
  return resourceSpans
    .flatMap(({ scopeSpans = [] }) => scopeSpans)
    .flatMap(({ spans = [] }) => spans)
    .map(({ traceId, spanId, parentSpanId = '', name }) => ({ traceId, spanId, parentSpanId, name }));
}
