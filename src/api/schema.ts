/**
 * The builders every kind's schema is written with. A schema is one TypeBox value: its static type is the TypeScript type, its JSON is
 * the structural OpenAPI schema of the CRD (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema)
 * and the validator of `modelwright lint`. Everything is bounded, so that CEL rules stay within the API server's cost budget.
 */

import { type TProperties, type TSchema, Type } from 'typebox';
import { quantityPattern } from './quantity.ts';

/** An object with known fields. Unknown ones are pruned by the API server and refused by `kubectl apply` and `modelwright lint`. */
export function object<P extends TProperties>(description: string, properties: P, options: object = {}) {
  return Type.Object(properties, { description, ...options });
}

export function text(description: string, maxLength: number, options: { minLength?: number; pattern?: string; default?: string } = {}) {
  return Type.String({ description, maxLength, ...options });
}

export function integer(description: string, options: { minimum: number; maximum: number; default?: number }) {
  return Type.Integer({ description, format: options.maximum > 0x7fffffff ? 'int64' : 'int32', ...options });
}

export function boolean(description: string, options: { default?: boolean } = {}) {
  return Type.Boolean({ description, ...options });
}

/** One of a closed set of PascalCase words. */
export function oneOf<const V extends readonly string[]>(description: string, values: V, options: { default?: V[number] } = {}) {
  return Type.Unsafe<V[number]>({ type: 'string', description, enum: [...values], ...options });
}

/** An RFC 3339 time in UTC, as metav1.Time writes it. */
export function time(description: string) {
  return Type.String({ description, format: 'date-time', maxLength: 64 });
}

/** A Kubernetes quantity: `500m`, `4Gi`, or a whole number. */
export function quantity(description: string) {
  return Type.Unsafe<string | number>({
    description,
    'x-kubernetes-int-or-string': true,
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    minimum: 0,
    pattern: quantityPattern,
    maxLength: 32,
  });
}

/** A map with free keys; `maxProperties` bounds it. */
export function map<V>(description: string, values: TSchema & { readonly static?: V }, maxProperties: number) {
  return Type.Unsafe<Record<string, V>>({ type: 'object', description, additionalProperties: values, maxProperties });
}

export function textMap(description: string, maxProperties: number, values: { maxLength?: number; pattern?: string } = {}) {
  return Type.Unsafe<Record<string, string>>({
    type: 'object',
    description,
    additionalProperties: { type: 'string', maxLength: 256, ...values },
    maxProperties,
  });
}

/** A list in which order counts and server-side apply replaces the whole. */
export function list<T extends TSchema>(description: string, items: T, maxItems: number, options: { minItems?: number } = {}) {
  return Type.Array(items, { description, maxItems, ...options, 'x-kubernetes-list-type': 'atomic' });
}

/** A list whose entries are told apart by `key`, so that several writers can each own theirs. */
export function keyedList<T extends TSchema>(description: string, items: T, maxItems: number, key: string) {
  return Type.Array(items, { description, maxItems, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] });
}

export { Type };
