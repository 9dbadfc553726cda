import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { ErrorClass } from '../point.ts';
import { traceparentHeader } from '../spans/trace-context.ts';
import { guardedLookup } from './addresses.ts';
import { type Channel, type ExchangeLimits, now, type OnDone, type Outcome, type WireRequest } from './channel.ts';
import type { Target } from './target.ts';

/** Status names of gRPC, by number. */
const statusNames = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** One HTTP/2 connection with at most one unary gRPC call on it: the counterpart of a kept-alive HTTP/1.1 connection. */
export class GrpcChannel implements Channel {
  startedAt = 0;
  busy = false;
  intended = 0;
  span = 0;

  readonly #target: Target;
  readonly #headers: readonly OutgoingHttpHeaders[];
  readonly #frames: readonly Buffer[];
  readonly #limits: ExchangeLimits;
  readonly #onDone: OnDone;
  readonly #outcome: Outcome = { error: null, message: '', status: 0, bytes: 0, body: null, resent: false };
  #session: ClientHttp2Session | null = null;
  #stream: ClientHttp2Stream | null = null;
  #sessionError: Error | undefined;
  #bytes = 0;
  #capture = false;
  #chunks: Buffer[] = [];
  #status = -1;
  #message = '';
  #httpStatus = 0;

  constructor(target: Target, requests: readonly WireRequest[], limits: ExchangeLimits, onDone: OnDone) {
    this.#target = target;
    this.#limits = limits;
    this.#onDone = onDone;
    this.#headers = requests.map((request) => ({
      ':method': 'POST',
      ':path': `${target.basePath}${request.path}`,
      ':scheme': target.tls === null ? 'http' : 'https',
      ':authority': target.authority,
      te: 'trailers',
      'content-type': 'application/grpc',
      ...Object.fromEntries(target.headers),
    }));
    // The message's frame: no compression, four bytes of length.
    this.#frames = requests.map(({ body }) => {
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(body.byteLength, 1);
      return Buffer.concat([prefix, body]);
    });
  }

  open(): Promise<void> {
    const session = this.#connect();
    return new Promise((resolve) => {
      session.once('connect', () => resolve());
      session.once('close', () => resolve());
    });
  }

  start(index: number, capture: boolean, traceparent?: string): void {
    this.busy = true;
    this.#capture = capture;
    this.#chunks = [];
    this.#bytes = 0;
    this.#status = -1;
    this.#message = '';
    this.#httpStatus = 0;
    this.#sessionError = undefined;
    this.startedAt = now();
    const open = this.#session;
    const session = open === null || open.destroyed || open.closed ? this.#connect() : open;
    const headers = this.#headers[index] as OutgoingHttpHeaders;
    const sent = traceparent === undefined ? headers : { ...headers, [traceparentHeader]: traceparent };
    const stream = session.request(sent, { endStream: false });
    this.#stream = stream;
    stream.on('response', (headers) => {
      this.#httpStatus = Number(headers[':status']);
      this.#readStatus(headers);
    });
    stream.on('trailers', (headers) => this.#readStatus(headers));
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    // A connection that failed cancels its streams first; the cause is what it failed of.
    stream.on('error', (error) => {
      this.#sessionError ??= error.cause instanceof Error ? error.cause : error;
    });
    stream.on('close', () => this.#closed(stream));
    stream.end(this.#frames[index]);
  }

  abort(error: ErrorClass, message: string): void {
    const stream = this.#stream;
    this.#stream = null;
    stream?.close(constants.NGHTTP2_CANCEL);
    this.#finish(error, message);
  }

  close(): void {
    this.busy = false;
    this.#stream = null;
    this.#session?.destroy();
    this.#session = null;
  }

  #connect(): ClientHttp2Session {
    const { host, port, tls, addresses } = this.#target;
    const name = host.includes(':') ? `[${host}]` : host;
    const session = connect(`${tls === null ? 'http' : 'https'}://${name}:${port}`, {
      settings: { enablePush: false, initialWindowSize: 4 << 20 },
      ...(addresses === undefined ? {} : { lookup: guardedLookup(addresses) }),
      ...(tls === null
        ? {}
        : {
            rejectUnauthorized: !tls.insecure,
            ...(tls.serverName === '' ? {} : { servername: tls.serverName }),
            ...(tls.ca === null ? {} : { ca: tls.ca }),
          }),
    });
    this.#session = session;
    this.#sessionError = undefined;
    const lost = () => {
      if (this.#session === session) this.#session = null;
    };
    session.on('connect', () => session.setLocalWindowSize(16 << 20));
    session.on('error', (error) => {
      this.#sessionError = error;
      lost();
    });
    session.on('goaway', lost);
    session.on('close', lost);
    return session;
  }

  #readStatus(headers: IncomingHttpHeaders): void {
    const status = headers['grpc-status'];
    if (status === undefined) return;
    this.#status = Number(status);
    const message = headers['grpc-message'];
    if (typeof message === 'string') this.#message = decode(message);
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limits.maxBodyBytes + 5) {
      this.abort('tooLarge', `the reply is longer than the limit of ${this.#limits.maxBodyBytes} bytes`);
    } else if (this.#capture) this.#chunks.push(chunk);
  }

  #closed(stream: ClientHttp2Stream): void {
    if (this.#stream !== stream) return;
    this.#stream = null;
    const [error, message] = this.#verdict();
    this.#finish(error, message);
  }

  #verdict(): [ErrorClass | null, string] {
    if (this.#status === 0) return this.#bytes >= 5 ? [null, ''] : ['badBody', 'status OK without a message'];
    if (this.#status > 0) return ['grpc', `${statusNames[this.#status] ?? this.#status}: ${this.#message}`];
    if (this.#httpStatus >= 300) {
      return [this.#httpStatus >= 500 ? 'http5xx' : this.#httpStatus >= 400 ? 'http4xx' : 'httpOther', `HTTP status ${this.#httpStatus}`];
    }
    const error: NodeJS.ErrnoException | undefined = this.#sessionError;
    if (error === undefined) return ['reset', 'the server ended the call without a status'];
    const code = error.code ?? '';
    if (/^(ECONNREFUSED|ENOTFOUND|EHOST|ENET|ETIMEDOUT|EAI|EADDRREFUSED)/.test(code)) return ['connect', error.message];
    if (/^(ERR_TLS|ERR_SSL|CERT|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|EPROTO)/.test(code)) return ['tls', error.message];
    if (code === 'ERR_HTTP2_ERROR') return ['protocol', `the server does not speak HTTP/2 (${error.message}); is this its gRPC port?`];
    return ['reset', error.message];
  }

  #finish(error: ErrorClass | null, message: string): void {
    if (!this.busy) return;
    this.busy = false;
    const outcome = this.#outcome;
    outcome.error = error;
    outcome.message = message;
    outcome.status = this.#status;
    outcome.bytes = Math.max(0, this.#bytes - 5);
    outcome.body = this.#capture ? Buffer.concat(this.#chunks).subarray(5) : null;
    this.#onDone(this, outcome);
  }
}

function decode(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
