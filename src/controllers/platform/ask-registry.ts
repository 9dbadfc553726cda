/** Puts a question to a container registry, with what the ServingPlatform says about it. */
import type { ServingPlatform } from '../../api/serving-platform/index.ts';
import { joined } from '../../kserve/platform/own-runtime.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type Clock, timestamp } from '../../kube/clock.ts';
import { isForbidden, isNotFound } from '../../kube/errors.ts';
import type { KubeObject, ResourceType } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';
import { isDigest } from '../../models/image-reference.ts';
import { RegistryClient } from '../../registry/client.ts';
import type { RegistrySettings } from '../../registry/connection.ts';
import { credentialsFor, type PullSecret, readPullSecret } from '../../registry/credentials.ts';
import { RegistryError } from '../../registry/error.ts';
import { canonicalHost, parseReference } from '../../registry/reference.ts';
import { highestInRange, parseVersionRange, type VersionRange, variantsInRange } from '../../registry/version-range.ts';
import type { ImageAnswer, ImageQuery, ResolvedVersion } from './image-query.ts';

export interface RegistryPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Where pull secrets are: the operator's own namespace, and no other. */
  readonly namespace: string;
  /** For the `User-Agent`. */
  readonly product: string;
}

interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const secrets: ResourceType<Secret> = { group: '', version: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true };

/** Never rejects but for the signal's reason. */
export async function askRegistry(
  query: ImageQuery,
  { spec }: Pick<Cached<ServingPlatform>, 'spec'>,
  ports: RegistryPorts,
  signal: AbortSignal,
): Promise<ImageAnswer> {
  const { host } = parseReference(query.image);
  const registries = namedRegistries(spec);
  try {
    const secret = await pullSecretOf(
      spec.registries?.find((registry) => canonicalHost(registry.host) === host)?.pullSecret,
      ports,
      signal,
    );
    const client = new RegistryClient({
      registries,
      product: ports.product,
      ...(secret !== undefined && { credentials: (asked: string, repository: string) => credentialsFor(secret, asked, repository) }),
    });
    try {
      return await answerTo(query, client, ports, signal);
    } finally {
      await client.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof RegistryError))
      return { kind: 'Failed', cause: 'Unreachable', message: `${host} could not be asked: ${(error as Error).message}` };
    const { code: cause, message, retryAfterMilliseconds } = error;
    return { kind: 'Failed', cause, message, ...(retryAfterMilliseconds !== undefined && { retryAfterMilliseconds }) };
  }
}

/** Every registry that the ServingPlatform names: an administrator wrote it, so that it may be on a private address. */
export function namedRegistries({
  registries = [],
  runtimes = [],
  tagResolution,
}: Cached<ServingPlatform>['spec']): readonly RegistrySettings[] {
  const named = new Map<string, RegistrySettings>();
  const hosts = [
    ...runtimes.flatMap(({ image }) => (image === undefined ? [] : [parseReference(image).host])),
    ...(tagResolution?.skipRegistries ?? []),
  ];
  for (const host of hosts.map(canonicalHost)) named.set(host, { host });
  for (const { host, plainHTTP, caBundle } of registries) {
    const name = canonicalHost(host);
    named.set(name, {
      host: name,
      ...(plainHTTP !== undefined && { plainHttp: plainHTTP }),
      ...(caBundle !== undefined && { authorities: caBundle }),
    });
  }
  return [...named.values()];
}

async function pullSecretOf(
  name: string | undefined,
  { client, namespace }: RegistryPorts,
  signal: AbortSignal,
): Promise<PullSecret | undefined> {
  if (name === undefined) return undefined;
  const where = `Secret ${namespace}/${name}, which spec.registries names,`;
  try {
    const { data = {} } = await client.get(secrets, { namespace, name }, signal);
    const secret = readPullSecret(data as Readonly<Record<string, string>>);
    if (secret !== undefined) return secret;
  } catch (error) {
    if (isNotFound(error)) throw new RegistryError('Unauthorized', `${where} is not there; make it in the operator's namespace`);
    if (isForbidden(error))
      throw new RegistryError('Unauthorized', `${where} may not be read; give the operator its Role in that namespace`);
    throw error;
  }
  throw new RegistryError('Unauthorized', `${where} holds no registry credentials; make it with: kubectl create secret docker-registry`);
}

