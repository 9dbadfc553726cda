/**
 * A reader of container registries: Docker Registry HTTP API V2, which is the OCI distribution specification. Open this file first.
 *
 *   const client = new RegistryClient({ registries: [{ host: 'registry.example' }], credentials: () => undefined });
 *   await client.resolve('registry.example/team/server:1.2');   // { digest: 'sha256:…', platforms: ['linux/amd64'] }
 *
 * It reads and never writes. Whoever gives an image reference decides where a request goes, so private addresses are asked only of registries in `registries`.
 */
import { createHash } from 'node:crypto';
import { errorCodes, jsonOf, rateLimited, smallBytes } from './answer.ts';
import { parseChallenges } from './challenge.ts';
import { type RegistryAnswer, RegistryConnection, type RegistrySettings } from './connection.ts';
import type { RegistryCredentials } from './credentials.ts';
import { RegistryError } from './error.ts';
import { indexTypes, isDigestText, manifestTypes, parseManifest, platformFits, platformName } from './manifest.ts';
import { isSound, parseReference, type RegistryReference } from './reference.ts';
import { basic, bearerToken } from './token.ts';

export interface RegistryClientOptions {
  /** Registries that an administrator named. */
  readonly registries?: readonly RegistrySettings[];
  /** What to show a registry that asks for credentials. */
  readonly credentials?: (host: string, repository: string) => RegistryCredentials | undefined;
  /** For the `User-Agent`. @default modelwright */
  readonly product?: string;
  /** For each request. @default 10000 */
  readonly timeoutMilliseconds?: number;
  /** Where `HTTPS_PROXY` and `NO_PROXY` are read. @default `process.env` */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** What a tag stands for now. */
export interface ResolvedImage {
  /** Of the index where the image is built for several platforms and none was asked for: each node takes its own from it. */
  readonly digest: string;
  /** `linux/amd64`; empty where the registry does not say. */
  readonly platforms: readonly string[];
}

const manifestBytes = 4 * 1024 * 1024;
const tagBytes = 8 * 1024 * 1024;
/** A repository with more tags than this is not read to its end. */
const [pageSize, maxPages] = [1000, 100];
const accept = [...indexTypes, ...manifestTypes].join(', ');

export class RegistryClient {
  readonly #options: RegistryClientOptions;
  readonly #connections = new Map<string, RegistryConnection>();
  /** What opened a repository last time: a header, by host and repository. */
  readonly #authorizations = new Map<string, string>();

  constructor(options: RegistryClientOptions = {}) {
    this.#options = options;
  }

  /**
   * The digest behind the tag of an image. Throws `RegistryError`.
   *
   * @param platform such as `linux/amd64`: the digest of the image for it; omitted: of whatever the tag names, an index included
   */
  async resolve(image: string, { platform }: { readonly platform?: string } = {}, signal?: AbortSignal): Promise<ResolvedImage> {
    const reference = soundReference(image);
    const { text, digest, contentType } = await this.#manifest(reference, signal);
    const manifest = parseManifest(text, contentType);
    if (manifest.kind === 'Index') {
      const platforms = [...new Set(manifest.images.map((one) => one.platform))].slice(0, 32);
      if (platform === undefined) return { digest, platforms };
      const chosen = manifest.images.find((one) => platformFits(one.platform, platform));
      if (chosen === undefined) throw noPlatform(reference, platform, platforms);
      return { digest: chosen.digest, platforms: [chosen.platform] };
    }
    const own = await this.#platformOf(reference, manifest.configDigest, signal);
    if (platform !== undefined && (own === undefined || !platformFits(own, platform)))
      throw noPlatform(reference, platform, own === undefined ? [] : [own]);
    return { digest, platforms: own === undefined ? [] : [own] };
  }

  /** Whether a tag or digest is there: returns, or throws `RegistryError`. Registries that count pulls do not count this. */
  async probe(image: string, signal?: AbortSignal): Promise<void> {
    const reference = soundReference(image);
    const answer = await this.#ask('HEAD', reference, manifestPath(reference), smallBytes, signal);
    if (answer.status !== 200) throw await this.#refused(answer, reference, signal);
  }

