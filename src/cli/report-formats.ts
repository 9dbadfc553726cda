import { csvReport } from '../load/report/csv.ts';
import { htmlReport } from '../load/report/html.ts';
import { llmdReport } from '../load/report/llmd.ts';
import { markdownReport } from '../load/report/markdown.ts';
import type { ShownReport } from '../load/report/report.ts';
import { printJson } from './output.ts';

/** Formats that are made of results, whoever measured them. */
export const reportFormats = ['csv', 'markdown', 'html', 'llmd'] as const;
export type ReportFormat = (typeof reportFormats)[number];

export function reportText(report: ShownReport, format: ReportFormat): string {
  switch (format) {
    case 'csv':
      return csvReport(report);
    case 'markdown':
      return markdownReport(report);
    case 'html':
      return htmlReport(report);
    case 'llmd':
      return printJson(report.points.map((point) => llmdReport(report, point)));
  }
}
