/** The reference page of the chart's values. */
import { code, prose, table } from '../table.ts';
import { type Section, type Value, valuesOf } from './value.ts';

export function valuesPage(root: Section): string {
  return `${[
    '# Values of the Helm chart',
    '<!-- Generated from hack/generate/chart/values.ts by "npm run generate"; do not edit. -->',
    'How to install, upgrade and uninstall: [install](../install.md). A value that is not in this table, or has another form, is refused by Helm.',
    table(
      ['value', 'default', 'what it is'],
      valuesOf(root).map(({ path, value }) => [code(path), defaultOf(value), `${prose(value.description)}${choicesOf(value)}`]),
    ),
  ].join('\n\n')}\n`;
}

function defaultOf({ default: byDefault }: Value): string {
  return byDefault === undefined ? '' : code(JSON.stringify(byDefault));
}

function choicesOf({ schema }: Value): string {
  const choices = schema['enum'] as readonly string[] | undefined;
  return choices === undefined ? '' : ` One of ${choices.map(code).join(', ')}.`;
}
