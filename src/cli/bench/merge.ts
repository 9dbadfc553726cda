import { Command } from 'commander';
import { mergeReports } from '../../load/merge.ts';
import { UsageError } from '../../load/transport/target.ts';
import { reportFormats, reportText } from '../report-formats.ts';
import { asFailure } from './command.ts';
import { jsonText, tableText } from './outputs.ts';
import { readReport } from './reports.ts';

/** `modelwright bench merge a.json b.json`: one report out of several processes that measured at the same time. */
export function mergeCommand(): Command {
  return new Command('merge')
    .description('Merge the JSON reports of processes that loaded one server at the same time (measured with --histograms).')
    .argument('<reports...>', 'JSON reports')
    .option('-o, --output <format>', `json, table, ${reportFormats.join(', ')}`, 'json')
    .action((files: readonly string[], { output }: { readonly output: string }) => {
      try {
        const format = reportFormats.find((one) => one === output);
        if (format === undefined && output !== 'json' && output !== 'table')
          throw new UsageError(`-o "${output}" is not known; it is one of json, table, ${reportFormats.join(', ')}`);
        const merged = mergeReports(files.map(readReport));
        process.stdout.write(format !== undefined ? reportText(merged, format) : output === 'json' ? jsonText(merged) : tableText(merged));
      } catch (error) {
        throw asFailure(error);
      }
    });
}
