import { arch, platform } from 'node:process';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import { type Clock, sleep, systemClock } from './clock.ts';
import type { ClusterConfig, Credentials, TlsIdentity } from './cluster-config.ts';
import { CredentialSource } from './credential-source.ts';
import { errorFromStatus, isTooLargeResourceVersion, KubeError, type Status, toError } from './errors.ts';
import { restRequestDuration, restRequests } from './metrics.ts';
import { proxyFor } from './proxy-environment.ts';
import { TokenBucket } from './rate-limiter.ts';
import { guardWrites } from './write-guard.ts';

export interface TransportOptions {
  /** Product and version for the `User-Agent`, for example `modelwright/0.1.0`. */
  readonly product?: string;
  /** Connections for everything but watches, which have one each. @default 16 */
  readonly connections?: number;
  /** How long to wait for an answer to begin, and for each further piece of it. @default 30000 */
  readonly timeoutMilliseconds?: number;
  /** A client-side limit, for clusters without API priority and fairness. @default none */
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number };
  /** Asked when a request other than a GET is about to go out on its connection; refused, it fails as `NOT_LEADER`. @default all may */
  readonly mayWrite?: () => boolean;
  readonly clock?: Clock;
  /** Where `HTTPS_PROXY` and `NO_PROXY` are read. @default `process.env` */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query below the server's URL. */
  readonly path: string;
  /** The API verb, for metrics. */
  readonly verb: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Tries in all, when the server asks to come back later. */
const maxAttempts = 6;
/** A longer wait is the caller's business. */
const maxRetryAfterMilliseconds = 30_000;

/** An identity with its certificates as OpenSSL holds them. */
type TlsOptions = Pick<TlsIdentity, 'servername' | 'rejectUnauthorized'> & { readonly secureContext: SecureContext };

interface Pools {
  readonly tls: TlsIdentity;
  readonly requests: Dispatcher;
  readonly watches: Dispatcher;
}

/**
 * HTTP to one API server: shared keep-alive connections, credentials that rotate, a proxy where the environment asks for one, waiting when the
 * server asks for it, one kind of error, and metrics. HTTP/1.1 only: Node's HTTP/2 has no health check of its own, so that a dead connection would
 * take all requests with it.
 */
export class Transport {
  readonly host: string;
  readonly #credentials: CredentialSource;
  readonly #origin: string;
  readonly #basePath: string;
  readonly #userAgent: string;
  readonly #connections: number;
  readonly #timeout: number;
  readonly #clock: Clock;
  readonly #limiter: TokenBucket | undefined;
  readonly #proxy: string | undefined;
  readonly #mayWrite: (() => boolean) | undefined;
  #pools: Pools | undefined;

  constructor(config: ClusterConfig, options: TransportOptions = {}) {
    const url = new URL(config.server);
    this.host = url.host;
    this.#origin = url.origin;
    this.#basePath = url.pathname.replace(/\/+$/, '');
    this.#userAgent = `${options.product ?? 'modelwright'} (${platform}/${arch === 'x64' ? 'amd64' : arch})`;
    this.#connections = options.connections ?? 16;
    this.#timeout = options.timeoutMilliseconds ?? 30_000;
    this.#clock = options.clock ?? systemClock;
    this.#proxy = config.proxyUrl ?? proxyFor(url, options.environment);
    this.#credentials = new CredentialSource(config, this.#clock, this.#timeout);
    this.#mayWrite = options.mayWrite;
    const { rateLimit } = options;
    this.#limiter = rateLimit && new TokenBucket(rateLimit.perSecond, rateLimit.burst, this.#clock);
  }

  /** The whole answer, parsed as JSON. */
  async json(request: TransportRequest): Promise<unknown> {
    const text = await this.text(request);
    try {
      return JSON.parse(text);
    } catch (error) {
      const message = `the API server's answer to ${request.verb} ${request.path} is no JSON (${text.length} characters)`;
      throw new KubeError('MALFORMED', 0, '', message, { cause: error });
    }
  }

