import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** What one probe found: undefined when all is well, else a short reason for people. */
export type Check = () => string | undefined;

export interface HealthOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Whether the process works at all; the kubelet restarts it when not. */
  readonly live: Readonly<Record<string, Check>>;
  /** Whether the process does its part; takes no restart. */
  readonly ready: Readonly<Record<string, Check>>;
  readonly registry: Registry;
}

/** Serves `/healthz`, `/readyz` and `/metrics` by plain HTTP. `?verbose` lists each check, as the API server's own probes do. */
export class HealthServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Resolves when it listens; rejects when it cannot, for example because the port is taken. */
  static async start(options: HealthOptions): Promise<HealthServer> {
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://health');
      if (url.pathname === '/healthz') answer(response, options.live, url.searchParams.has('verbose'));
      else if (url.pathname === '/readyz') answer(response, options.ready, url.searchParams.has('verbose'));
      else if (url.pathname === '/metrics') void metrics(response, options.registry);
      else response.writeHead(404).end('not found\n');
    });
    // A probe or scrape that does not finish its request must not keep a socket.
    server.requestTimeout = 10_000;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, options.host, resolve);
    });
    return new HealthServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeIdleConnections();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

function answer(response: ServerResponse, checks: Readonly<Record<string, Check>>, verbose: boolean): void {
  const found = Object.entries(checks).map(([name, check]) => ({ name, reason: check() }));
  const well = found.every(({ reason }) => reason === undefined);
  const lines = found.map(({ name, reason }) => (reason === undefined ? `[+]${name} ok` : `[-]${name} failed: ${reason}`));
  response.writeHead(well ? 200 : 503, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(well && !verbose ? 'ok' : `${lines.join('\n')}\n`);
}

async function metrics(response: ServerResponse, registry: Registry): Promise<void> {
  try {
    const text = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType });
    response.end(text);
  } catch {
    response.writeHead(500).end('the metrics could not be read\n');
  }
}
