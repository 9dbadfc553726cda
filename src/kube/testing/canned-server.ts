import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClusterConfig } from '../cluster-config.ts';

/** A request as it arrived, and the way to answer it: whole, or piece by piece as a watch does. */
export interface CannedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Answers with `body` as JSON. */
  json(body: unknown, status?: number, headers?: Readonly<Record<string, string>>): void;
  /** Answers with a `metav1.Status`. */
  fail(status: number, reason: string, message?: string, headers?: Readonly<Record<string, string>>): void;
  /** Starts a 200 answer whose pieces follow. */
  stream(): CannedStream;
  /** Breaks the connection. */
  destroy(): void;
}

export interface CannedStream {
  /** Sends watch events, one line each. */
  send(...events: readonly unknown[]): void;
  /** Sends bytes as they are. */
  write(text: string | Buffer): void;
  /** Ends the answer as the server does when a watch's time is up. */
  end(): void;
  /** Breaks the connection in the middle of the answer. */
  destroy(): void;
  /** Resolves when the client has gone. */
  readonly closed: Promise<void>;
}

/**
 * An HTTP server for tests that hands each request to the test in the order of arrival. It knows nothing of Kubernetes: what it answers is what the
 * test says, byte by byte. What a real API server does is proven in the integration tests.
 */
export class CannedServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #waiting: ((request: CannedRequest) => void)[] = [];
  readonly #arrived: CannedRequest[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<CannedServer> {
    const server = createServer();
    const canned = new CannedServer(server);
    server.on('request', (message, response) => void canned.#accept(message, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return canned;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How a client finds this server. */
  get config(): ClusterConfig {
    return { server: this.url, namespace: 'default', credentials: async () => ({ headers: {}, tls: {} }) };
  }

  /** The next request that nobody has taken yet. */
  next(): Promise<CannedRequest> {
    const request = this.#arrived.shift();
    return request === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(request);
  }

  /** Requests that arrived and were not taken. */
  get untaken(): number {
    return this.#arrived.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #accept(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const request = cannedRequest(message, response, Buffer.concat(chunks).toString('utf8'));
    const taker = this.#waiting.shift();
    if (taker === undefined) this.#arrived.push(request);
    else taker(request);
  }
}

function cannedRequest(message: IncomingMessage, response: ServerResponse, body: string): CannedRequest {
  const json: CannedRequest['json'] = (value, status = 200, headers = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(value));
  };
  return {
    method: message.method ?? '',
    url: new URL(message.url ?? '/', 'http://canned'),
    headers: message.headers,
    body,
    json,
    fail(status, reason, text = reason, headers = {}) {
      json({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, reason, message: text }, status, headers);
    },
    stream() {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      return {
        send: (...events) => void response.write(events.map((event) => `${JSON.stringify(event)}\n`).join('')),
        write: (text) => void response.write(text),
        end: () => void response.end(),
        destroy: () => void response.destroy(),
        closed: new Promise((resolve) => response.on('close', () => resolve())),
      };
    },
    destroy: () => void response.destroy(),
  };
}
