import type { FieldSet } from './field-set.ts';
import type { KubeObject } from './object.ts';
import type { Cached } from './store.ts';

interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly apiVersion?: string;
  readonly subresource?: string;
  readonly fieldsV1?: FieldSet;
}

/** What `prune` leaves behind of managedFields. A symbol, so that it is in no JSON. */
const appliedFieldsOf = Symbol('appliedFields');

interface Applied {
  readonly apiVersion: string;
  readonly fields: FieldSet;
}

/** The annotation in which `kubectl apply` keeps a copy of the object. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Drops what caches need not keep, in place: managedFields, a third of a typical object, and kubectl's copy of it. Of managedFields, the fields that
 * `fieldManager` has applied are remembered (see `appliedFields`); objects of one shape share one set.
 */
export function prune<T extends KubeObject>(object: T, fieldManager?: string): T {
  const metadata = object.metadata as {
    managedFields?: ManagedFieldsEntry[];
    annotations?: Record<string, string>;
    [appliedFieldsOf]?: Applied;
  };
  if (metadata.managedFields !== undefined) {
    const applied = fieldManager === undefined ? undefined : appliedBy(metadata.managedFields, fieldManager);
    delete metadata.managedFields;
    if (applied !== undefined) metadata[appliedFieldsOf] = applied;
  }
  if (metadata.annotations?.[lastApplied] !== undefined) delete metadata.annotations[lastApplied];
  return object;
}

/** The fields of `object` that the cache's own field manager has applied under `apiVersion`, outside of subresources; undefined: none. */
export function appliedFields(object: Cached<KubeObject>, apiVersion: string): FieldSet | undefined {
  const applied = (object.metadata as { readonly [appliedFieldsOf]?: Applied })[appliedFieldsOf];
  return applied?.apiVersion === apiVersion ? applied.fields : undefined;
}

function appliedBy(entries: readonly ManagedFieldsEntry[], fieldManager: string): Applied | undefined {
  const own = entries.filter((entry) => entry.manager === fieldManager && entry.operation === 'Apply' && !entry.subresource);
  const [only] = own;
  // Two entries mean two API versions: what either holds is unclear until the next apply.
  if (own.length !== 1 || only?.fieldsV1 === undefined || only.apiVersion === undefined) return undefined;
  return shared({ apiVersion: only.apiVersion, fields: only.fieldsV1 });
}

/** One copy of each distinct value. Bounded: past the limit sharing starts anew, which costs memory and nothing else. */
const sharedValues = new Map<string, Applied>();
const maxShared = 1000;

function shared(applied: Applied): Applied {
  const text = JSON.stringify(applied);
  const known = sharedValues.get(text);
  if (known !== undefined) return known;
  if (sharedValues.size >= maxShared) sharedValues.clear();
  sharedValues.set(text, applied);
  return applied;
}
