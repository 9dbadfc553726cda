/** What a ModelDeployment has against its schema: fields that do not exist, values of the wrong type or out of bounds. */
import { Ajv, type ErrorObject } from 'ajv';
import { type ModelDeployment, modelDeployment, specSchema } from '../../api/model-deployment/index.ts';
import type { Finding } from '../../models/finding.ts';
import { redactUri } from '../../models/redact.ts';
import { printPath } from './field-path.ts';
import { nearest } from './nearest.ts';
import type { FieldPath } from './yaml-document.ts';

/** The parts of a schema that are walked here. */
interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-int-or-string'?: boolean;
}

const wholeSchema = {
  type: 'object',
  required: ['metadata', 'spec'],
  properties: {
    metadata: { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1 } } },
    spec: specSchema,
  },
};

const validate = new Ajv({ strict: false, allErrors: true, verbose: true, validateFormats: false }).compile(wholeSchema);

/**
 * @param object  any value; nothing of its shape is taken for granted.
 * @param written the text of a scalar as it stands in the file, so that `20.10` is not shown as 20.1.
 */
export function schemaFindings(object: unknown, written: (path: FieldPath) => string | undefined): Finding[] {
  const findings = [...unknownFields(object), ...(isRecord(object) ? duplicateKeys(object['spec'], specSchema as Schema, ['spec']) : [])];
  if (!validate(object)) {
    const errors = validate.errors ?? [];
    const seen = new Set<string>();
    for (const error of errors) {
      const path = pathOf(error, object);
      const key = JSON.stringify([path, isQuantity(error) ? 'quantity' : error.keyword]);
      if (seen.has(key)) continue;
      seen.add(key);
      findings.push(findingOf(error, path, written(path)));
    }
  }
  return findings;
}

/** True when nothing but advice is left to say, so that the rules, which trust the types, can be asked. */
export function matchesSchema(object: unknown): object is ModelDeployment {
  return validate(object);
}

const envelope = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

function unknownFields(object: unknown): Finding[] {
  if (!isRecord(object)) return [];
  const top = Object.keys(object)
    .filter((name) => !envelope.includes(name))
    .map((name) => unknownField([name], envelope));
  return [...top, ...walk(object['spec'], specSchema as Schema, ['spec'])];
}

function walk(value: unknown, schema: Schema, path: FieldPath): Finding[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((entry, index) => walk(entry, items, [...path, index]));
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
  const elsewhere = near === undefined ? fieldsNamed(name) : [];
  return {
    code: 'MW-L2003',
    severity: 'error',
    path: printPath(path),
    sentence: `is not a field of ${path.length === 1 ? modelDeployment.kind : printPath(path.slice(0, -1))}`,
    fix:
      near !== undefined
        ? `Did you mean ${near}?`
        : elsewhere.length > 0
          ? `Did you mean ${elsewhere.join(' or ')}?`
          : `Fields there: ${siblings.join(', ')}.`,
  };
}

/** Where else in the spec a field of this name stands: `storageUri` belongs into spec.source. */
function fieldsNamed(name: string): string[] {
  const found: string[] = [];
  const visit = (schema: Schema, path: string) => {
    for (const [key, child] of Object.entries(schema.properties ?? {})) {
      const here = `${path}.${key}`;
      if (key === name) found.push(here);
      visit(child, here);
    }
  };
  visit(specSchema as Schema, 'spec');
  return found;
}

/** Entries of a keyed list with the same key: the API server refuses them, JSON schema cannot say it. */
function duplicateKeys(value: unknown, schema: Schema, path: FieldPath): Finding[] {
  if (isRecord(value)) {
    return Object.entries(value).flatMap(([name, child]) => {
      const known = schema.properties?.[name];
      return known === undefined ? [] : duplicateKeys(child, known, [...path, name]);
    });
  }
  const [key] = schema['x-kubernetes-list-map-keys'] ?? [];
  if (!Array.isArray(value) || key === undefined) return [];
  const seen = new Set<unknown>();
  return value.flatMap((entry: unknown, index): Finding[] => {
    if (!isRecord(entry) || entry[key] === undefined) return [];
    if (!seen.has(entry[key])) {
      seen.add(entry[key]);
      return [];
    }
    return [
      {
        code: 'MW-L2009',
        severity: 'error',
        path: printPath([...path, index, key]),
        sentence: `${quote(entry[key])} was given before in ${printPath(path)}`,
        fix: 'Rename or remove one of the two.',
      },
    ];
  });
}

