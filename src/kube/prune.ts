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

interface Dropped {
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

/** What `prune` leaves behind of managedFields. A symbol, so that it is in no JSON. */
const appliedFieldsOf = Symbol('appliedFields');

/** All objects that were applied with the same fields have this in common. */
interface Applied {
  readonly apiVersion: string;
  /** Without owner references, whose paths have UIDs in them. */
  readonly fields: FieldSet;
}

/** What one object has of its own: the paths of its owner references. */
interface Kept {
  readonly applied: Applied;
  readonly owners: FieldSet | undefined;
}

/** The annotation in which `kubectl apply` keeps a copy of the object. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Drops what caches need not keep, in place: managedFields, a third of a typical object, and kubectl's copy of it. Of managedFields, the fields that
 * `fieldManager` has applied are remembered (see `appliedFields`); objects of one shape share one set.
 */
export function prune<T extends KubeObject>(object: T, fieldManager?: string): T {
  const pruned = object as { metadata: KubeObject['metadata'] };
  const { managedFields, annotations, ...metadata } = object.metadata as KubeObject['metadata'] & Dropped;
  const applied = managedFields === undefined || fieldManager === undefined ? undefined : appliedBy(managedFields, fieldManager);
  // Made anew: V8 keeps an object of which a property was deleted as a hash table, with several times the memory.
  pruned.metadata = {
    ...metadata,
    ...(annotations !== undefined && { annotations: withoutLastApplied(annotations) }),
    ...(applied !== undefined && { [appliedFieldsOf]: applied }),
  };
  return object;
}

function withoutLastApplied(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (annotations[lastApplied] === undefined) return annotations;
  const { [lastApplied]: _, ...others } = annotations;
  return others;
}

/** The fields of `object` that the cache's own field manager has applied under `apiVersion`, outside of subresources; undefined: none. */
export function appliedFields(object: Cached<KubeObject>, apiVersion: string): FieldSet | undefined {
  const kept = (object.metadata as { readonly [appliedFieldsOf]?: Kept })[appliedFieldsOf];
  if (kept?.applied.apiVersion !== apiVersion) return undefined;
  const { fields } = kept.applied;
  return kept.owners === undefined ? fields : { ...fields, 'f:metadata': { ...fields['f:metadata'], [ownerPath]: kept.owners } };
}

const ownerPath = 'f:ownerReferences';

function appliedBy(entries: readonly ManagedFieldsEntry[], fieldManager: string): Kept | undefined {
  const own = entries.filter((entry) => entry.manager === fieldManager && entry.operation === 'Apply' && !entry.subresource);
  const [only] = own;
  // Two entries mean two API versions: what either holds is unclear until the next apply.
  if (own.length !== 1 || only?.fieldsV1 === undefined || only.apiVersion === undefined) return undefined;
  const { 'f:metadata': metadata, ...others } = only.fieldsV1;
  const { [ownerPath]: owners, ...rest } = metadata ?? {};
  const fields = metadata === undefined ? only.fieldsV1 : { 'f:metadata': rest, ...others };
  return { applied: shared({ apiVersion: only.apiVersion, fields }), owners };
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
