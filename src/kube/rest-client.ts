import type {
  ApplyObject,
  ApplyOptions,
  DeleteOptions,
  KubeClient,
  ListOptions,
  MetadataObject,
  ObjectList,
  PatchOptions,
  PodLogOptions,
  UpdateOptions,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts';
import { type ClusterConfig, type ClusterConfigOptions, loadClusterConfig } from './cluster-config.ts';
import { KubeError } from './errors.ts';
import { linesOf } from './lines.ts';
import { apiVersionOf, type KubeObject, type ObjectKey, type ObjectMeta, type ResourceType, type Stored } from './object.ts';
import { Transport, type TransportOptions } from './transport.ts';

/** Connects to the cluster that `options` or the surroundings name. Nothing is sent before the first call. */
export async function connect(options: ClusterConfigOptions & TransportOptions = {}): Promise<KubeClient> {
  return new RestClient(await loadClusterConfig(options), options);
}

/** Objects per page of `listPages`, as client-go asks for. */
const pageSize = 500;

const metadataAccept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const metadataListAccept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

const patchTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

/** The client over HTTP: builds URLs and reads answers; connections, retries and errors are the transport's. */
export class RestClient implements KubeClient {
  readonly host: string;
  readonly namespace: string;
  readonly #transport: Transport;

  constructor(config: ClusterConfig, options: TransportOptions = {}) {
    this.#transport = new Transport(config, options);
    this.host = this.#transport.host;
    this.namespace = config.namespace;
  }

  async get<T extends KubeObject>(type: ResourceType<T>, key: ObjectKey, signal?: AbortSignal): Promise<Stored<T>> {
    return (await this.#transport.json({ method: 'GET', verb: 'GET', path: objectPath(type, key), signal })) as Stored<T>;
  }

  async getMetadata(type: ResourceType, key: ObjectKey, signal?: AbortSignal): Promise<Stored<MetadataObject>> {
    const request = { method: 'GET', verb: 'GET', path: objectPath(type, key), accept: metadataAccept, signal } as const;
    return (await this.#transport.json(request)) as Stored<MetadataObject>;
  }

  list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}, signal?: AbortSignal): Promise<ObjectList<T>> {
    return this.#list<T>(type, options, 'application/json', signal);
  }

  listMetadata(type: ResourceType, options: ListOptions = {}, signal?: AbortSignal): Promise<ObjectList<MetadataObject>> {
    return this.#list<MetadataObject>(type, options, metadataListAccept, signal);
  }

  async *listPages<T extends KubeObject>(
    type: ResourceType<T>,
    options: ListOptions = {},
    signal?: AbortSignal,
  ): AsyncGenerator<ObjectList<T>> {
    let page = await this.list(type, { limit: pageSize, ...options }, signal);
    yield page;
    while (page.continueToken !== undefined) {
      // The token carries the version; naming one beside it is an error.
      const { resourceVersion: _, resourceVersionMatch: __, ...rest } = options;
      page = await this.list(type, { limit: pageSize, ...rest, continueToken: page.continueToken }, signal);
      yield page;
    }
  }

  async create<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: WriteOptions = {},
    signal?: AbortSignal,
  ): Promise<Stored<T>> {
    const path = `${collectionPath(type, namespaceOf(type, object))}${query(writeQuery(options))}`;
    return (await this.#transport.json({ method: 'POST', verb: 'CREATE', path, body: object, signal })) as Stored<T>;
  }

  async apply<T extends KubeObject>(
    type: ResourceType<T>,
    object: ApplyObject<T>,
    options: ApplyOptions,
    signal?: AbortSignal,
  ): Promise<Stored<T>> {
    const path = `${subresourcePath(type, object, options)}${query({ ...writeQuery(options), force: options.force })}`;
    // JSON is YAML.
    const contentType = 'application/apply-patch+yaml';
    return (await this.#transport.json({ method: 'PATCH', verb: 'APPLY', path, body: object, contentType, signal })) as Stored<T>;
  }

  async patch<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    body: unknown,
    options: PatchOptions,
    signal?: AbortSignal,
  ): Promise<Stored<T>> {
    const path = `${objectPath(type, key, options.subresource)}${query(writeQuery(options))}`;
    const contentType = patchTypes[options.kind];
    return (await this.#transport.json({ method: 'PATCH', verb: 'PATCH', path, body, contentType, signal })) as Stored<T>;
  }

  async update<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: UpdateOptions = {},
    signal?: AbortSignal,
  ): Promise<Stored<T>> {
    const path = `${subresourcePath(type, object, options)}${query(writeQuery(options))}`;
    return (await this.#transport.json({ method: 'PUT', verb: 'UPDATE', path, body: object, signal })) as Stored<T>;
  }

  async delete(type: ResourceType, key: ObjectKey, options: DeleteOptions = {}, signal?: AbortSignal): Promise<void> {
    const { uid, resourceVersion, propagationPolicy, gracePeriodSeconds, dryRun } = options;
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      ...((uid !== undefined || resourceVersion !== undefined) && { preconditions: { uid, resourceVersion } }),
      ...(propagationPolicy !== undefined && { propagationPolicy }),
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      ...(dryRun && { dryRun: ['All'] }),
    };
    await this.#transport.text({ method: 'DELETE', verb: 'DELETE', path: objectPath(type, key), body, signal });
  }

  async *watch(type: ResourceType, options: WatchOptions, signal?: AbortSignal): AsyncGenerator<WatchEvent> {
    const path = `${collectionPath(type, options.namespace)}${query({
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: options.resourceVersion,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      timeoutSeconds: options.timeoutSeconds,
      ...(options.sendInitialEvents && { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }),
    })}`;
    const accept = options.metadataOnly ? metadataAccept : 'application/json';
    const chunks = await this.#transport.stream({ method: 'GET', verb: 'WATCH', path, accept, signal });
    for await (const line of linesOf(chunks)) {
      yield parseEvent(line);
    }
  }

  async podLogs(key: ObjectKey, options: PodLogOptions = {}, signal?: AbortSignal): Promise<string> {
    const path = `${objectPath(podType, key)}/log${query({ ...options })}`;
    return this.#transport.text({ method: 'GET', verb: 'GET', path, accept: '*/*', signal });
  }

  raw(path: string, signal?: AbortSignal): Promise<unknown> {
    return this.#transport.json({ method: 'GET', verb: 'GET', path, signal });
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async #list<T extends KubeObject>(
    type: ResourceType,
    options: ListOptions,
    accept: string,
    signal: AbortSignal | undefined,
  ): Promise<ObjectList<T>> {
    const { namespace, continueToken, ...rest } = options;
    const path = `${collectionPath(type, namespace)}${query({ ...rest, continue: continueToken })}`;
    const body = (await this.#transport.json({ method: 'GET', verb: 'LIST', path, accept, signal })) as ListBody<T>;
    const metadataOnly = accept === metadataListAccept;
    // Lists of built-in types leave out what their items are.
    const apiVersion = metadataOnly ? 'meta.k8s.io/v1' : apiVersionOf(type);
    const kind = metadataOnly ? 'PartialObjectMetadata' : type.kind;
    for (const item of body.items ?? []) Object.assign(item, { apiVersion, kind });
    return {
      items: body.items ?? [],
      resourceVersion: body.metadata.resourceVersion ?? '',
      continueToken: body.metadata.continue || undefined,
    };
  }
}

interface ListBody<T extends KubeObject> {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items: readonly Stored<T>[] | null;
}

const podType: ResourceType = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };

/** Path of all objects of a type, in one namespace or in all. */
export function collectionPath(type: ResourceType, namespace?: string): string {
  const root = type.group === '' ? '/api' : `/apis/${type.group}`;
  const scope = type.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}/${type.version}${scope}/${type.plural}`;
}

/** Path of one object. Throws a TypeError where a namespaced type's key has no namespace, which is a defect of the caller. */
export function objectPath(type: ResourceType, key: ObjectKey, subresource?: string): string {
  if (type.namespaced && key.namespace === undefined)
    throw new TypeError(`${type.kind} "${key.name}" is namespaced, but no namespace is given`);
  const path = `${collectionPath(type, key.namespace)}/${encodeURIComponent(key.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

function namespaceOf(type: ResourceType, object: { readonly metadata: ObjectMeta }): string | undefined {
  const { name, namespace } = object.metadata;
  if (type.namespaced && namespace === undefined)
    throw new TypeError(`${type.kind} "${name}" is namespaced, but has no metadata.namespace`);
  return namespace;
}

function subresourcePath(type: ResourceType, object: { readonly metadata: ObjectMeta }, options: UpdateOptions): string {
  const namespace = namespaceOf(type, object);
  const key = { name: object.metadata.name, ...(namespace !== undefined && { namespace }) };
  return objectPath(type, key, options.subresource);
}

function writeQuery(options: WriteOptions): Readonly<Record<string, string | undefined>> {
  return { fieldManager: options.fieldManager, dryRun: options.dryRun ? 'All' : undefined };
}

function query(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) search.append(name, String(value));
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

function parseEvent(line: Buffer): WatchEvent {
  let event: unknown;
  try {
    event = JSON.parse(line.toString('utf8'));
  } catch (error) {
    throw new KubeError('MALFORMED', 0, '', `a watch sent a line of ${line.length} bytes that is no JSON`, { cause: error });
  }
  if (typeof event === 'object' && event !== null && 'type' in event && typeof event.type === 'string' && 'object' in event) {
    return { type: event.type, object: event.object };
  }
  throw new KubeError('MALFORMED', 0, '', 'a watch sent a line that is no event');
}
