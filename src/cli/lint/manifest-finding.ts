import { compare, type Finding, type Severity } from '../../models/finding.ts';

/**
 * A finding with its place in a file. Its code is `MW-L` and four digits, or the id of a rule of the API, which
 * docs/reference/modeldeployment.md lists.
 */
export interface ManifestFinding extends Finding {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
}

/** By file and place, so that a person can work through them from top to bottom. */
export function inOrder(findings: readonly ManifestFinding[]): ManifestFinding[] {
  return findings.toSorted((a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.code, b.code));
}

/** `FILE:LINE:COLUMN: SEVERITY: FIELD SENTENCE FIX [CODE]`, one line a finding: what editors and CI systems turn into links. */
export function printFinding({ file, line, column, severity, path, sentence, fix, code }: ManifestFinding): string {
  const named = path === '' || sentence.startsWith(path) ? sentence : `${path}: ${sentence}`;
  const ended = fix === '' || /[.?!]$/.test(named) ? named : `${named}.`;
  return `${file}:${line}:${column}: ${severity}: ${[ended, fix].filter(Boolean).join(' ')} [${code}]`;
}

/** `2 errors, 1 warning`; `nothing` when there is nothing. */
export function countFindings(findings: readonly Finding[]): string {
  const words: readonly [Severity, string, string][] = [
    ['error', 'error', 'errors'],
    ['warning', 'warning', 'warnings'],
    ['info', 'remark', 'remarks'],
  ];
  const counts = words.flatMap(([severity, one, many]) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
  });
  return counts.length === 0 ? 'nothing' : counts.join(', ');
}