  /** The whole answer as text. */
  async text(request: TransportRequest): Promise<string> {
    const started = this.#clock.monotonic();
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await this.#send(request, attempt, 'requests');
        const text = await response.body.text();
        this.#observe(request, started);
        return text;
      } catch (thrown) {
        const error = this.#failure(request, thrown);
        const wait = retryDelay(request, error, attempt);
        if (wait === undefined) throw error;
        await sleep(this.#clock, wait, request.signal);
        request.signal?.throwIfAborted();
      }
    }
  }

  /** The answer piece by piece as it arrives, on a connection of its own. Never retried here. */
  async stream(request: TransportRequest): Promise<AsyncIterable<Buffer>> {
    const started = this.#clock.monotonic();
    try {
      const response = await this.#send(request, 1, 'watches');
      this.#observe(request, started);
      return this.#pieces(request, response.body);
    } catch (thrown) {
      throw this.#failure(request, thrown);
    }
  }

  /** Ends all connections; requests in flight fail. */
  async close(): Promise<void> {
    const pools = this.#pools;
    this.#pools = undefined;
    if (pools) await Promise.all([pools.requests.destroy(), pools.watches.destroy()]);
  }

  async *#pieces(request: TransportRequest, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    try {
      yield* body;
    } catch (thrown) {
      throw this.#failure(request, thrown);
    }
  }

  /** One try. Resolves with a 2xx answer whose body is not read yet; throws `KubeError` for any other. */
  async #send(request: TransportRequest, attempt: number, lane: 'requests' | 'watches'): Promise<Dispatcher.ResponseData> {
    request.signal?.throwIfAborted();
    await this.#limiter?.wait(request.signal);
    request.signal?.throwIfAborted();
    const credentials = await this.#credentials.current(request.signal);
    let response = await this.#dispatch(request, lane, credentials);
    if (response.statusCode === 401 && attempt === 1) {
      await response.body.dump();
      const renewed = await this.#credentials.renewed(credentials, request.signal);
      response = await this.#dispatch(request, lane, renewed);
    }
    if (response.statusCode >= 200 && response.statusCode < 300) return response;
    throw await failedAnswer(request, response);
  }

  async #dispatch(request: TransportRequest, lane: 'requests' | 'watches', credentials: Credentials): Promise<Dispatcher.ResponseData> {
    const pools = this.#poolsFor(credentials.tls);
    const { method, signal } = request;
    try {
      const response = await pools[lane].request({
        origin: this.#origin,
        path: this.#basePath + request.path,
        method,
        headers: {
          ...credentials.headers,
          accept: request.accept ?? 'application/json',
          'user-agent': this.#userAgent,
          ...(request.body !== undefined && { 'content-type': request.contentType ?? 'application/json' }),
        },
        ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
        ...(signal && { signal }),
        headersTimeout: this.#timeout,
        // A watch may rightly be silent; its reader knows for how long.
        bodyTimeout: lane === 'watches' ? 0 : this.#timeout,
      });
      restRequests.inc({ code: String(response.statusCode), method, host: this.host });
      return response;
    } catch (error) {
      if (!signal?.aborted) restRequests.inc({ code: '<error>', method, host: this.host });
      throw error;
    }
  }

  #poolsFor(tls: TlsIdentity): Pools {
    const held = this.#pools;
    if (held && sameIdentity(held.tls, tls)) return held;
    const { ca, cert, key, ...identity } = tls;
    // One for all connections: each would make its own, and parse the same certificates.
    const secureContext = createSecureContext({ ca, cert, key });
    const dispatcher = (connections: number | null) =>
      newDispatcher(this.#origin, { ...identity, secureContext }, this.#proxy, connections);
    const requests = dispatcher(this.#connections);
    const guarded = this.#mayWrite === undefined ? requests : requests.compose(guardWrites(this.#mayWrite));
    this.#pools = { tls, requests: guarded, watches: dispatcher(null) };
    // Requests on the old identity's connections may finish: they were authenticated when they began.
    if (held) for (const old of [held.requests, held.watches]) void old.close();
    return this.#pools;
  }

  #observe(request: TransportRequest, started: number): void {
    restRequestDuration.observe({ verb: request.verb, host: this.host }, (this.#clock.monotonic() - started) / 1000);
  }

  /** What the caller is to see of a thrown value: its own abort reason, or a `KubeError`. */
  #failure(request: TransportRequest, thrown: unknown): unknown {
    if (request.signal?.aborted) return request.signal.reason;
    if (thrown instanceof KubeError) return thrown;
    const error = toError(thrown);
    const late = 'code' in error && typeof error.code === 'string' && error.code.endsWith('_TIMEOUT');
    const message = `no ${late ? 'timely ' : ''}answer from the API server at ${this.host} to ${request.verb}: ${error.message || error.name}`;
    return new KubeError(late ? 'TIMEOUT' : 'NETWORK', 0, '', message, { cause: error });
  }
}

function newDispatcher(origin: string, tls: TlsOptions, proxy: string | undefined, connections: number | null): Dispatcher {
  // A peer that vanished without a word is noticed by TCP probes after some 25 s, also on a silent watch.
  const connect = { ...tls, allowH2: false, keepAlive: true, keepAliveInitialDelay: 15_000, timeout: 10_000 };
  // The API server closes idle connections after 90 s; we do so first, so that no request meets a closing one.
  const options = { connections, allowH2: false, keepAliveTimeout: 60_000, keepAliveMaxTimeout: 80_000, pipelining: 1 };
  if (proxy === undefined) return new Pool(origin, { ...options, connect });
  return new ProxyAgent({ ...options, uri: proxy, requestTls: connect, proxyTls: { allowH2: false, timeout: 10_000 } });
}

function sameIdentity(a: TlsIdentity, b: TlsIdentity): boolean {
  return (
    a.ca === b.ca && a.cert === b.cert && a.key === b.key && a.servername === b.servername && a.rejectUnauthorized === b.rejectUnauthorized
  );
}

/**
 * How long to wait before another try; undefined: none. As client-go does, whatever the method: an answer with Retry-After means that the server has
 * not acted. A read whose connection broke is tried once more at once, since an idle connection may be closed under it.
 */
function retryDelay(request: TransportRequest, error: unknown, attempt: number): number | undefined {
  if (!(error instanceof KubeError) || attempt >= maxAttempts) return undefined;
  if (error.code === 'NETWORK') return request.method === 'GET' && attempt === 1 ? 0 : undefined;
  const wait = error.retryAfterMilliseconds;
  const later = error.status === 429 || error.status >= 500;
  if (!later || wait === undefined || wait > maxRetryAfterMilliseconds) return undefined;
  // For a version that is yet to come the server has waited some seconds already; the caller knows how to do without.
  return isTooLargeResourceVersion(error) ? undefined : wait;
}

async function failedAnswer(request: TransportRequest, response: Dispatcher.ResponseData): Promise<KubeError> {
  const text = await response.body.text();
  const wait = retryAfter(response.headers['retry-after']);
  const status = response.statusCode;
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status')
      return errorFromStatus(body as Status, status, wait);
  } catch {
    // Not from the API server itself, or from a part of it that speaks plain text: the status code has to do.
  }
  return errorFromStatus({ message: `the API server answered ${status} to ${request.verb} ${request.path.split('?')[0]}` }, status, wait);
}

/** Milliseconds of a Retry-After header in seconds; API servers send no dates. */
function retryAfter(header: string | string[] | undefined): number | undefined {
  const seconds = Number(header);
  return header !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