  /** Every tag of an image's repository, in the registry's order. Throws `RegistryError`. */
  async tags(image: string, signal?: AbortSignal): Promise<readonly string[]> {
    const reference = soundReference(image);
    const tags: string[] = [];
    let path: string | undefined = `/v2/${reference.repository}/tags/list?n=${pageSize}`;
    for (let page = 0; path !== undefined && page < maxPages; page++) {
      const answer: RegistryAnswer = await this.#ask('GET', reference, path, tagBytes, signal);
      if (answer.status !== 200) throw await this.#refused(answer, { ...reference, tag: '' }, signal);
      tags.push(...tagsIn(answer));
      path = nextPage(answer, this.#connection(reference.host).base);
    }
    return tags;
  }

  async close(): Promise<void> {
    const connections = [...this.#connections.values()];
    this.#connections.clear();
    await Promise.all(connections.map((connection) => connection.close()));
  }

  async #manifest(reference: RegistryReference, signal?: AbortSignal) {
    const answer = await this.#ask('GET', reference, manifestPath(reference), manifestBytes, signal);
    if (answer.status !== 200) throw await this.#refused(answer, reference, signal);
    const digest = digestOf(answer.body);
    const claimed = reference.digest ?? answer.headers['docker-content-digest'];
    if (claimed !== undefined && isDigestText(claimed) && claimed !== digest) {
      throw new RegistryError('Malformed', `${reference.host} answers with a manifest of another digest than it names`);
    }
    return { text: answer.body.toString('utf8'), digest, contentType: answer.headers['content-type'] ?? '' };
  }

  /** The platform of a single image stands in its configuration. That it cannot be read says nothing against the image. */
  async #platformOf(reference: RegistryReference, configDigest: string, signal?: AbortSignal): Promise<string | undefined> {
    try {
      const answer = await this.#ask('GET', reference, `/v2/${reference.repository}/blobs/${configDigest}`, manifestBytes, signal);
      if (answer.status !== 200 || digestOf(answer.body) !== configDigest) return undefined;
      return platformName(JSON.parse(answer.body.toString('utf8')) as object);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof RegistryError || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  /** A request with what opened the repository before; where that is not enough, once more with what the registry asks for. */
  async #ask(
    method: 'GET' | 'HEAD',
    { host, repository }: RegistryReference,
    path: string,
    maxBytes: number,
    signal?: AbortSignal,
  ): Promise<RegistryAnswer> {
    const connection = this.#connection(host);
    const key = `${host}/${repository}`;
    const send = (authorization: string | undefined) =>
      connection.send(
        {
          method,
          url: new URL(path, connection.base),
          headers: { accept, ...(authorization !== undefined && { authorization }) },
          maxBytes,
        },
        signal,
      );
    const answer = await send(this.#authorizations.get(key));
    if (answer.status !== 401) return answer;
    const authorization = await this.#authorize(answer, { host, repository }, connection, signal);
    if (authorization === undefined) return answer;
    this.#authorizations.set(key, authorization);
    return send(authorization);
  }

  async #authorize(
    { headers }: RegistryAnswer,
    { host, repository }: Pick<RegistryReference, 'host' | 'repository'>,
    connection: RegistryConnection,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    const challenges = parseChallenges(headers['www-authenticate'] ?? '');
    const credentials = this.#options.credentials?.(host, repository);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer !== undefined) return `Bearer ${await bearerToken(bearer, { host, repository, credentials, connection }, signal)}`;
    if (credentials === undefined || !challenges.some(({ scheme }) => scheme === 'basic')) return undefined;
    return basic(credentials);
  }

  /** Why a registry gave no 200. `MANIFEST_UNKNOWN` is also what many say of a repository that is not there, so that is asked for. */
  async #refused(answer: RegistryAnswer, reference: RegistryReference, signal?: AbortSignal): Promise<RegistryError> {
    const { status } = answer;
    const { host, repository, tag, digest } = reference;
    const codes = errorCodes(answer.body);
    if (status === 429 || codes.includes('TOOMANYREQUESTS')) {
      return rateLimited(answer, `${host} limits how often it may be asked`);
    }
    if (status === 401 || status === 403) {
      const given = this.#options.credentials?.(host, repository) !== undefined;
      return new RegistryError(
        'Unauthorized',
        given ? `${host} does not let the given credentials read ${repository}` : `${host} wants credentials for ${repository}`,
      );
    }
    if (status === 404 && (tag === '' || codes.includes('NAME_UNKNOWN') || !(await this.#hasRepository(reference, signal)))) {
      return new RegistryError('NoSuchRepository', `${host} has no repository ${repository}`);
    }
    if (status === 404)
      return new RegistryError(
        'NoSuchTag',
        `${host} has no ${digest === undefined ? 'tag' : 'digest'} ${digest ?? tag ?? 'latest'} in ${repository}`,
      );
    if (status >= 500) return new RegistryError('Unreachable', `${host} answers with HTTP status ${status}`);
    return new RegistryError('Malformed', `${host} answers with HTTP status ${status}`);
  }

  async #hasRepository(reference: RegistryReference, signal?: AbortSignal): Promise<boolean> {
    const answer = await this.#ask('GET', reference, `/v2/${reference.repository}/tags/list?n=1`, tagBytes, signal);
    return answer.status !== 404;
  }

  #connection(host: string): RegistryConnection {
    const known = this.#connections.get(host);
    if (known !== undefined) return known;
    const { registries = [], product = 'modelwright', timeoutMilliseconds = 10_000, environment = process.env } = this.#options;
    const settings = registries.find((registry) => registry.host === host);
    const connection = new RegistryConnection({
      host,
      ...(settings !== undefined && { settings }),
      userAgent: product,
      timeoutMilliseconds,
      environment,
    });
    this.#connections.set(host, connection);
    return connection;
  }
}

function soundReference(image: string): RegistryReference {
  const reference = parseReference(image);
  if (isSound(reference)) return reference;
  throw new RegistryError('Malformed', `"${image.slice(0, 200)}" is no image reference`);
}

function manifestPath({ repository, tag, digest }: RegistryReference): string {
  return `/v2/${repository}/manifests/${digest ?? tag ?? 'latest'}`;
}

function tagsIn({ body }: RegistryAnswer): readonly string[] {
  const { tags } = jsonOf(body) as { readonly tags?: unknown };
  // A repository whose tags were all deleted says null.
  return Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : [];
}

/** The next page of a list (RFC 5988), at the same registry. */
function nextPage({ headers }: RegistryAnswer, base: URL): string | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(headers['link'] ?? '')?.[1];
  if (target === undefined || !URL.canParse(target, base.href)) return undefined;
  const { pathname, search } = new URL(target, base);
  return `${pathname}${search}`;
}

function digestOf(body: Buffer): string {
  return `sha256:${createHash('sha256').update(body).digest('hex')}`;
}

function noPlatform({ host, repository, tag, digest }: RegistryReference, platform: string, there: readonly string[]): RegistryError {
  const others = there.length === 0 ? 'and does not say which it has' : `only for ${there.join(', ')}`;
  return new RegistryError(
    'NoSuchPlatform',
    `${host} has ${repository}${digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`} not for ${platform}, ${others}`,
  );
}
