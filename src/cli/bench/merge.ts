import { Command } from 'commander';
import { mergeReports } from '../../load/merge.ts';
import { asFailure } from './command.ts';
import { readReport } from './reports.ts';

/** `modelwright bench merge a.json b.json`: one report out of several processes that measured at the same time. */
export function mergeCommand(): Command {
  return new Command('merge')
    .description('Merge the JSON reports of processes that loaded one server at the same time (measured with --histograms).')
    .argument('<reports...>', 'JSON reports')
    .action((files: readonly string[]) => {
      try {
        process.stdout.write(`${JSON.stringify(mergeReports(files.map(readReport)), null, 2)}\n`);
      } catch (error) {
        throw asFailure(error);
      }
    });
}
