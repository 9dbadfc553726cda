import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { terminationMessage } from '../../load/compact.ts';
import { inOrder, reportColumns } from '../../load/report/columns.ts';
import { prometheusReport } from '../../load/report/prometheus-text.ts';
import type { Report, ShownReport } from '../../load/report/report.ts';
import { sentences } from '../../load/report/sentences.ts';
import type { StoredReport } from '../../load/report-code.ts';
import { UsageError } from '../../load/transport/target.ts';
import { reportText } from '../report-formats.ts';
import { printTable } from '../table.ts';
import { writeWhole } from '../write-whole.ts';

/** Files that a report may be written to. */
export interface OutputFlags {
  readonly json?: string;
  readonly csv?: string;
  readonly markdown?: string;
  readonly html?: string;
  readonly llmd?: string;
  readonly prometheus?: string;
  readonly termination?: string;
}

/** Throws a `UsageError` for a file whose folder is not there: better now than when all is measured. */
export function checkFolders(files: Readonly<Record<string, string | undefined>>): void {
  for (const [flag, file] of Object.entries(files)) {
    if (file === undefined || existsSync(dirname(file))) continue;
    throw new UsageError(`${flag} ${file} cannot be written: there is no folder ${dirname(file)}`);
  }
}

export const stdoutFormats = ['table', 'json', 'csv', 'markdown', 'none'] as const;
export type StdoutFormat = (typeof stdoutFormats)[number];

/** The report as it goes to stdout. */
export function rendered(report: Report, format: StdoutFormat): string {
  switch (format) {
    case 'json':
      return jsonText(report);
    case 'csv':
    case 'markdown':
      return reportText(report, format);
    case 'none':
      return '';
    case 'table':
      return tableText(report);
  }
}

/** The table a person reads, and what follows from it. */
export function tableText(report: ShownReport): string {
  const columns = reportColumns.filter((column) => column.brief).map(({ heading, value }) => ({ heading, cell: value }));
  return `${printTable(columns, inOrder(report.points))}\n${sentences(report).join('\n')}\n`;
}

/** Writes every file asked for; gives the sentences of those that could not be written. What can be written is. */
export async function writeReports(report: Report, flags: OutputFlags): Promise<string[]> {
  const wanted: readonly (readonly [string | undefined, () => string])[] = [
    [flags.json, () => jsonText(report)],
    [flags.csv, () => reportText(report, 'csv')],
    [flags.markdown, () => reportText(report, 'markdown')],
    [flags.html, () => reportText(report, 'html')],
    [flags.llmd, () => reportText(report, 'llmd')],
    [flags.prometheus, () => prometheusReport(report)],
  ];
  const failures: string[] = [];
  const attempt = async (file: string, work: Promise<void>) => void failures.push(...(await failureOf(file, work)));
  for (const [file, text] of wanted) if (file !== undefined) await attempt(file, writeWhole(file, text()));
  // The kubelet's file exists already and cannot be replaced, only written to.
  if (flags.termination !== undefined) await attempt(flags.termination, writeFile(flags.termination, terminationMessage(report)));
  return failures;
}

/** Tells in the termination message what became of the full report; the points stand there already. */
export function tellStored(file: string, report: Report, stored: StoredReport): Promise<string[]> {
  return failureOf(file, writeFile(file, terminationMessage(report, stored)));
}

/** The sentence of a file that could not be written; none when it was. */
export function failureOf(file: string, work: Promise<void>): Promise<string[]> {
  return work.then(
    () => [],
    (error: Error) => [`${file} could not be written: ${error.message}`],
  );
}

export function jsonText(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
