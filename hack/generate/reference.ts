/** From a kind's definition to its reference page: every field, rule and column, in Markdown. */
import type { KindDefinition } from '../../src/api/kind.ts';
import { isTransitionRule } from '../../src/api/rule.ts';
import { type StructuralSchema, structuralSchema } from './structural-schema.ts';
import { code, prose, table } from './table.ts';

interface Field {
  readonly path: string;
  readonly schema: StructuralSchema;
  readonly required: boolean;
}

export function referencePage<T>(definition: KindDefinition<T>): string {
  const { kind, group, version, plural, namespaced } = definition;
  return `${[
    `# ${kind}`,
    '<!-- Generated from src/api by "npm run generate"; do not edit. -->',
    definition.description,
    `\`apiVersion: ${group}/${version}\`, \`kind: ${kind}\`, ${namespaced ? 'namespaced' : 'cluster-scoped'}; \`kubectl get ${plural}\`, or \`kubectl get modelwright\` for every kind of the group.`,
    'Fields marked * are required where their parent is given. Lists marked by key merge entry by entry under server-side apply; the others are replaced as a whole.',
    ...part('spec', structuralSchema(definition.spec, 'spec')),
    ...part('status', structuralSchema(definition.status, 'status')),
    '## Rules',
    'The API server refuses an object that breaks one of these, with the sentence given; `modelwright lint` says the same without a cluster. Rules marked "on change" compare with the stored object.',
    table(
      ['rule', 'field', 'sentence'],
      definition.rules.map((rule) => [
        `<a id="${rule.id}"></a>\`${rule.id}\`${isTransitionRule(rule) ? ' (on change)' : ''}`,
        `\`${rule.fieldPath.slice(1)}\``,
        prose(rule.message),
      ]),
    ),
    '## Conditions',
    'Each says True, False or Unknown in `status.conditions`, with a reason for programs and a message for people. Argo CD and Flux read `Ready`, `Reconciling` and `Stalled`.',
    table(
      ['condition', 'when it is True'],
      Object.entries(definition.conditions).map(([type, meaning]) => [code(type), prose(meaning)]),
    ),
    '## Columns',
    '`kubectl get` prints NAME and these; those marked wide with `-o wide` only.',
    table(
      ['column', 'what it says', 'from'],
      definition.columns.map(({ name, description, jsonPath, priority }) => [
        `${name.toUpperCase()}${priority ? ' (wide)' : ''}`,
        prose(description),
        `\`${jsonPath}\``,
      ]),
    ),
    ...fieldSelectors(definition),
  ].join('\n\n')}\n`;
}

function fieldSelectors<T>({ plural, selectableFields }: KindDefinition<T>): string[] {
  const [first] = selectableFields;
  if (first === undefined) return [];
  return [
    '## Field selectors',
    `\`kubectl get ${plural} --field-selector ${first.slice(1)}=…\` works with these fields, beside \`metadata.name\` and \`metadata.namespace\`, from Kubernetes 1.31 on:`,
    selectableFields.map((path) => `- \`${path.slice(1)}\``).join('\n'),
  ];
}

/** The plain fields of a part in one table, then one section for each field that has fields of its own. */
function part(name: string, schema: StructuralSchema): string[] {
  const children = fieldsOf(schema, name);
  const [plain, nested] = [children.filter(({ schema }) => !isNested(schema)), children.filter(({ schema }) => isNested(schema))];
  return [
    `## ${name}`,
    prose(schema.description ?? ''),
    ...(plain.length === 0 ? [] : [fieldTable(plain)]),
    ...nested.flatMap((field) => [`### ${field.path}`, sentences(field), fieldTable(descendants(field))]),
  ];
}

function sentences({ schema, required }: Field): string {
  return [prose(schema.description ?? ''), required ? 'Required.' : '', ...bounds(schema), ...notes(schema)].filter(Boolean).join(' ');
}

