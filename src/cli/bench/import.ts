import { basename } from 'node:path';
import { Command } from 'commander';
import { type Imported, importedReport } from '../../load/import/imported.ts';
import { readInferencePerf } from '../../load/import/inference-perf.ts';
import { bestBatches, readMlModelCi } from '../../load/import/mlmodelci.ts';
import { readPerfAnalyzer } from '../../load/import/perf-analyzer.ts';
import { overloads, readVegetaCsv } from '../../load/import/vegeta.ts';
import { UsageError } from '../../load/transport/target.ts';
import { reportFormats, reportText } from '../report-formats.ts';
import { printTable } from '../table.ts';
import { asFailure } from './command.ts';
import { latencyBound, notNegative, positive, readFile, readJson } from './flags.ts';
import { tableText } from './outputs.ts';

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
  ranked(
    command
      .command('perf-analyzer')
      .description('The CSV of perf_analyzer -f: every level, and the best within bounds.')
      .argument('<file>', 'CSV')
      .option('--batch <size>', 'batch size that perf_analyzer was run with (-b), which the file does not tell', '1'),
  ).action((file: string, flags: RankedFlags & { readonly batch: string }) => {
    guarded(() =>
      print(readPerfAnalyzer(readFile(file, 'the file').toString(), basename(file), positive(flags.batch, '--batch', true)), flags),
    );
  });
  ranked(
    command
      .command('inference-perf')
      .description('Stage reports of inference-perf: every stage, and the best within bounds.')
      .argument('<files...>', 'stage_N_lifecycle_metrics.json'),
  ).action((files: readonly string[], flags: RankedFlags) => {
    guarded(() => print(readInferencePerf(files.map((file) => ({ name: basename(file), json: readJson(file, 'the file') }))), flags));
  });
  return command;
}

interface RankedFlags {
  readonly slo: readonly string[];
  readonly maximize: string;
  readonly maxErrors: string;
  readonly output: string;
}

/** What imported points are ranked by, and how they are shown. */
function ranked(command: Command): Command {
  return command
    .option('--slo <bound>', 'latency bound, e.g. p99=100ms; repeatable', (value, previous: readonly string[]) => [...previous, value], [])
    .option('--maximize <what>', 'Throughput or LowLatency', 'Throughput')
    .option('--max-errors <count>', 'errors per million that are acceptable', '1000')
    .option('-o, --output <format>', `table, ${reportFormats.join(', ')}`, 'table');
}

function print(imported: Imported, { slo, maximize, maxErrors, output }: RankedFlags): void {
  const goal = (['Throughput', 'LowLatency'] as const).find((one) => one.toLowerCase() === maximize.toLowerCase());
  if (goal === undefined) throw new UsageError(`--maximize "${maximize}" is not known; it is one of Throughput, LowLatency`);
  const format = reportFormats.find((one) => one === output);
  if (format === undefined && output !== 'table')
    throw new UsageError(`-o "${output}" is not known; it is one of table, ${reportFormats.join(', ')}`);
  const objective = {
    maximize: goal,
    latency: slo.map((bound) => latencyBound(bound)),
    maxErrorsPerMillion: notNegative(maxErrors, '--max-errors'),
  };
  const report = importedReport(imported, objective);
  process.stdout.write(format === undefined ? tableText(report) : reportText(report, format));
}

function guarded(work: () => void): void {
  try {
    work();
  } catch (error) {
    throw asFailure(error);
  }
}
