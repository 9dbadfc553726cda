/** Who owns which fields of a ModelDeployment, and what an apply has to send so that only ours change. Pure. */
import { hash } from 'node:crypto';
import type { FieldSet } from '../../../kube/field-set.ts';
import type { KubeObject, Stored } from '../../../kube/object.ts';
import type { SpecPatch } from './changes.ts';
import { isObject, type Json, mergePatch, patched, withoutEmpty } from './merge-patch.ts';

export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsV1?: FieldSet;
}

/** An object as it came from the API server, with the account of who owns what. */
export type Live = Stored<KubeObject & { readonly spec: object }> & {
  readonly metadata: { readonly managedFields?: readonly ManagedFields[] };
};

/** A field that is somebody else's. */
export interface FieldConflict {
  readonly manager: string;
  readonly field: string;
}

const longestManager = 128;

/**
 * The field manager of one profile. Each has its own: fields that two profiles of one model want are then a conflict like any other, and no
 * profile takes away what another has applied.
 */
export function managerOf(profile: string): string {
  const name = `modelwright-profile/${profile}`;
  return name.length <= longestManager ? name : `${name.slice(0, longestManager - 13)}-${hash('sha256', profile, 'hex').slice(0, 12)}`;
}

/**
 * The spec to apply: what we own and keep, and what the patch sets. Whatever is somebody else's, or was set so before, is left out of it. Undefined when
 * nothing is left.
 */
export function specToApply(live: Live, patch: SpecPatch, manager: string): Json | undefined {
  const own = (live.metadata.managedFields ?? []).find(
    (entry) => entry.manager === manager && entry.operation === 'Apply' && entry.subresource === undefined,
  );
  const fields = own?.fieldsV1?.['f:spec'];
  const owned = fields === undefined ? {} : (valuesOf(fields, live.spec as Json) ?? {});
  // An object that an apply empties is made null by the server, and then refused.
  return withoutEmpty(patched(owned, patch));
}

/** The part of a value that a set of fields names. Lists are whole: those of this kind that merge by keys hold nothing that a measurement sets. */
function valuesOf(fields: FieldSet, value: Json | undefined): Json | undefined {
  const names = Object.keys(fields).filter((name) => name.startsWith('f:'));
  if (names.length === 0) return value;
  if (!isObject(value)) return undefined;
  const parts = names.flatMap((path) => {
    const name = path.slice(2);
    const part = valuesOf(fields[path] ?? {}, value[name]);
    return part === undefined ? [] : [[name, part] as const];
  });
  return Object.fromEntries(parts);
}

/**
 * What of a patch did not come about: an apply removes no field that others own too. A default that took the place of a removed value is no
 * conflict.
 */
export function unmet(live: Live, result: { readonly spec: object }, patch: SpecPatch, manager: string): FieldConflict[] {
  const spec = result.spec as Json;
  const wanted = patched(spec, patch);
  const left = mergePatch(spec, wanted);
  return left === undefined ? [] : leaves(left, ['spec']).flatMap((path) => conflictAt(live, path, manager));
}

function leaves(patch: Json, path: readonly string[]): string[][] {
  return isObject(patch) && Object.keys(patch).length > 0
    ? Object.entries(patch).flatMap(([name, part]) => leaves(part, [...path, name]))
    : [[...path]];
}

function conflictAt(live: Live, path: readonly string[], manager: string): FieldConflict[] {
  const owners = (live.metadata.managedFields ?? []).filter((entry) => entry.manager !== manager && owns(entry.fieldsV1, path));
  return owners.map((entry) => ({ manager: entry.manager ?? 'unknown', field: path.join('.') }));
}

/** Whether a field, something in it, or what it is in as a whole, is in the set. */
function owns(fields: FieldSet | undefined, path: readonly string[]): boolean {
  let at = fields;
  for (const name of path) {
    if (at === undefined) return false;
    const below = at[`f:${name}`];
    if (below === undefined) return false;
    if (Object.keys(below).length === 0) return true;
    at = below;
  }
  return at !== undefined;
}

/** Whether a manager owns anything of the spec. */
export function ownsSpec({ fieldsV1, subresource }: ManagedFields): boolean {
  return subresource === undefined && fieldsV1?.['f:spec'] !== undefined;
}
