/** What an object has against its kind's schema, in sentences: values of the wrong type, out of bounds, missing; fields that do not exist. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Finding } from '../../models/finding.ts';
import { redactUri } from '../../models/redact.ts';
import { printPath } from './field-path.ts';
import type { AnyKind } from './kinds.ts';
import { knownFieldFindings } from './known-fields.ts';
import { nearest } from './nearest.ts';
import { isRecord } from './record.ts';
import type { FieldPath } from './yaml-document.ts';

const ajv = new Ajv({ strict: false, allErrors: true, verbose: true, validateFormats: false });
const compiled = new Map<AnyKind, ValidateFunction>();

function validatorOf(kind: AnyKind): ValidateFunction {
  const validate =
    compiled.get(kind) ??
    ajv.compile({
      type: 'object',
      required: ['metadata', 'spec'],
      properties: {
        metadata: { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1 } } },
        spec: kind.spec,
      },
    });
  compiled.set(kind, validate);
  return validate;
}

/**
 * @param object  any value; nothing of its shape is taken for granted.
 * @param written the text of a scalar as it stands in the file, so that `20.10` is not shown as 20.1.
 */
export function schemaFindings(object: unknown, kind: AnyKind, written: (path: FieldPath) => string | undefined): Finding[] {
  const validate = validatorOf(kind);
  const seen = new Set<string>();
  const errors = validate(object) ? [] : (validate.errors ?? []);
  const wrong = errors.flatMap((error) => {
    const path = pathOf(error, object);
    // A quantity that is none breaks several keywords at once; it is one mistake.
    const key = JSON.stringify([path, isQuantity(error) ? 'quantity' : error.keyword]);
    if (seen.has(key)) return [];
    seen.add(key);
    return [findingOf(error, path, written(path))];
  });
  return [...knownFieldFindings(object, kind), ...wrong];
}

/** True when the object has the shape of its kind, so that the rules, which trust the types, can be asked. */
export function matchesSchema(object: unknown, kind: AnyKind): boolean {
  return validatorOf(kind)(object);
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
  return (parentSchema as Record<string, unknown> | undefined)?.['x-kubernetes-int-or-string'] === true || schemaPath.includes('/anyOf/');
}

function findingOf(error: ErrorObject, path: FieldPath, written: string | undefined): Finding {
  const [code, sentence, fix] = explain(error, written);
  return { code, severity: 'error', path: printPath(path), sentence, fix };
}

function explain(error: ErrorObject, written: string | undefined): [code: string, sentence: string, fix: string] {
  const { keyword, params, data, parentSchema } = error;
  const { description = '' } = (parentSchema ?? {}) as { description?: string };
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
