import { dump } from 'js-yaml';
import { Failure } from './failure.ts';

export type OutputFormat = 'table' | 'wide' | 'json' | 'yaml' | 'name';

/** Checks the value of `-o`; the allowed ones are named when it is another. */
export function parseFormat<const F extends OutputFormat>(text: string | undefined, allowed: readonly F[]): F | 'table' {
  if (text === undefined) return 'table';
  const format = allowed.find((candidate) => candidate === text);
  if (format === undefined)
    throw new Failure(`unable to match a printer suitable for the output format "${text}", allowed formats are: ${allowed.join(', ')}`);
  return format;
}

export function printJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** YAML as kubectl writes it: no anchors, no folded lines. */
export function printYaml(value: unknown): string {
  return dump(value, { noRefs: true, lineWidth: -1 });
}

/** One object as it is, several as a v1 List: what `kubectl get -o json` gives. */
export function listOf(objects: readonly unknown[], single: boolean): unknown {
  if (single && objects.length === 1) return objects[0];
  return { apiVersion: 'v1', kind: 'List', metadata: {}, items: objects };
}
