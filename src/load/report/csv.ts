import { inOrder, reportColumns } from './columns.ts';
import type { ShownReport } from './report.ts';

/** RFC 4180, one line a point. A cell that a spreadsheet would run as a formula is defused by an apostrophe. */
export function csvReport(report: ShownReport): string {
  const lines = [
    reportColumns.map((column) => column.field),
    ...inOrder(report.points).map((point) => reportColumns.map((column) => column.value(point))),
  ];
  return lines.map((line) => `${line.map(cell).join(',')}\r\n`).join('');
}

function cell(text: string): string {
  const safe = /^[=+@\t\r]|^-(?![\d.])/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
