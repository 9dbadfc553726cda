import { Command } from 'commander';
import { type Comparison, type Diff, diffReports } from '../../load/diff.ts';
import type { Interval } from '../../load/statistics/interval.ts';
import { Failure } from '../failure.ts';
import { printJson } from '../output.ts';
import { printTable } from '../table.ts';
import { asFailure } from './command.ts';
import { positive } from './flags.ts';
import { readReport } from './reports.ts';

/** `modelwright bench diff before.json after.json`: exit code 1 when something is worse. */
export function diffCommand(): Command {
  return new Command('diff')
    .description('Compare two JSON reports point by point: better, worse, or no evidence.')
    .argument('<before>', 'JSON report')
    .argument('<after>', 'JSON report')
    .option('--tolerance <percent>', 'smaller changes are no evidence', '2')
    .option('-o, --output <format>', 'table or json', 'table')
    .action((before: string, after: string, flags: { readonly tolerance: string; readonly output: string }) => {
      try {
        const diff = diffReports(readReport(before), readReport(after), positive(flags.tolerance, '--tolerance') / 100);
        if (diff.points.length === 0) throw new Failure('the two reports have no point in common', 2);
        process.stdout.write(flags.output === 'json' ? printJson(diff) : diffText(diff, before, after));
        if (diff.verdict === 'worse') process.exitCode = 1;
      } catch (error) {
        throw asFailure(error);
      }
    });
}

/** Every figure of both sides with its 95 % interval and the verdict, then what stands in the way of comparing them. */
export function diffText(diff: Diff, before: string, after: string): string {
  const rows = diff.points.flatMap((point) => point.comparisons.map((comparison) => ({ id: point.id, comparison })));
  const table = printTable(
    [
      { heading: 'point', cell: (row: (typeof rows)[number]) => row.id },
      { heading: 'metric', cell: ({ comparison }) => comparison.metric },
      { heading: 'before', cell: ({ comparison }) => figure(comparison, comparison.before, comparison.beforeInterval) },
      { heading: 'after', cell: ({ comparison }) => figure(comparison, comparison.after, comparison.afterInterval) },
      {
        heading: 'change',
        cell: ({ comparison }) =>
          comparison.change === null ? '' : `${comparison.change >= 0 ? '+' : ''}${(comparison.change * 100).toFixed(1)} %`,
      },
      { heading: 'verdict', cell: ({ comparison }) => comparison.verdict },
    ],
    rows,
  );
  return [
    table,
    ...diff.points.flatMap(({ id, remark }) => (remark === null ? [] : [`${id}: ${remark}\n`])),
    ...diff.onlyBefore.map((id) => `${id}: only in ${before}\n`),
    ...diff.onlyAfter.map((id) => `${id}: only in ${after}\n`),
    ...diff.remarks.map((remark) => `note: ${remark}\n`),
    `verdict: ${diff.verdict}\n`,
  ].join('');
}

function figure({ metric }: Comparison, value: number, { low, high }: Interval): string {
  const unit = metric === 'throughput' ? '/s' : metric === 'errors per million' ? '' : ' ms';
  const text = (number: number | null) => (number === null ? '?' : Number((unit === ' ms' ? number / 1000 : number).toPrecision(4)));
  return `${text(value)}${unit} [${text(low)}, ${text(high)}]`;
}
