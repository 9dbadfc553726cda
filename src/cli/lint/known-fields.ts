/** What JSON schema does not say of an object: fields that do not exist, and lists that have an entry twice. */
import type { Finding } from '../../models/finding.ts';
import { printPath } from './field-path.ts';
import type { AnyKind } from './kinds.ts';
import { nearest } from './nearest.ts';
import { isRecord } from './record.ts';
import type { FieldPath } from './yaml-document.ts';

/** The parts of a schema that are walked here. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'map' | 'set';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

export function knownFieldFindings(object: unknown, { kind, spec }: AnyKind): Finding[] {
  const root: Schema = { properties: { apiVersion: {}, kind: {}, metadata: {}, spec: spec as Schema, status: {} } };
  return walk(object, root, []);

  function walk(value: unknown, schema: Schema, path: FieldPath): Finding[] {
    if (Array.isArray(value)) {
      const { items } = schema;
      if (items === undefined) return [];
      return [...duplicates(value, schema, path), ...value.flatMap((entry, index) => walk(entry, items, [...path, index]))];
    }
    const { properties } = schema;
    if (properties === undefined || !isRecord(value)) return [];
    return Object.entries(value).flatMap(([name, child]) => {
      const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
      return known === undefined ? [unknownField([...path, name], Object.keys(properties))] : walk(child, known, [...path, name]);
    });
  }

  function unknownField(path: FieldPath, siblings: readonly string[]): Finding {
    const name = String(path.at(-1));
    const near = nearest(name, siblings);
    const meant = near === undefined ? fieldsNamed(name, spec as Schema, 'spec') : [near];
    return {
      code: 'MW-L2003',
      severity: 'error',
      path: printPath(path),
      sentence: `is not a field of ${path.length === 1 ? kind : printPath(path.slice(0, -1))}`,
      fix: meant.length > 0 ? `Did you mean ${meant.join(' or ')}?` : `Fields there: ${siblings.join(', ')}.`,
    };
  }
}

/** Where else a field of this name stands: `storageUri` belongs into spec.source. */
function fieldsNamed(name: string, schema: Schema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    const here = `${path}.${key}`;
    return [...(key === name ? [here] : []), ...fieldsNamed(name, child, here)];
  });
}

/** The later of two entries with the same key, or of two equal ones in a set; the API server refuses the list. */
function duplicates(entries: readonly unknown[], schema: Schema, path: FieldPath): Finding[] {
  const [key] = schema['x-kubernetes-list-map-keys'] ?? [];
  const isSet = schema['x-kubernetes-list-type'] === 'set';
  if (key === undefined && !isSet) return [];
  const keys = entries.map((entry) => (key === undefined ? entry : isRecord(entry) ? entry[key] : undefined));
  return keys.flatMap((value, index): Finding[] => {
    if (value === undefined || keys.indexOf(value) === index) return [];
    return [
      {
        code: 'MW-L2009',
        severity: 'error',
        path: printPath(key === undefined ? [...path, index] : [...path, index, key]),
        sentence: `${JSON.stringify(value)} was given before in ${printPath(path)}`,
        fix: 'Rename or remove one of the two.',
      },
    ];
  });
}
