import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ErrorClass } from '../point.ts';
import { traceparentHeader } from '../spans/trace-context.ts';
import { guardedLookup } from './addresses.ts';
import { type Channel, type ExchangeLimits, now, type OnDone, type Outcome, type WireRequest } from './channel.ts';
import { ResponseReader } from './http-response.ts';
import type { Target } from './target.ts';

/** The bytes of a request with all its headers, so that sending it is one write. */
export function requestBytes(target: Target, request: WireRequest): Buffer {
  const headers: (readonly [string, string])[] = [['host', target.authority], ...request.headers, ...target.headers];
  if (request.method === 'POST') headers.push(['content-length', String(request.body.byteLength)]);
  const path = `${target.basePath}${request.path}`;
  const head = `${request.method} ${path === '' ? '/' : path} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), request.body]);
}

/** The request with one more header, in two pieces, so that a large body is not copied: it lies in the memory of all requests like it. */
function withHeader(request: Buffer, name: string, value: string): readonly [head: Buffer, body: Buffer] {
  const end = request.indexOf('\r\n\r\n') + 2;
  return [Buffer.concat([request.subarray(0, end), Buffer.from(`${name}: ${value}\r\n\r\n`, 'latin1')]), request.subarray(end + 2)];
}

/** One HTTP/1.1 connection with at most one request on it, kept alive between requests. */
export class HttpChannel implements Channel {
  startedAt = 0;
  busy = false;
  intended = 0;
  span = 0;

  readonly #target: Target;
  readonly #requests: readonly Buffer[];
  readonly #reader: ResponseReader;
  readonly #onDone: OnDone;
  readonly #outcome: Outcome = { error: null, message: '', status: 0, bytes: 0, body: null, resent: false };
  #socket: Socket | null = null;
  #connected = false;
  /** Replies read from the present connection: above 0 it has been idle in between and the server may have closed it. */
  #replies = 0;
  #index = 0;
  #capture = false;
  #traceparent: string | undefined;

  constructor(target: Target, requests: readonly Buffer[], limits: ExchangeLimits, onDone: OnDone) {
    this.#target = target;
    this.#requests = requests;
    this.#reader = new ResponseReader(limits.maxBodyBytes);
    this.#onDone = onDone;
  }

  open(): Promise<void> {
    const socket = this.#connect();
    return new Promise((resolve) => {
      const settled = () => resolve();
      socket.once(this.#target.tls === null ? 'connect' : 'secureConnect', settled);
      socket.once('close', settled);
    });
  }

  start(index: number, capture: boolean, traceparent?: string): void {
    this.busy = true;
    this.#index = index;
    this.#capture = capture;
    this.#traceparent = traceparent;
    this.#outcome.resent = false;
    this.startedAt = now();
    this.#send();
  }

  abort(error: ErrorClass, message: string): void {
    const missing = this.#connected ? '' : this.#target.tls === null ? 'no connection: ' : 'no TLS connection: ';
    this.#drop();
    this.#finish(error, `${missing}${message}`);
  }

  close(): void {
    this.busy = false;
    this.#drop();
  }

  #send(): void {
    this.#reader.reset(this.#capture);
    const socket = this.#socket ?? this.#connect();
    const request = this.#requests[this.#index] as Buffer;
    if (this.#traceparent === undefined) {
      socket.write(request);
      return;
    }
    // Corked: both pieces leave by one write to the system.
    socket.cork();
    for (const piece of withHeader(request, traceparentHeader, this.#traceparent)) socket.write(piece);
    socket.uncork();
  }

  #connect(): Socket {
    const { host, port, tls, addresses } = this.#target;
    const guard = addresses === undefined ? {} : { lookup: guardedLookup(addresses) };
    this.#connected = false;
    this.#replies = 0;
    let socket: Socket;
    if (tls === null) {
      // One buffer for every read of this connection: nothing is allocated per reply.
      const buffer = Buffer.allocUnsafeSlow(65_536);
      const callback = (bytes: number) => {
        if (this.#socket === socket) this.#take(buffer, bytes);
        return true;
      };
      socket = connect({ host, port, ...guard, noDelay: true, onread: { buffer, callback } });
      socket.once('connect', () => {
        this.#connected = true;
      });
    } else {
      const secure = connectTls({
        host,
        port,
        ...guard,
        ALPNProtocols: ['http/1.1'],
        rejectUnauthorized: !tls.insecure,
        ...(tls.serverName === '' ? {} : { servername: tls.serverName }),
        ...(tls.ca === null ? {} : { ca: tls.ca }),
      });
      secure.setNoDelay(true);
      secure.once('secureConnect', () => {
        this.#connected = true;
      });
      secure.on('data', (chunk: Buffer) => {
        if (this.#socket === secure) this.#take(chunk, chunk.length);
      });
      socket = secure;
    }
    this.#socket = socket;
    socket.on('error', (error: NodeJS.ErrnoException) => this.#lost(socket, error));
    socket.on('end', () => this.#lost(socket, undefined));
    socket.on('close', () => this.#lost(socket, undefined));
    return socket;
  }

  #take(chunk: Buffer, bytes: number): void {
    // Bytes that nobody asked for: the connection is of no further use.
    if (!this.busy) {
      this.#drop();
      return;
    }
    const progress = this.#reader.push(chunk, bytes);
    if (progress === 'more') return;
    const reader = this.#reader;
    if (progress === 'complete') {
      this.#replies++;
      if (!reader.keepAlive) this.#drop();
      this.#complete();
    } else {
      this.#drop();
      this.#finish(reader.tooLarge ? 'tooLarge' : 'protocol', reader.failure);
    }
  }

  #complete(): void {
    const { status, errorMarker } = this.#reader;
    if (status >= 200 && status < 300) {
      if (errorMarker) this.#finish('badBody', `status ${status} with an error as its body`);
      else this.#finish(null, '');
    } else {
      this.#finish(status >= 500 ? 'http5xx' : status >= 400 ? 'http4xx' : 'httpOther', `HTTP status ${status}`);
    }
  }

  /** The connection failed or was closed by the server. */
  #lost(socket: Socket, error: NodeJS.ErrnoException | undefined): void {
    if (this.#socket !== socket) return;
    const wasConnected = this.#connected;
    this.#drop();
    if (!this.busy) return;
    const reader = this.#reader;
    if (wasConnected && error === undefined && reader.started && reader.end() === 'complete') {
      this.#complete();
      return;
    }
    if (!wasConnected) {
      const tls = this.#target.tls !== null && isTlsError(error);
      this.#finish(
        tls ? 'tls' : 'connect',
        error === undefined ? 'the server closed the connection before it was ready' : `${error.message}`,
      );
      return;
    }
    // A server may close an idle connection just as a request is written to it; such a request has not been seen (RFC 9112 §9.3.1).
    if (this.#replies > 0 && !reader.started && !this.#outcome.resent) {
      this.#outcome.resent = true;
      this.#send();
      return;
    }
    if (!reader.isHttp) {
      this.#finish('protocol', 'the server answers with something that is not HTTP/1.1; is this its gRPC port?');
      return;
    }
    const cut = reader.started
      ? 'the server closed the connection in the middle of its reply'
      : 'the server closed the connection without a reply';
    this.#finish('reset', error === undefined ? cut : `${cut} (${error.code ?? error.message})`);
  }

  #finish(error: ErrorClass | null, message: string): void {
    if (!this.busy) return;
    this.busy = false;
    const outcome = this.#outcome;
    outcome.error = error;
    outcome.message = message;
    outcome.status = this.#reader.status;
    outcome.bytes = this.#reader.bodyBytes;
    outcome.body = this.#capture ? this.#reader.body() : null;
    this.#onDone(this, outcome);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#connected = false;
    socket?.destroy();
  }
}

function isTlsError(error: NodeJS.ErrnoException | undefined): boolean {
  const code = error?.code ?? '';
  return /^(ERR_TLS|ERR_SSL|CERT|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|EPROTO|HOSTNAME)/.test(code);
}
