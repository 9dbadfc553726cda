import type { MetadataObject } from './client.ts';
import type { KubeObject, ResourceType } from './object.ts';
import type { Store } from './store.ts';

/** Which objects of a type a store holds, and how much of each. */
export interface StoreOptions<T extends KubeObject = KubeObject> {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Instead of the cache's own namespaces. */
  readonly namespaces?: readonly string[];
  /** The cluster may not serve this type (yet): report `absent` instead of never syncing, and follow it when its CRD comes and goes. */
  readonly optional?: boolean;
  /** The program can do without being allowed to read this: report `forbidden` instead of never syncing, and follow it once it may be read. */
  readonly dispensable?: boolean;
  /** Prunes an object before it is kept; may change it in place. */
  readonly transform?: (object: T) => T;
}

/** The stores of one program: asked for before `run`, filled and followed while it runs. */
export interface Cache {
  /** The store of a type. The same type and options twice give the same store. */
  store<T extends KubeObject>(type: ResourceType<T>, options?: StoreOptions<T>): Store<T>;
  /** A store of metadata alone, for what is only counted, selected or deleted. */
  metadataStore(type: ResourceType, options?: StoreOptions<MetadataObject>): Store<MetadataObject>;
  /** Follows the cluster until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
  hasSynced(): boolean;
}