async function answerTo(query: ImageQuery, client: RegistryClient, { clock }: RegistryPorts, signal: AbortSignal): Promise<ImageAnswer> {
  if (query.kind === 'Probe') {
    await client.probe(query.image, signal);
    return { kind: 'Found' };
  }
  const tags = new Once(() => client.tags(query.image, signal));
  const version = await versionOf(query, query.version, query.variant, tags, client, signal);
  const gpu =
    query.gpuVersion === undefined
      ? await derived(query, version, client, signal)
      : await versionOf(query, query.gpuVersion, query.gpuVariant, tags, client, signal);
  return {
    kind: 'Resolved',
    version: version.resolved,
    ...(gpu !== undefined && { gpuVersion: gpu.resolved }),
    platforms: version.platforms,
    resolvedTime: timestamp(clock),
  };
}

type ResolveQuery = Extract<ImageQuery, { kind: 'Resolve' }>;

interface Found {
  readonly resolved: ResolvedVersion;
  readonly platforms: readonly string[];
}

async function versionOf(
  query: ResolveQuery,
  wanted: string,
  variant: string,
  tags: Once<readonly string[]>,
  client: RegistryClient,
  signal: AbortSignal,
): Promise<Found> {
  if (isDigest(wanted)) return { resolved: { wanted, digest: wanted }, platforms: [] };
  const range = parseVersionRange(wanted);
  const tag = range === undefined ? wanted : tagIn(range, await tags.get(), variant, query.image);
  if (!query.pinDigests) return { resolved: { wanted, tag }, platforms: [] };
  const { digest, platforms } = await client.resolve(joined(query.image, tag), platformOf(query), signal);
  return { resolved: { wanted, tag, digest }, platforms };
}

/** TFServing and TorchServe have another build for GPUs, by the same tag with `-gpu`. A repository may do without. */
async function derived(
  query: ResolveQuery,
  { resolved: { tag } }: Found,
  client: RegistryClient,
  signal: AbortSignal,
): Promise<Found | undefined> {
  if (!query.derivesGpuTag || !query.pinDigests || tag === undefined || tag.endsWith('-gpu')) return undefined;
  const gpuTag = `${tag}-gpu`;
  try {
    const { digest, platforms } = await client.resolve(joined(query.image, gpuTag), platformOf(query), signal);
    return { resolved: { wanted: gpuTag, tag: gpuTag, digest }, platforms };
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'NoSuchTag') return undefined;
    throw error;
  }
}

function platformOf({ platform }: ResolveQuery): { readonly platform?: string } {
  return platform === undefined ? {} : { platform };
}

function tagIn(range: VersionRange, tags: readonly string[], variant: string, image: string): string {
  const tag = highestInRange(tags, range, variant);
  if (tag !== undefined) return tag;
  const others = variantsInRange(tags, range).filter((one) => one !== (range.variant ?? variant));
  const asked = range.variant === undefined && variant !== '' ? `${range.text} with ${variant}, as KServe's own image has it` : range.text;
  const there = others.slice(0, 8).map((one) => one || 'no variant');
  const hint = there.length === 0 ? '' : `; there are tags in it with ${there.join(', ')}, so name the variant`;
  throw new RegistryError('NoMatchingTag', `${image} has no tag in ${asked}${hint}`);
}

/** Asks at most once, and not before it has to. */
class Once<T> {
  readonly #make: () => Promise<T>;
  #made: Promise<T> | undefined;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  get(): Promise<T> {
    this.#made ??= this.#make();
    return this.#made;
  }
}
