/** HTTP to one registry and what it refers to: guarded addresses, its own authorities, redirects without credentials, bounded time and size. */
import { getCACertificates } from 'node:tls';
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import { proxyFor } from '../kube/proxy-environment.ts';
import { guardedLookup, isLoopbackName, isPermitted, refusal } from './address.ts';
import { connectionError, RegistryError } from './error.ts';
import { apiHost } from './reference.ts';

/** What an administrator said about a registry. */
export interface RegistrySettings {
  /** As image references write it, in its one spelling (`canonicalHost`). */
  readonly host: string;
  /** HTTP without TLS. Omitted: for a loopback host without `authorities`, and for no other. */
  readonly plainHttp?: boolean;
  /** Certificates (PEM) that are trusted besides those of the system. */
  readonly authorities?: string;
}

export interface ConnectionOptions {
  readonly host: string;
  /** Absent: no administrator named the registry, so only public addresses are asked. */
  readonly settings?: RegistrySettings;
  readonly userAgent: string;
  readonly timeoutMilliseconds: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** More than this is no answer of a registry. */
  readonly maxBytes: number;
}

export interface RegistryAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const maxRedirects = 5;

export class RegistryConnection {
  /** Where the registry's API is. */
  readonly base: URL;
  readonly #options: ConnectionOptions;
  readonly #dispatchers = new Map<string, Dispatcher>();

  constructor(options: ConnectionOptions) {
    const { host, settings } = options;
    this.#options = options;
    const url = new URL(`https://${apiHost(host)}/`);
    const isPlain = settings?.plainHttp ?? (isLoopbackName(url.hostname) && settings?.authorities === undefined);
    this.base = isPlain ? new URL(`http://${apiHost(host)}/`) : url;
  }

  /** Sends a request and follows its redirects. Credentials go to the origin that they were meant for, and no further. Throws `RegistryError` for what is no HTTP answer. */
  async send(asked: RegistryRequest, signal?: AbortSignal): Promise<RegistryAnswer> {
    let { url } = asked;
    for (let hops = 0; hops <= maxRedirects; hops++) {
      const answer = await this.#once(
        { ...asked, url, headers: url.origin === asked.url.origin ? asked.headers : withoutCredentials(asked.headers) },
        signal,
      );
      const { location } = answer.headers;
      if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined || asked.method === 'POST') return answer;
      url = this.#target(location, url);
    }
    throw new RegistryError('Malformed', `${this.#options.host} redirects without end`);
  }

  async close(): Promise<void> {
    const dispatchers = [...this.#dispatchers.values()];
    this.#dispatchers.clear();
    await Promise.all(dispatchers.map((dispatcher) => dispatcher.destroy()));
  }

  /** Where else a registry may send us: never from TLS to none. */
  #target(location: string, from: URL): URL {
    const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
    if (url?.protocol === 'https:' || (url?.protocol === 'http:' && this.base.protocol === 'http:')) return url;
    throw new RegistryError('Malformed', `${this.#options.host} refers to an address that is not https`);
  }

  /** A token server's URL, by the same rules as a redirect. */
  realm(text: string): URL {
    return this.#target(text, this.base);
  }

  async #once(
    { method, url, headers = {}, body, maxBytes }: Omit<RegistryRequest, 'headers'> & { headers?: RegistryRequest['headers'] },
    signal?: AbortSignal,
  ): Promise<RegistryAnswer> {
    const { userAgent, timeoutMilliseconds } = this.#options;
    const limit = AbortSignal.timeout(timeoutMilliseconds);
    try {
      const response = await request(url, {
        method,
        headers: { 'user-agent': userAgent, ...headers },
        ...(body !== undefined && { body }),
        dispatcher: this.#dispatcherFor(url),
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
      return { status: response.statusCode, headers: flat(response.headers), body: await bytesOf(response.body, maxBytes) };
    } catch (error) {
      signal?.throwIfAborted();
      throw connectionError(error, url.host);
    }
  }

  /** What an administrator named may be private, and so may what lies on the same host. */
  #mayBePrivate(url: URL): boolean {
    return this.#options.settings !== undefined && url.hostname === this.base.hostname;
  }

  #dispatcherFor(url: URL): Dispatcher {
    const { settings, timeoutMilliseconds, environment } = this.#options;
    const mayBePrivate = this.#mayBePrivate(url);
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    // Sockets ask no lookup for an address.
    if (/^[\d.]+$|:/.test(literal) && !isPermitted(literal, mayBePrivate)) throw refusal(url.host);
    const proxy = proxyFor(url, environment);
    const key = `${mayBePrivate} ${proxy}`;
    const known = this.#dispatchers.get(key);
    if (known !== undefined) return known;
    const ca = settings?.authorities === undefined ? undefined : [...getCACertificates('default'), settings.authorities];
    const tls = { ...(ca !== undefined && { ca }), timeout: timeoutMilliseconds };
    // A proxy looks names up itself, and where it leads is for those who run it to say.
    const dispatcher =
      proxy === undefined
        ? new Agent({ connect: { ...tls, lookup: guardedLookup(mayBePrivate) }, connections: 4 })
        : new ProxyAgent({ uri: proxy, requestTls: tls });
    this.#dispatchers.set(key, dispatcher);
    return dispatcher;
  }
}

function withoutCredentials(headers: RegistryRequest['headers'] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}

async function bytesOf(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw new RegistryError('Malformed', `answered with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
