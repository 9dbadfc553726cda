import { UsageError } from '../transport/target.ts';
import { splitCsv } from './csv-line.ts';

/** One row of a table of vegeta runs: rates and latencies as published. */
export interface RateRow {
  readonly series: string;
  readonly requestsPerSecond: number;
  readonly latencyMicroseconds: { readonly mean: number; readonly p50: number; readonly p95: number; readonly p99: number };
  readonly successPercent: number;
}

export interface OverloadVerdict {
  readonly overloaded: boolean;
  /** Which part of the rule it meets, with figures. */
  readonly reasons: readonly string[];
}

const columns = ['example', 'section', 'qps', 'mean_ms', 'p50_ms', 'p95_ms', 'p99_ms', 'success_pct'] as const;

/** Reads `example,section,qps,mean_ms,p50_ms,p95_ms,p99_ms,success_pct`. Throws a sentence that names the line. */
export function readVegetaCsv(text: string): RateRow[] {
  const [head, ...lines] = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (head !== columns.join(',')) throw new UsageError(`the first line must be ${columns.join(',')}`);
  return lines.map((line, i) => {
    const cells = splitCsv(line);
    if (cells.length !== columns.length) throw new UsageError(`line ${i + 2} has ${cells.length} cells instead of ${columns.length}`);
    const [example, section, ...rest] = cells as [string, string, ...string[]];
    const [qps, mean, p50, p95, p99, success] = rest.map(Number) as [number, number, number, number, number, number];
    if (rest.some((cell) => cell === '' || !Number.isFinite(Number(cell))))
      throw new UsageError(`line ${i + 2} has a cell that is not a number`);
    return {
      series: `${example}: ${section}`,
      requestsPerSecond: qps,
      latencyMicroseconds: { mean: mean * 1000, p50: p50 * 1000, p95: p95 * 1000, p99: p99 * 1000 },
      successPercent: success,
    };
  });
}

/**
 * Which rows of a series were overloaded: p99/p50 above 10, or p50 above 3 × the p50 at the lowest rate, or success below 100 %.
 * The ratio alone is no test: once the median itself explodes, p99/p50 falls back to small values.
 */
export function overloads(rows: readonly RateRow[]): OverloadVerdict[] {
  return rows.map((row) => {
    const lowest = rows
      .filter((other) => other.series === row.series)
      .reduce((least, other) => (other.requestsPerSecond < least.requestsPerSecond ? other : least), row);
    const { p50, p99 } = row.latencyMicroseconds;
    const reasons: string[] = [];
    if (p99 / p50 > 10) reasons.push(`p99 is ${(p99 / p50).toFixed(1)} × p50 (more than 10)`);
    const growth = p50 / lowest.latencyMicroseconds.p50;
    if (growth > 3) reasons.push(`p50 is ${growth.toFixed(1)} × that at ${lowest.requestsPerSecond}/s (more than 3)`);
    if (row.successPercent < 100) reasons.push(`${row.successPercent} % succeeded`);
    return { overloaded: reasons.length > 0, reasons };
  });
}
