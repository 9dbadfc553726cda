/**
 * Paths at which `live` does not have what `desired` asks for, at most `limit` of them. Fields that only `live` has belong to others and
 * do not count; lists count as a whole where their lengths differ.
 */
export function differences(desired: unknown, live: unknown, limit = 8, path = ''): string[] {
  if (Object.is(desired, live)) return [];
  if (Array.isArray(desired) && Array.isArray(live) && desired.length === live.length) {
    return desired.flatMap((entry, index) => differences(entry, live[index], limit, `${path}[${index}]`)).slice(0, limit);
  }
  if (isObject(desired) && isObject(live)) {
    return Object.entries(desired)
      .flatMap(([key, value]) => (value === undefined ? [] : differences(value, live[key], limit, path === '' ? key : `${path}.${key}`)))
      .slice(0, limit);
  }
  return [path];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
