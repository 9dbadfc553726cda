/**
 * Draws the comparison with perf_analyzer out of a document of `npm run bench -- load perf-analyzer`:
 *
 *   node test/perf/load/plot.ts BENCH_JSON > docs/bench-perf-analyzer.svg
 */
import { readFileSync } from 'node:fs';
import { plot, type Series } from '../../../src/load/report/plot.ts';

interface Detail {
  readonly theirs: readonly { readonly perSecond: number; readonly p99: number; readonly concurrency: number; readonly stable: boolean }[];
  readonly ours: readonly {
    readonly perSecond: number;
    readonly p99: number;
    readonly p99Interval: { readonly low: number | null; readonly high: number | null };
    readonly valid: boolean;
  }[];
}

const document = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as { suites?: { load: Figures }; figures?: Figures };
type Figures = readonly { readonly name: string; readonly detail: Detail }[];
const figures = (document.suites?.load ?? document.figures ?? []).filter((one) => one.name.startsWith('throughput, ours to perf_analyzer'));

/** Figures are named "…, 4 at once, one at a time". */
const servers = ['one at a time', 'dynamic batching'] as const;

const series = servers.flatMap((server): Series[] => {
  const own = figures.filter(({ name }) => name.endsWith(server));
  const short = server === 'one at a time' ? 'single' : 'batch';
  return [
    {
      name: `modelwright, ${short}`,
      points: own.flatMap(({ detail }) =>
        detail.ours.map((run) => ({
          x: run.perSecond,
          y: run.p99 / 1000,
          low: run.p99Interval.low === null ? null : run.p99Interval.low / 1000,
          high: run.p99Interval.high === null ? null : run.p99Interval.high / 1000,
          hollow: !run.valid,
          label: `${run.perSecond.toFixed(1)}/s, p99 ${(run.p99 / 1000).toFixed(2)} ms`,
        })),
      ),
    },
    {
      name: `perf_analyzer, ${short}`,
      points: own.flatMap(({ detail }) =>
        detail.theirs
          .filter((run) => run.p99 !== null)
          .map((run) => ({
            x: run.perSecond,
            y: run.p99,
            hollow: !run.stable,
            label: `${run.concurrency} at once: ${run.perSecond.toFixed(1)}/s, p99 ${run.p99} ms`,
          })),
      ),
    },
  ];
});
const style = '<style>text{font:11px system-ui,sans-serif}.grid{stroke:#eee}.title{font-weight:600;font-size:13px}</style>';
process.stdout.write(
  `${plot(series, { title: 'Real Triton, 1, 4 and 8 requests at once, 3 runs of each', x: 'inferences per second', y: 'p99, ms', logarithmicY: true }).replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" style="background:#fff" ').replace('>', `>${style}`)}\n`,
);
