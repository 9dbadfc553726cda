/** values.yaml: every value with its default, its description above it. */
import { dump } from 'js-yaml';
import type { Section, Value } from './value.ts';

export function valuesYaml(root: Section): string {
  return `# Generated from hack/generate/chart/values.ts by "npm run generate"; do not edit.\n\n${lines(root, '').join('\n')}\n`;
}

function lines({ values }: Section, indent: string): string[] {
  return Object.entries(values).flatMap(([name, node]) => {
    const comment = wrapped(node.description, 110 - indent.length).map((line) => `${indent}# ${line}`);
    if (node.kind === 'value') return [...comment, ...entry(name, node, indent)];
    const body = lines(node, `${indent}  `);
    // A key with nothing but comments below it would be null.
    const empty = body.every((line) => line.trim().startsWith('#'));
    return [...comment, `${indent}${name}:${empty ? ' {}' : ''}`, ...body];
  });
}

function entry(name: string, { default: byDefault, schema }: Value, indent: string): string[] {
  if (byDefault === undefined) return [`${indent}# ${name}: ${exampleOf(schema)}`];
  const text = dump({ [name]: byDefault }, { lineWidth: -1, noRefs: true });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `${indent}${line}`);
}

function exampleOf(schema: Value['schema']): string {
  const [first] = (schema['enum'] as readonly unknown[] | undefined) ?? [];
  if (first !== undefined) return String(first);
  const examples: Readonly<Record<string, string>> = { boolean: 'true', integer: '10', array: '[]', string: '""' };
  return examples[String(schema['type'])] ?? '{}';
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
