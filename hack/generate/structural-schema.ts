/**
 * From a TypeBox schema to the structural OpenAPI v3 schema of a CRD
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).
 */

/** The JSON of a structural schema, as far as the API's builders produce it. */
export interface StructuralSchema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly description?: string;
  readonly format?: string;
  /** Where a type that is not ours is described; the reference page links there instead of listing its fields. */
  readonly externalDocs?: { readonly url: string };
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
  readonly anyOf?: readonly { readonly type: string }[];
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'map' | 'set';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular';
  readonly 'x-kubernetes-validations'?: readonly CelValidation[];
}

export interface CelValidation {
  readonly rule: string;
  readonly message: string;
  readonly reason: 'FieldValueInvalid' | 'FieldValueForbidden';
  readonly fieldPath: string;
}

/** In the order they are written; what is not here has no place in a structural schema. */
const plainKeywords = [
  'type',
  'format',
  'externalDocs',
  'default',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'maxProperties',
  'required',
  'anyOf',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
];

/**
 * @param schema a TypeBox value, or any JSON schema.
 * @param path   where it stands, for the error.
 * @throws when the schema uses a keyword that a structural schema does not have, or none of ours needs.
 */
export function structuralSchema(schema: object, path = 'schema'): StructuralSchema {
  const { description, properties, additionalProperties, items, ...rest } = schema as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(rest).filter((keyword) => !plainKeywords.includes(keyword));
  if (unknown.length > 0) throw new Error(`${path}: ${unknown.join(', ')} cannot be part of a structural schema`);

  const result: Record<string, unknown> = {};
  if (description !== undefined) result['description'] = description;
  for (const keyword of plainKeywords) if (rest[keyword] !== undefined) result[keyword] = rest[keyword];
  if (isSchema(properties)) {
    result['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [name, structuralSchema(property as object, `${path}.${name}`)]),
    );
  }
  if (isSchema(additionalProperties)) result['additionalProperties'] = structuralSchema(additionalProperties, `${path}.*`);
  if (isSchema(items)) result['items'] = structuralSchema(items, `${path}[]`);
  return result;
}

function isSchema(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
