import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import { proxyFor } from './proxy-environment.ts';

/** The settings of kubectl's auth provider `oidc`, as they stand in a kubeconfig. */
export interface OidcSettings {
  readonly 'idp-issuer-url'?: string;
  readonly 'client-id'?: string;
  readonly 'client-secret'?: string;
  readonly 'id-token'?: string;
  readonly 'refresh-token'?: string;
}

export interface OidcOptions {
  /** PEM of the authority that vouches for the provider. @default those that Node trusts */
  readonly ca?: string;
  /** Where `HTTPS_PROXY` and `NO_PROXY` are read. @default `process.env` */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Keeps new tokens for the next program: a provider may take each refresh token only once. */
  readonly keep?: (before: OidcTokens, after: OidcTokens) => Promise<void>;
}

export interface OidcTokens {
  readonly idToken: string | undefined;
  readonly refreshToken: string | undefined;
}

/** A token that ends within this time is renewed: it is to last until the server has it. As kubectl does. */
const earlyMilliseconds = 10_000;
const timeoutMilliseconds = 15_000;

/**
 * ID tokens of an OpenID Connect provider: the one of the kubeconfig for as long as it lasts, then new ones for the refresh token, as kubectl gets them
 * (client-go plugin/pkg/client/auth/oidc). Messages of errors have neither tokens nor the secret in them.
 */
export class OidcSession {
  readonly #settings: OidcSettings;
  readonly #options: OidcOptions;
  #tokens: OidcTokens;

  constructor(settings: OidcSettings, options: OidcOptions = {}) {
    this.#settings = settings;
    this.#options = options;
    this.#tokens = { idToken: settings['id-token'], refreshToken: settings['refresh-token'] };
  }

  /** Whether `settings` are those that this session began with, or has led to: then it knows at least as much. */
  covers(settings: OidcSettings): boolean {
    const token = settings['refresh-token'];
    return token === this.#settings['refresh-token'] || token === this.#tokens.refreshToken;
  }

  /** The token to send now. `refused`: the API server did not take the last one, however long it would last. */
  async idToken(refused: boolean): Promise<string> {
    const { idToken } = this.#tokens;
    if (idToken !== undefined && !refused && expiryOf(idToken) > Date.now() + earlyMilliseconds) return idToken;
    const before = this.#tokens;
    const after = await this.#refreshed(before.refreshToken);
    this.#tokens = after;
    await this.#options.keep?.(before, after);
    return after.idToken;
  }

  async #refreshed(refreshToken: string | undefined): Promise<OidcTokens & { readonly idToken: string }> {
    const { 'idp-issuer-url': issuer, 'client-id': clientId, 'client-secret': secret } = this.#settings;
    if (issuer === undefined || clientId === undefined || refreshToken === undefined) {
      throw new Error(
        'the ID token of the kubeconfig has ended, or was refused, and it has no refresh-token, client-id and idp-issuer-url; log in again',
      );
    }
    const discovered = await this.#ask(`${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`);
    const endpoint = discovered['token_endpoint'];
    if (typeof endpoint !== 'string') throw new Error(`the OpenID provider ${issuer} names no token endpoint`);
    const methods = discovered['token_endpoint_auth_methods_supported'];
    const inBody = !secret || (Array.isArray(methods) && !methods.includes('client_secret_basic'));
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken });
    if (inBody) form.set('client_id', clientId);
    if (inBody && secret) form.set('client_secret', secret);
    const answer = await this.#ask(endpoint, form, inBody ? {} : { authorization: basic(clientId, secret) });
    const { id_token: idToken, refresh_token: next } = answer;
    if (typeof idToken !== 'string') throw new Error(`the OpenID provider ${issuer} gave no ID token; log in again`);
    return { idToken, refreshToken: typeof next === 'string' ? next : refreshToken };
  }

  /** GET, or POST of a form; the answer as JSON. */
  async #ask(url: string, form?: URLSearchParams, headers: Readonly<Record<string, string>> = {}): Promise<Record<string, unknown>> {
    const dispatcher = this.#dispatcherFor(new URL(url));
    const signal = AbortSignal.timeout(timeoutMilliseconds);
    const type = form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
    try {
      const { statusCode, body } = await request(url, {
        dispatcher,
        signal,
        method: form === undefined ? 'GET' : 'POST',
        headers: { accept: 'application/json', ...type, ...headers },
        ...(form !== undefined && { body: form.toString() }),
      });
      const answer = parsed(await body.text());
      if (statusCode === 200 && answer !== undefined) return answer;
      const why = typeof answer?.['error'] === 'string' ? `: ${answer['error']}` : '';
      throw new Error(`the OpenID provider answered ${statusCode} at ${new URL(url).origin}${new URL(url).pathname}${why}; log in again`);
    } finally {
      await dispatcher.destroy();
    }
  }

  #dispatcherFor(url: URL): Dispatcher {
    const { ca, environment } = this.#options;
    const tls = { allowH2: false, ...(ca !== undefined && { ca }) };
    const proxy = proxyFor(url, environment);
    return proxy === undefined ? new Agent({ connect: tls }) : new ProxyAgent({ uri: proxy, requestTls: tls });
  }
}

/** When a JSON Web Token ends, milliseconds since the epoch; 0 where it does not say. */
function expiryOf(token: string): number {
  const claims = parsed(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  return typeof claims?.['exp'] === 'number' ? claims['exp'] * 1000 : 0;
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 6749, 2.3.1: both parts are encoded as in a form before they are joined. */
function basic(user: string, password: string | undefined): string {
  const encode = (part: string) => new URLSearchParams({ v: part }).toString().slice(2);
  return `Basic ${Buffer.from(`${encode(user)}:${encode(password ?? '')}`).toString('base64')}`;
}
