/** The reference page of `modelwright lint`: what each code means. */
import { lintCodes } from '../../src/cli/lint/codes.ts';
import { code, prose, table } from './table.ts';

export function lintPage(): string {
  return `${[
    '# Findings of modelwright lint -f',
    '<!-- Generated from src/cli/lint by "npm run generate"; do not edit. -->',
    'Each finding has a file, a line and a column, a severity, the field, a sentence, a remedy and a code:',
    '```\niris.yaml:7:12: error: spec.runtime.version: must be text, and is a fraction. Write it in quotes: "20.10". [MW-L2005]\n```',
    'Beside the codes below, a finding may have the name of a rule of the API as its code; the API server refuses the same object with the same sentence: [rules of a ModelDeployment](modeldeployment.md#rules). Rules that compare an object with the stored one are left to the API server.',
    'Exit codes: 0 nothing wrong (warnings and remarks aside), 1 errors found, 2 the lint could not be done.',
    table(
      ['code', 'severity', 'meaning'],
      Object.entries(lintCodes).map(([name, { severity, meaning }]) => [code(name), severity, prose(meaning)]),
    ),
  ].join('\n\n')}\n`;
}
