/**
 * Sits between one operator and the API server, records every request, and does to it what networks and servers do. The operator speaks plain
 * HTTP to it; the proxy has the credentials. What it never does: change what the API server says or reorder it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { ProxiedWatch, type WatchFault } from './proxied-watch.ts';

/** An API server, and the right to use it. */
export interface Upstream {
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly rejectUnauthorized?: boolean };
}

export interface ProxiedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly watch: boolean;
  readonly userAgent: string;
  /** Size of the body. */
  readonly bytes: number;
  /** Of the body: `metadata` and `preconditions`, where there was one. */
  readonly body: { readonly metadata?: Record<string, unknown>; readonly preconditions?: Record<string, unknown> } | undefined;
  /** When it arrived, milliseconds of `performance.now()`. */
  readonly arrived: number;
  /** The API server's answer; undefined where it was never asked, or gave none. */
  status: number | undefined;
  /** When the API server had answered; before that, when the request arrived. */
  at: number;
}

/** `before`: the API server never hears of it. `during`: it has acted, and its answer is lost. `after`: the answer has been sent. */
export type Phase = 'before' | 'during' | 'after';

export type RequestFault =
  /** Answered by us; the API server is not asked. */
  | { readonly kind: 'answer'; readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** The connection breaks. */
  | { readonly kind: 'reset'; readonly phase: 'before' | 'during' }
  /** Half of the answer, then the connection breaks. */
  | { readonly kind: 'truncate' }
  /** `kill` is called at that point, and nothing further is sent. */
  | { readonly kind: 'kill'; readonly phase: Phase; readonly kill: () => void }
  /** The API server acts at once; its answer waits for `until`. */
  | { readonly kind: 'hold'; readonly until: Promise<void> }
  | { readonly kind: 'redirect'; readonly to: Upstream };

export class FaultProxy {
  readonly port: number;
  readonly url: string;
  /** Every request, in the order of arrival. */
  readonly record: ProxiedRequest[] = [];
  /** Watches that are open now. */
  readonly watches = new Set<ProxiedWatch>();
  /** Connections of the operator: now, at most at a time, ever. */
  readonly connections = { open: 0, peak: 0, total: 0 };
  /** Asked about each request before it goes on. */
  onRequest: ((request: ProxiedRequest) => RequestFault | undefined) | undefined;
  /** Asked about each event of each watch before it goes on. */
  onWatchEvent: ((watch: ProxiedWatch, event: { readonly type: string }) => WatchFault | undefined) | undefined;
  readonly #server: Server;
  readonly #upstream: Upstream;
  readonly #user: string | undefined;
  readonly #agents = new Map<Upstream, Agent>();

  private constructor(server: Server, upstream: Upstream, user: string | undefined) {
    this.#server = server;
    this.#upstream = upstream;
    this.#user = user;
    this.port = (server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.port}`;
  }

  /** @param user whom the API server takes the operator for; default the owner of the credentials */
  static async start(upstream: Upstream, user?: string): Promise<FaultProxy> {
    const server = createServer();
    // Idle connections are the client's to close, as with the API server's 90 s.
    server.keepAliveTimeout = 90_000;
    server.requestTimeout = 0;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new FaultProxy(server, upstream, user);
    server.on('connection', (socket) => {
      const { connections } = proxy;
      connections.open += 1;
      connections.total += 1;
      connections.peak = Math.max(connections.peak, connections.open);
      socket.once('close', () => {
        connections.open -= 1;
      });
    });
    server.on('request', (request, response) => {
      // A broken connection on either side ends the exchange, and is what the campaign is about.
      proxy.#serve(request, response).catch(() => request.socket.destroy());
    });
    return proxy;
  }

  async close(): Promise<void> {
    for (const watch of this.watches) watch.cut();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await Promise.all([...this.#agents.values()].map((agent) => agent.destroy()));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(incoming);
    const path = incoming.url ?? '/';
    const request: ProxiedRequest = {
      method: incoming.method ?? 'GET',
      path,
      watch: /[?&]watch=(true|1)\b/.test(path),
      userAgent: incoming.headers['user-agent'] ?? '',
      bytes: body.length,
      body: outline(body),
      arrived: performance.now(),
      status: undefined,
      at: performance.now(),
    };
    this.record.push(request);
    const fault = this.onRequest?.(request);
    if (fault?.kind === 'answer') {
      response.writeHead(fault.status, fault.headers).end(fault.body);
      return;
    }
    if (fault?.kind === 'delay') await sleep(fault.milliseconds);
    if ((fault?.kind === 'reset' || fault?.kind === 'kill') && fault.phase === 'before') {
      if (fault.kind === 'kill') fault.kill();
      incoming.socket.destroy();
      return;
    }
    await this.#forward(request, { incoming, response, body, fault });
  }

  async #forward(
    request: ProxiedRequest,
    {
      incoming,
      response,
      body,
      fault,
    }: { incoming: IncomingMessage; response: ServerResponse; body: Buffer; fault: RequestFault | undefined },
  ): Promise<void> {
    const upstream = fault?.kind === 'redirect' ? fault.to : this.#upstream;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const { accept, 'content-type': contentType, 'user-agent': userAgent } = incoming.headers;
    const answer = await this.#agentFor(upstream).request({
      origin: upstream.server,
      path: request.path,
      method: request.method as 'GET',
      headers: {
        ...upstream.headers,
        ...(this.#user !== undefined && { 'impersonate-user': this.#user }),
        ...(accept !== undefined && { accept }),
        ...(contentType !== undefined && { 'content-type': contentType }),
        ...(userAgent !== undefined && { 'user-agent': userAgent }),
      },
      ...(body.length > 0 && { body }),
      // What a write may do it does, whether its sender still waits or not.
      ...(request.method === 'GET' && { signal: gone.signal }),
    });
    request.status = answer.statusCode;
    request.at = performance.now();
    const headers = passedOn(answer.headers);
    if (request.watch && answer.statusCode === 200) {
      const watch = new ProxiedWatch(request.path, incoming.socket, response);
      this.watches.add(watch);
      response.writeHead(200, headers);
      await watch.run(answer.body, (event) => this.onWatchEvent?.(watch, event)).finally(() => this.watches.delete(watch));
      return;
    }
    const text = Buffer.from(await answer.body.arrayBuffer());
    request.at = performance.now();
    if (fault?.kind === 'hold') await fault.until;
    if ((fault?.kind === 'reset' || fault?.kind === 'kill') && fault.phase === 'during') {
      if (fault.kind === 'kill') fault.kill();
      incoming.socket.destroy();
      return;
    }
    response.writeHead(answer.statusCode, { ...headers, 'content-length': text.length });
    if (fault?.kind === 'truncate') {
      response.write(text.subarray(0, text.length >> 1), () => incoming.socket.destroy());
      return;
    }
    response.end(text, () => {
      if (fault?.kind === 'kill') fault.kill();
    });
  }

  #agentFor(upstream: Upstream): Agent {
    const known = this.#agents.get(upstream);
    if (known !== undefined) return known;
    const agent = new Agent({ connect: { ...upstream.tls }, allowH2: false, headersTimeout: 0, bodyTimeout: 0 });
    this.#agents.set(upstream, agent);
    return agent;
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function outline(body: Buffer): ProxiedRequest['body'] {
  if (body.length === 0) return undefined;
  try {
    const { metadata, preconditions } = JSON.parse(body.toString());
    return { ...(metadata && { metadata }), ...(preconditions && { preconditions }) };
  } catch {
    return undefined;
  }
}

/** Headers that are the connection's own stay behind. */
function passedOn(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string | string[]> {
  const own = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'date']);
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined && !own.has(entry[0])),
  );
}
