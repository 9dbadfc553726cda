/** JSON merge patches (RFC 7386): the least that makes one value of another. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** The patch that makes `to` of `from`; undefined when they are equal. Lists are replaced whole, and what `to` lacks is null. */
export function mergePatch(from: Json | undefined, to: Json | undefined): Json | undefined {
  if (to === undefined) return from === undefined ? undefined : null;
  if (!isObject(from) || !isObject(to)) return isEqual(from, to) ? undefined : to;
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  const changes = names.flatMap((name): (readonly [string, Json])[] => {
    const change = mergePatch(from[name], to[name]);
    return change === undefined ? [] : [[name, change]];
  });
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}

export function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => isEqual(item, b[index]));
  if (isObject(a) && isObject(b)) return mergePatch(a, b) === undefined;
  return a === b;
}

/** What a merge patch makes of a value. */
export function patched(value: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: Record<string, Json> = isObject(value) ? { ...value } : {};
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) delete result[name];
    else result[name] = patched(result[name], change);
  }
  return result;
}

/** The value without objects that hold nothing, however deep; undefined when nothing is left. */
export function withoutEmpty(value: Json): Json | undefined {
  if (!isObject(value)) return value;
  const kept = Object.entries(value).flatMap(([name, part]) => {
    const rest = withoutEmpty(part);
    return rest === undefined ? [] : [[name, rest] as const];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