/** The fields of an object, or of the entries of a list; none for anything else. */
function fieldsOf(schema: StructuralSchema, path: string): Field[] {
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    path: `${path}.${name}`,
    schema: property,
    required: schema.required?.includes(name) ?? false,
  }));
}

function entrySchema(schema: StructuralSchema): StructuralSchema {
  return schema.items ?? schema;
}

function isNested(schema: StructuralSchema): boolean {
  return entrySchema(schema).properties !== undefined;
}

function descendants(field: Field): Field[] {
  if (field.schema.externalDocs !== undefined) return [];
  const path = field.schema.items === undefined ? field.path : `${field.path}[]`;
  return fieldsOf(entrySchema(field.schema), path).flatMap((child) => [child, ...descendants(child)]);
}

function fieldTable(fields: readonly Field[]): string {
  return table(
    ['field', 'type', 'bounds', 'description'],
    fields.map(({ path, schema, required }) => [
      `\`${path}\`${required ? ' *' : ''}`,
      typeOf(schema),
      [...bounds(schema), ...notes(schema)].join(' '),
      describe(schema),
    ]),
  );
}

function describe({ description = '', externalDocs }: StructuralSchema): string {
  return externalDocs === undefined ? prose(description) : `[${prose(description)}](${externalDocs.url})`;
}

/** The type as a user of YAML would name it. */
export function typeOf(schema: StructuralSchema): string {
  if (schema['x-kubernetes-int-or-string']) return 'quantity';
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${word}\``).join(', ');
  if (schema.format === 'date-time') return 'time';
  if (schema.items !== undefined) return `list of ${plural(typeOf(schema.items))}`;
  if (schema.additionalProperties !== undefined) return `map of ${plural(typeOf(schema.additionalProperties))}`;
  return schema.type ?? 'any';
}

function plural(type: string): string {
  if (type === 'quantity') return 'quantities';
  return /^[a-z]+$/.test(type) ? `${type}s` : type;
}

/** What a value may be. A size is given for lists and maps, a length for text. */
export function bounds(schema: StructuralSchema): string[] {
  const { minimum, maximum, minLength, maxLength, pattern, maxItems, maxProperties } = schema;
  const out: string[] = [];
  if (schema['x-kubernetes-int-or-string']) return out;
  if (minimum !== undefined && maximum !== undefined) out.push(isLargest(maximum) ? `${minimum} or more.` : `${minimum} to ${maximum}.`);
  if (maxLength !== undefined && schema.format !== 'date-time') {
    out.push(minLength === undefined ? `At most ${maxLength} characters.` : `${minLength} to ${maxLength} characters.`);
  }
  if (pattern !== undefined) out.push(`Pattern ${code(pattern)}.`);
  if (maxItems !== undefined) out.push(`At most ${maxItems}.`);
  if (maxProperties !== undefined) out.push(`At most ${maxProperties}.`);
  if (schema.items?.maximum !== undefined && schema.items.minimum !== undefined)
    out.push(`Each ${schema.items.minimum} to ${schema.items.maximum}.`);
  const values = schema.items ?? schema.additionalProperties;
  if (values?.maxLength !== undefined && !values['x-kubernetes-int-or-string']) out.push(`Each at most ${values.maxLength} characters.`);
  if (values?.pattern !== undefined && !values['x-kubernetes-int-or-string']) out.push(`Each of the pattern ${code(values.pattern)}.`);
  return out;
}

function notes(schema: StructuralSchema): string[] {
  const out: string[] = [];
  if (schema.default !== undefined) out.push(`Default ${code(String(schema.default))}.`);
  const keys = schema['x-kubernetes-list-map-keys'];
  if (keys !== undefined) out.push(`Key ${keys.map(code).join(', ')}.`);
  return out;
}

/** The largest number of its size says only that there is no bound of ours. */
function isLargest(maximum: number): boolean {
  return maximum === Number.MAX_SAFE_INTEGER || maximum === 0x7fffffff;
}
