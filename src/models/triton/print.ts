import type { ModelConfig } from './config.ts';
import { type Field, type Message, messageOf } from './schema.ts';

/** Writes a model configuration in protobuf's text format, in the order of the schema; strings are escaped, never concatenated raw. */
export function printConfig(config: ModelConfig): string {
  return printMessage(config as Record<string, unknown>, messageOf('ModelConfig'), '');
}

function printMessage(value: Record<string, unknown>, message: Message, indent: string): string {
  let text = '';
  for (const [name, field] of message) {
    const entry = value[name];
    if (entry === undefined) continue;
    const entries = field.repeated ? (entry as unknown[]) : [entry];
    if (field.repeated && typeof entries[0] !== 'object') {
      text += `${indent}${name}: [${entries.map((item) => printScalar(item, field)).join(', ')}]\n`;
      continue;
    }
    for (const item of entries) text += `${indent}${name}${printValue(item, field, indent)}\n`;
  }
  return text;
}

function printValue(value: unknown, field: Field, indent: string): string {
  if (typeof field.type === 'object' && 'message' in field.type) {
    const inner = printMessage(value as Record<string, unknown>, messageOf(field.type.message), `${indent}  `);
    return inner === '' ? ' {}' : ` {\n${inner}${indent}}`;
  }
  return `: ${printScalar(value, field)}`;
}

function printScalar(value: unknown, field: Field): string {
  return field.type === 'string' ? quote(String(value)) : String(value);
}

function quote(text: string): string {
  const escaped = text.replace(/[\\"\p{Cc}]/gu, (character) =>
    character === '\\' || character === '"' ? `\\${character}` : `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  return `"${escaped}"`;
}
