/** How the chart's values are written down: once, with description and default; values.yaml, its schema and its page are made from that. */

export type JsonSchema = Readonly<Record<string, unknown>>;

/** A value that a person sets. */
export interface Value {
  readonly kind: 'value';
  readonly description: string;
  /** What holds where nothing is set; undefined: nothing is rendered, and values.yaml shows the value as a comment. */
  readonly default: unknown;
  readonly schema: JsonSchema;
}

/** Values that belong together. */
export interface Section {
  readonly kind: 'section';
  readonly description: string;
  readonly values: Readonly<Record<string, Value | Section>>;
}

export function section(description: string, values: Section['values']): Section {
  return { kind: 'section', description, values };
}

export function value(description: string, byDefault: unknown, schema: JsonSchema): Value {
  return { kind: 'value', description, default: byDefault, schema };
}

export function flag(description: string, byDefault: boolean): Value {
  return value(description, byDefault, { type: 'boolean' });
}

export function text(description: string, byDefault = '', schema: JsonSchema = {}): Value {
  return value(description, byDefault, { type: 'string', ...schema });
}

export function count(description: string, byDefault: number, minimum: number, maximum: number): Value {
  return value(description, byDefault, { type: 'integer', minimum, maximum });
}

/** Labels, annotations, selectors. */
export function textMap(description: string, byDefault: Readonly<Record<string, string>> = {}): Value {
  return value(description, byDefault, { type: 'object', additionalProperties: { type: 'string' } });
}

/** A list of Kubernetes' own objects, which the API server judges. */
export function objects(description: string, byDefault: readonly object[] = []): Value {
  return value(description, byDefault, { type: 'array', items: { type: 'object' } });
}

/** One of Kubernetes' own objects, which the API server judges. */
export function anObject(description: string, byDefault: object = {}): Value {
  return value(description, byDefault, { type: 'object' });
}

export function texts(description: string, pattern: string): Value {
  return value(description, [], { type: 'array', uniqueItems: true, items: { type: 'string', pattern } });
}

export interface PlacedValue {
  /** `metrics.serviceMonitor.enabled` */
  readonly path: string;
  readonly value: Value;
}

/** Every value with its path, in order. */
export function valuesOf(root: Section, prefix = ''): PlacedValue[] {
  return Object.entries(root.values).flatMap(([name, node]) => {
    const path = `${prefix}${name}`;
    return node.kind === 'section' ? valuesOf(node, `${path}.`) : [{ path, value: node }];
  });
}
