import { Command } from 'commander';
import { bestBatches, readMlModelCi } from '../../load/import/mlmodelci.ts';
import { overloads, readVegetaCsv } from '../../load/import/vegeta.ts';
import { printTable } from '../table.ts';
import { asFailure } from './command.ts';
import { positive, readFile, readJson } from './flags.ts';

/** `modelwright bench import`: published results judged by the rules that judge measured ones. */
export function importCommand(): Command {
  const command = new Command('import').description('Read published results and derive the same choices from them.');
  command
    .command('mlmodelci')
    .description("MLModelCI's benchmark rows: the best batch of each model under a p99 bound.")
    .argument('<file>', 'JSON list of rows')
    .option('--max-p99 <ms>', 'bound in milliseconds (default: none)')
    .action((file: string, flags: { readonly maxP99?: string }) => {
      guarded(() => {
        const rows = readMlModelCi(readJson(file, 'the file'));
        const bound = flags.maxP99 === undefined ? null : positive(flags.maxP99, '--max-p99') * 1000;
        const table = [...bestBatches(rows, bound)].map(([model, choice]) => ({ model, choice }));
        process.stdout.write(
          printTable(
            [
              { heading: 'model', cell: (row: (typeof table)[number]) => row.model },
              { heading: 'best', cell: ({ choice }) => choice.best ?? 'none' },
              { heading: 'economical', cell: ({ choice }) => choice.economical ?? '' },
              { heading: 'reason', cell: ({ choice }) => choice.reason },
            ],
            table,
          ),
        );
        for (const row of rows) for (const text of row.contradictions) process.stdout.write(`${row.model} b${row.batchSize}: ${text}\n`);
      });
    });
  command
    .command('vegeta')
    .description('A CSV of vegeta runs: which rows were overloaded.')
    .argument('<file>', 'CSV: example,section,qps,mean_ms,p50_ms,p95_ms,p99_ms,success_pct')
    .action((file: string) => {
      guarded(() => {
        const rows = readVegetaCsv(readFile(file, 'the file').toString());
        const verdicts = overloads(rows);
        process.stdout.write(
          printTable(
            [
              { heading: 'series', cell: (row: { readonly at: number }) => rows[row.at]?.series ?? '' },
              { heading: 'rate', cell: ({ at }) => `${rows[at]?.requestsPerSecond}/s` },
              { heading: 'overloaded', cell: ({ at }) => (verdicts[at]?.overloaded === true ? 'yes' : 'no') },
              { heading: 'why', cell: ({ at }) => verdicts[at]?.reasons.join('; ') ?? '' },
            ],
            rows.map((_, at) => ({ at })),
          ),
        );
      });
    });
  return command;
}

function guarded(work: () => void): void {
  try {
    work();
  } catch (error) {
    throw asFailure(error);
  }
}