function pathOf({ instancePath, keyword, params }: ErrorObject, object: unknown): FieldPath {
  let value = object;
  const path = instancePath
    .split('/')
    .slice(1)
    .map((step) => {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      const index = Array.isArray(value) ? Number(key) : key;
      value = (value as Record<string | number, unknown> | undefined)?.[index];
      return index;
    });
  return keyword === 'required' ? [...path, String(params['missingProperty'])] : path;
}

function isQuantity({ parentSchema, schemaPath }: ErrorObject): boolean {
  return (parentSchema as Schema | undefined)?.['x-kubernetes-int-or-string'] === true || schemaPath.includes('/anyOf/');
}

function findingOf(error: ErrorObject, path: FieldPath, written: string | undefined): Finding {
  const [code, sentence, fix] = explain(error, written);
  return { code, severity: 'error', path: printPath(path), sentence, fix };
}

function explain(error: ErrorObject, written: string | undefined): [code: string, sentence: string, fix: string] {
  const { keyword, params, data, parentSchema } = error;
  const { description = '' } = (parentSchema ?? {}) as Schema;
  if (isQuantity(error)) {
    const remedy =
      typeof data === 'number' && data >= 0 ? `Write it in quotes: ${JSON.stringify(written ?? String(data))}.` : 'Write 500m or 4Gi, say.';
    return ['MW-L2005', `${quote(written ?? data)} is not a quantity`, remedy];
  }
  switch (keyword) {
    case 'required':
      return ['MW-L2004', 'is required', ''];
    case 'type':
      return [
        'MW-L2005',
        `must be ${withArticle(String(params['type']))}, and is ${kindOf(data)}`,
        remedyForType(String(params['type']), data, written),
      ];
    case 'enum': {
      const allowed = params['allowedValues'] as string[];
      const near = typeof data === 'string' ? nearest(data, allowed) : undefined;
      return ['MW-L2006', `${quote(data)} is not one of ${allowed.join(', ')}`, near === undefined ? '' : `Did you mean ${near}?`];
    }
    case 'pattern':
      return ['MW-L2007', `${quote(data)} has not the form ${String(params['pattern'])}`, description];
    case 'maxLength':
      return ['MW-L2008', `has ${[...String(data)].length} characters, and ${params['limit']} are allowed`, 'Shorten it.'];
    case 'minLength':
      return ['MW-L2008', 'must not be empty', description];
    case 'maxItems':
    case 'maxProperties':
      return ['MW-L2008', `has ${sizeOf(data)} entries, and ${params['limit']} are allowed`, 'Remove some.'];
    case 'minItems':
      return ['MW-L2008', `has ${sizeOf(data)} entries, and ${params['limit']} are needed`, description];
    default:
      return ['MW-L2008', `${quote(written ?? data)} ${error.message ?? 'is not valid'}`, description];
  }
}

function remedyForType(type: string, data: unknown, written: string | undefined): string {
  if (data === null) return 'Give it a value, or remove the field.';
  if (type === 'string' && written !== undefined) return `Write it in quotes: ${JSON.stringify(written)}.`;
  if ((type === 'integer' || type === 'boolean') && typeof data === 'string' && /^(-?\d+|true|false)$/.test(data)) {
    return `Write it without quotes: ${data}.`;
  }
  return '';
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a fraction';
  return { string: 'text', boolean: 'a boolean', object: 'a map' }[typeof value as string] ?? typeof value;
}

function withArticle(type: string): string {
  return { string: 'text', integer: 'a whole number', boolean: 'true or false', array: 'a list', object: 'a map' }[type] ?? type;
}

function sizeOf(value: unknown): number {
  return Array.isArray(value) ? value.length : isRecord(value) ? Object.keys(value).length : 0;
}

/** A value for a message: on one line, not endless, and without what a URI may carry in secret. */
function quote(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(/:\/\//.test(value) ? redactUri(value) : value) : (JSON.stringify(value) ?? '');
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
