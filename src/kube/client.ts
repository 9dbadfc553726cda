import type { KubeObject, ObjectKey, ObjectMeta, ResourceType, Stored } from './object.ts';

export interface ListOptions {
  /** Only this namespace; absent: all of them. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects per page. `list` returns one page, `listPages` all of them. */
  readonly limit?: number;
  readonly continueToken?: string;
  /** Absent: consistent with everything written before the request. `'0'`: any cached state. */
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

export interface ObjectList<T extends KubeObject> {
  readonly items: readonly Stored<T>[];
  readonly resourceVersion: string;
  /** Present when there are more pages; `list` takes it as `continueToken`. */
  readonly continueToken: string | undefined;
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Events after this version; `''`: start with the whole current state as synthetic ADDED events. */
  readonly resourceVersion: string;
  /** Stream the current state first and mark its end with an annotated BOOKMARK (WatchList). */
  readonly sendInitialEvents?: boolean;
  /** The server ends the watch after this long. */
  readonly timeoutSeconds?: number;
  /** Metadata of the objects only. */
  readonly metadataOnly?: boolean;
}

/** One line of a watch, as the server wrote it. An ERROR event carries a `Status` as `object`. */
export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

export interface WriteOptions {
  /** Who owns the written fields in `managedFields`; absent: taken from the user agent. */
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
}

export interface UpdateOptions extends WriteOptions {
  readonly subresource?: 'status' | 'scale';
}

export interface ApplyOptions extends UpdateOptions {
  readonly fieldManager: string;
  /** Take fields over from other managers; without it their ownership is a 409 with causes. */
  readonly force?: boolean;
}

export interface PatchOptions extends UpdateOptions {
  /** `strategic` is for built-in types only; custom resources answer 415. */
  readonly kind: 'merge' | 'json' | 'strategic';
}

export interface DeleteOptions {
  /** Delete only this very object, not one that was made under its name since. */
  readonly uid?: string;
  /** Delete only if it has not changed since. */
  readonly resourceVersion?: string;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
  readonly dryRun?: boolean;
}

export interface PodLogOptions {
  readonly container?: string;
  readonly tailLines?: number;
  /** Of the container's previous run, which ended. */
  readonly previous?: boolean;
  readonly sinceSeconds?: number;
  /** The server stops after this many bytes. */
  readonly limitBytes?: number;
}

/** `PartialObjectMetadata`: an object without its spec and status. */
export interface MetadataObject extends KubeObject {
  readonly metadata: ObjectMeta;
}

/** What an apply sends: identity and the fields we want to own, nothing else. */
export type ApplyObject<T extends KubeObject = KubeObject> = Pick<T, 'apiVersion' | 'kind'> & {
  readonly metadata: ObjectMeta;
} & { readonly [K in Exclude<keyof T, 'apiVersion' | 'kind' | 'metadata'>]?: unknown };

/**
 * The Kubernetes API for typed, raw JSON objects: what the server sends is what comes back, unknown fields included.
 * Every method throws `KubeError`. Requests that the server could not have acted on are retried for a short time; 429 and 503 wait as long as the
 * server asks. An aborted `signal` rejects with its reason.
 */
export interface KubeClient {
  /** Host and port of the API server. */
  readonly host: string;
  /** Namespace of the kubeconfig context or of the pod; `default` where none is set. */
  readonly namespace: string;

  get<T extends KubeObject>(type: ResourceType<T>, key: ObjectKey, signal?: AbortSignal): Promise<Stored<T>>;
  /** One page (everything, without `limit`). */
  list<T extends KubeObject>(type: ResourceType<T>, options?: ListOptions, signal?: AbortSignal): Promise<ObjectList<T>>;
  /** All pages, 500 objects each unless `limit` says otherwise. A page may throw `isExpired` when reading took too long. */
  listPages<T extends KubeObject>(type: ResourceType<T>, options?: ListOptions, signal?: AbortSignal): AsyncIterable<ObjectList<T>>;
  getMetadata(type: ResourceType, key: ObjectKey, signal?: AbortSignal): Promise<Stored<MetadataObject>>;
  listMetadata(type: ResourceType, options?: ListOptions, signal?: AbortSignal): Promise<ObjectList<MetadataObject>>;
  create<T extends KubeObject>(type: ResourceType<T>, object: T, options?: WriteOptions, signal?: AbortSignal): Promise<Stored<T>>;
  /** Server-side apply: creates the object or makes the fields we name ours; fields we applied earlier and no longer name are removed. */
  apply<T extends KubeObject>(
    type: ResourceType<T>,
    object: ApplyObject<T>,
    options: ApplyOptions,
    signal?: AbortSignal,
  ): Promise<Stored<T>>;
  patch<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    body: unknown,
    options: PatchOptions,
    signal?: AbortSignal,
  ): Promise<Stored<T>>;
  /** Replaces the object; a `resourceVersion` in it makes that conditional. */
  update<T extends KubeObject>(type: ResourceType<T>, object: T, options?: UpdateOptions, signal?: AbortSignal): Promise<Stored<T>>;
  delete(type: ResourceType, key: ObjectKey, options?: DeleteOptions, signal?: AbortSignal): Promise<void>;
  /** The events of one watch request, until the server ends it. Refusals and broken connections throw. */
  watch(type: ResourceType, options: WatchOptions, signal?: AbortSignal): AsyncIterable<WatchEvent>;
  podLogs(key: ObjectKey, options?: PodLogOptions, signal?: AbortSignal): Promise<string>;
  /** GET of any path, parsed; for discovery and version. */
  raw(path: string, signal?: AbortSignal): Promise<unknown>;
  /** Closes idle connections and ends those in use. */
  close(): Promise<void>;
}
