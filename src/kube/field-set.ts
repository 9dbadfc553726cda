import { sameQuantity } from './quantity.ts';

/**
 * A set of fields as the API server writes it in `managedFields[].fieldsV1` (structured-merge-diff's format): `f:name` is a field, `k:{…}` a list element by
 * its keys, `v:…` an element of a set, `i:n` one by its index, `.` the parent itself. An empty object is a leaf: the whole value.
 */
export interface FieldSet {
  readonly [path: string]: FieldSet;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Whether applying `desired` would change nothing: `fields`, which we own, are exactly those of `desired`, and `live` has their values. The field set itself
 * says which lists merge by keys, so no schema is needed. What the server or a webhook added elsewhere is no difference; within a leaf, which is ours as a
 * whole, it is. A field that we own and no longer desire makes it false: only an apply removes it.
 */
export function isApplied(fields: FieldSet, desired: unknown, live: unknown, isQuantity = false): boolean {
  const paths = Object.keys(fields).filter((path) => path !== '.');
  if (paths.length === 0) return '.' in fields ? isEmpty(desired) : sameValue(desired, live, isQuantity);
  if (Array.isArray(desired)) return Array.isArray(live) && areElementsApplied(fields, paths, desired, live);
  if (!isObject(desired) || !isObject(live)) return false;
  // An empty list of map or set type is owned by nobody; all that can be asked is that there is one.
  const names = Object.keys(desired).filter((name) => desired[name] !== undefined && !isUnowned(fields, name, desired, live));
  if (names.length !== paths.length) return false;
  return names.every((name) => {
    const owned = fields[`f:${name}`];
    return owned !== undefined && isApplied(owned, desired[name], live[name], isQuantity || holdsQuantities(name));
  });
}

function isUnowned(fields: FieldSet, name: string, desired: Json, live: Json): boolean {
  const value = desired[name];
  return fields[`f:${name}`] === undefined && Array.isArray(value) && value.length === 0 && Array.isArray(live[name]);
}

/** The part of a list that we own: `k:{…}` elements of maps and `v:…` elements of sets. */
function areElementsApplied(fields: FieldSet, paths: readonly string[], desired: readonly unknown[], live: readonly unknown[]): boolean {
  if (paths.length !== desired.length) return false;
  return paths.every((path) => {
    const owned = fields[path];
    const identity: unknown = JSON.parse(path.slice(2));
    if (path.startsWith('v:')) return desired.includes(identity) && live.includes(identity);
    if (!path.startsWith('k:') || !isObject(identity) || owned === undefined) return false;
    // A key that the schema defaults, as a port's protocol, need not be written out by us.
    const wanted = desired.find((element) => isObject(element) && hasKeys(element, identity, true));
    const found = live.find((element) => isObject(element) && hasKeys(element, identity, false));
    return wanted !== undefined && found !== undefined && isApplied(owned, wanted, found);
  });
}

function hasKeys(element: Json, identity: Json, defaulted: boolean): boolean {
  return Object.entries(identity).every(([name, value]) => element[name] === value || (defaulted && element[name] === undefined));
}

/** Equal but for the spelling of quantities, which the server of a built-in type normalises. */
export function sameValue(a: unknown, b: unknown, isQuantity = false): boolean {
  if (a === b) return true;
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((value, index) => sameValue(value, b[index], isQuantity));
  if (isObject(a)) {
    if (!isObject(b)) return false;
    const names = Object.keys(a).filter((name) => a[name] !== undefined);
    const others = Object.keys(b).filter((name) => b[name] !== undefined);
    return names.length === others.length && names.every((name) => sameValue(a[name], b[name], isQuantity || holdsQuantities(name)));
  }
  return isQuantity && isQuantityLike(a) && isQuantityLike(b) && sameQuantity(String(a), String(b));
}

function holdsQuantities(name: string): boolean {
  return name === 'requests' || name === 'limits' || name === 'sizeLimit' || name === 'divisor';
}

function isQuantityLike(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return isObject(value) ? Object.keys(value).length === 0 : Array.isArray(value) && value.length === 0;
}
