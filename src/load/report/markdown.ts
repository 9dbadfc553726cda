import { inOrder, reportColumns } from './columns.ts';
import { origin, type ShownReport } from './report.ts';
import { sentences } from './sentences.ts';

/** A page for a pull request or a wiki: target, table, what was found. */
export function markdownReport(report: ShownReport): string {
  const columns = reportColumns.filter((column) => column.brief);
  const row = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  const { target } = report;
  return [
    `# ${escapeMarkdown(target.model)} at ${escapeMarkdown(target.url)}${report.partial ? ' (partial)' : ''}`,
    '',
    escapeMarkdown(origin(report)),
    '',
    row(columns.map((column) => column.heading)),
    row(columns.map(() => '---')),
    ...inOrder(report.points).map((point) => row(columns.map((column) => column.value(point)))),
    '',
    ...sentences(report).map((sentence) => `- ${escapeMarkdown(sentence.trim())}`),
    '',
  ].join('\n');
}

function escapeMarkdown(text: string): string {
  return text.replace(/[\\|<>`*_[\]]/g, (character) => `\\${character}`).replace(/\s+/g, ' ');
}
