/** values.schema.json, by which Helm refuses a misspelt or ill-formed value before anything is rendered. */
import type { JsonSchema, Section, Value } from './value.ts';

export function valuesSchema(root: Section): JsonSchema {
  const schema = ofSection(root);
  // Helm puts `global` into the values of every chart that is a part of another.
  const properties = { ...(schema['properties'] as object), global: { type: 'object' } };
  return { $schema: 'http://json-schema.org/draft-07/schema#', title: root.description, ...schema, properties };
}

function ofSection({ description, values }: Section): JsonSchema {
  const properties = Object.fromEntries(
    Object.entries(values).map(([name, node]) => [name, node.kind === 'section' ? ofSection(node) : ofValue(node)]),
  );
  return { description, type: 'object', additionalProperties: false, properties };
}

function ofValue({ description, default: byDefault, schema }: Value): JsonSchema {
  return { description, ...(byDefault !== undefined && { default: byDefault }), ...schema };
}
