import { createSecureServer, createServer, type Http2Session, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** A call's answer: the message, or a gRPC status with its text. */
export type GrpcAnswer = Buffer | { readonly status: number; readonly message: string };

/** PEM texts: a server that is given them speaks TLS. */
export interface ServerTls {
  readonly key: string;
  readonly cert: string;
}

export interface UnaryGrpcServer extends AsyncDisposable {
  readonly port: number;
}

/** A gRPC server of unary calls, by default on a free port of the loopback interface; `answer` is given the call's path, its message and its metadata. */
export async function serveUnaryGrpc(
  answer: (path: string, message: Buffer, metadata: IncomingHttpHeaders) => GrpcAnswer,
  tls?: ServerTls,
  { host = '127.0.0.1', port = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<UnaryGrpcServer> {
  const server = tls === undefined ? createServer() : createSecureServer({ ...tls });
  const sessions = new Set<Http2Session>();
  server.on('session', (session) => {
    sessions.add(session);
  });
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const said = answer(String(headers[':path']), Buffer.concat(chunks).subarray(5), headers);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () =>
        stream.sendTrailers(
          Buffer.isBuffer(said) ? { 'grpc-status': '0' } : { 'grpc-status': String(said.status), 'grpc-message': said.message },
        ),
      );
      if (!Buffer.isBuffer(said)) return stream.end();
      const head = Buffer.alloc(5);
      head.writeUInt32BE(said.length, 1);
      return stream.end(Buffer.concat([head, said]));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
