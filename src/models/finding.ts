/** How much a finding matters: an `error` will not serve, a `warning` probably not as meant, `info` is worth knowing. */
export type Severity = 'error' | 'warning' | 'info';

/** One thing that a rule found, in words for the person who has to change it. */
export interface Finding {
  /** Stable identifier, `MW-L` and four digits: the first two name the group of rules, the last two the rule. */
  readonly code: string;
  readonly severity: Severity;
  /** Where: a path inside the package, a field, or the (redacted) URI. */
  readonly path: string;
  /** What is wrong and what it leads to. */
  readonly sentence: string;
  /** What to do about it. */
  readonly fix: string;
}

/** True when nothing among the findings keeps the model from being served. */
export function passes(findings: readonly Finding[]): boolean {
  return findings.every((finding) => finding.severity !== 'error');
}

const rank: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

/** Errors first, then by path and code: the same findings always print in the same order. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  return findings.toSorted(
    (a, b) => rank[a.severity] - rank[b.severity] || compare(a.path, b.path) || compare(a.code, b.code) || compare(a.sentence, b.sentence),
  );
}

/** Orders by code units, which is the same on every machine (a locale's order is not). */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
