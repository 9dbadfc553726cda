/** Fields that are written and given no value: the API server takes them for absent ones. */
import type { Finding } from '../../models/finding.ts';
import { printPath } from './field-path.ts';
import { isRecord } from './record.ts';
import type { FieldPath } from './yaml-document.ts';

export function fieldsWithoutValue(value: unknown, path: FieldPath): Finding[] {
  if (!isRecord(value)) return Array.isArray(value) ? value.flatMap((entry, index) => fieldsWithoutValue(entry, [...path, index])) : [];
  return Object.entries(value).flatMap(([name, child]): Finding[] => {
    const here = [...path, name];
    if (child !== null) return fieldsWithoutValue(child, here);
    const sentence = 'has no value; the API server leaves the field out';
    return [{ code: 'MW-L2011', severity: 'warning', path: printPath(here), sentence, fix: 'Give it a value, or remove it.' }];
  });
}

/** The value as the API server keeps it. An empty entry of a list stays: it is refused. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== null)
      .map(([name, child]) => [name, withoutNulls(child)]),
  );
}
