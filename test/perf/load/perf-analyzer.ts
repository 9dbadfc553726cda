/** The real perf_analyzer and ours in turn on the real Triton: same model, same concurrencies, same windows. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../../../src/load/report/report.ts';
import { bench } from '../../load/bench.ts';
import { installed } from '../../load/real/install.ts';
import { type SleepModel, startTriton } from '../../load/real/servers.ts';
import { type Figure, figure } from '../figure.ts';

interface Theirs {
  readonly concurrency: number;
  readonly stable: boolean;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuMicroseconds: number;
  /** Rows that the server executed together, by its own counters. */
  readonly averageBatch: number;
  readonly said: string;
}

/** perf_analyzer is linked against the CUDA runtime under its plain name; the Triton wheel has it under another. */
function libraryPath(tritonFolder: string): string {
  const version = readdirSync(join(tritonFolder, 'lib')).find((name) => name.startsWith('python')) as string;
  const libraries = join(tritonFolder, 'lib', version, 'site-packages', 'nvidia_pytriton.libs');
  const links = mkdtempSync(join(tmpdir(), 'modelwright-cuda-'));
  const runtime = readdirSync(libraries).find((name) => name.startsWith('libcudart')) as string;
  symlinkSync(join(libraries, runtime), join(links, 'libcudart.so.12'));
  return `${links}:${libraries}`;
}

function perfAnalyzer(binary: string, libraries: string, url: string, concurrency: number, seconds: number): Theirs {
  const csv = join(mkdtempSync(join(tmpdir(), 'modelwright-pa-')), 'pa.csv');
  const script = 'TIMEFORMAT="CPU %U %S"; time "$0" "$@"';
  const run = spawnSync(
    'bash',
    [
      '-c',
      script,
      binary,
      '-m',
      'linear',
      '-u',
      url.replace('http://', ''),
      '--concurrency-range',
      String(concurrency),
      '-p',
      String(seconds * 1000),
      '-f',
      csv,
      '--shape',
      'x:4',
      '-s',
      '10',
      '-r',
      '10',
      '-v',
    ],
    {
      encoding: 'utf8',
      env: { ...process.env, LD_LIBRARY_PATH: libraries },
      timeout: 300_000,
    },
  );
  const [, user, system] = /CPU ([\d.]+) ([\d.]+)\s*$/.exec(run.stderr) ?? [];
  const passes = [...run.stdout.matchAll(/Pass \[\d+\] throughput: ([\d.]+)/g)].map((match) => Number(match[1]));
  const stable = !/[Ff]ailed to obtain stable measurement/.test(run.stdout + run.stderr);
  const said =
    (run.stdout + run.stderr)
      .split('\n')
      .find((line) => /[Ff]ailed to obtain/.test(line))
      ?.trim() ?? '';
  let values: Record<string, number> = {};
  try {
    const [head = '', row = ''] = readFileSync(csv, 'utf8').split('\n');
    values = Object.fromEntries(head.split(',').map((name, i) => [name, Number(row.split(',')[i])]));
  } catch {
    values = {};
  }
  // A level that did not stabilise is not in its report; what it printed of each window still says how fast it was and what it cost.
  const lastThree = passes.slice(-3);
  const perSecond = values['Inferences/Second'] ?? lastThree.reduce((sum, pass) => sum + pass, 0) / lastThree.length;
  // Every window lasts 1.2 intervals; connecting and the pauses between windows are not counted.
  const total = passes.reduce((sum, pass) => sum + pass * seconds * 1.2, 0);
  return {
    concurrency,
    stable,
    perSecond,
    p50: (values['p50 latency'] ?? Number.NaN) / 1000,
    p99: (values['p99 latency'] ?? Number.NaN) / 1000,
    cpuMicroseconds: ((Number(user) + Number(system)) * 1e6) / total,
    averageBatch: Number(/Inference count: (\d+)/.exec(run.stdout)?.[1]) / Number(/Execution count: (\d+)/.exec(run.stdout)?.[1]),
    said,
  };
}

/**
 * Two servers: one that executes a request at a time, which has one throughput and one latency at each concurrency; and one that batches what
 * waits, where it is by chance who meets whom, and both tools have something to say about stability.
 */
const models: readonly (readonly [SleepModel, string])[] = [
  [{ baseMilliseconds: 2, eachMilliseconds: 0.2, maxBatch: 32, dynamicBatching: false }, 'one at a time'],
  [{ baseMilliseconds: 2, eachMilliseconds: 0.2, maxBatch: 32, dynamicBatching: true }, 'dynamic batching'],
];

/** Ratios of ours to theirs by concurrency; the detail holds both reports, and what each says when it cannot be relied on. */
export async function besidePerfAnalyzer(rounds: number, seconds: number): Promise<Figure[]> {
  const analyzer = installed('perf_analyzer');
  const tritonFolder = installed('triton');
  if ('missing' in analyzer || 'missing' in tritonFolder) {
    console.error('  perf_analyzer or triton is not installed: left out');
    return [];
  }
  const libraries = libraryPath(tritonFolder.folder);
  const binary = join(analyzer.folder, 'bin', 'perf_analyzer');
  const figures: Figure[] = [];
  for (const [model, said] of models) {
    await using triton = await startTriton(model);
    for (const concurrency of [1, 4, 8]) figures.push(...(await side(triton.http, concurrency, said)));
  }
  return figures;

  async function side(url: string, concurrency: number, said: string): Promise<Figure[]> {
    const figures: Figure[] = [];
    const runs: { theirs: Theirs; ours: Report['points'][number] }[] = [];
    for (let round = 0; round < rounds; round++) {
      const theirs = perfAnalyzer(binary, libraries, url, concurrency, seconds);
      const { stdout } = await bench([
        url,
        '--model',
        'linear',
        '--concurrency',
        String(concurrency),
        '--duration',
        `${seconds * 3}s`,
        '--slo',
        'p99=1s',
        '--no-repeat-first',
        '-o',
        'json',
      ]);
      const [ours] = (JSON.parse(stdout) as Report).points;
      if (ours === undefined) continue;
      console.error(
        `  ${concurrency} at once, ${said}: perf_analyzer ${theirs.perSecond.toFixed(1)}/s p50 ${theirs.p50} p99 ${theirs.p99} ms, batch ${theirs.averageBatch.toFixed(2)}, ${theirs.stable ? 'stable' : theirs.said}; ours ${ours.requestsPerSecond.toFixed(1)}/s p50 ${ours.latencyMicroseconds?.p50} p99 ${ours.latencyMicroseconds?.p99} µs, batch ${ours.server?.averageBatch?.toFixed(2)}, ${ours.valid ? 'valid' : ours.invalidReasons.map((finding) => finding.message).join('; ')}`,
      );
      runs.push({ theirs, ours });
    }
    const measured = runs.filter(({ theirs }) => Number.isFinite(theirs.perSecond));
    const detail = {
      theirs: runs.map(({ theirs }) => theirs),
      ours: runs.map(({ ours }) => ({
        perSecond: ours.requestsPerSecond,
        perSecondInterval: ours.requestsPerSecondInterval,
        p50: ours.latencyMicroseconds?.p50,
        p99: ours.latencyMicroseconds?.p99,
        p99Interval: ours.latencyIntervals.p99,
        cpuMicroseconds: ours.client.cpuMicrosecondsPerRequest,
        server: ours.server,
        valid: ours.valid,
        reasons: ours.invalidReasons.map((finding) => finding.message),
      })),
    };
    if (measured.length === 0) return [];
    const ratio = (
      name: string,
      read: (run: (typeof runs)[number]) => number,
      goal?: { readonly atMost?: number; readonly atLeast?: number },
    ) => {
      const known = measured.map(read).filter(Number.isFinite);
      if (known.length > 0)
        figures.push(
          figure(`${name}, ${concurrency} at once, ${said}`, 'ratio', known, { ...(goal === undefined ? {} : { goal }), detail }),
        );
    };
    ratio('throughput, ours to perf_analyzer', ({ ours, theirs }) => ours.requestsPerSecond / theirs.perSecond);
    ratio('p50, ours to perf_analyzer', ({ ours, theirs }) => (ours.latencyMicroseconds?.p50 ?? Number.NaN) / 1000 / theirs.p50);
    ratio('p99, ours to perf_analyzer', ({ ours, theirs }) => (ours.latencyMicroseconds?.p99 ?? Number.NaN) / 1000 / theirs.p99);
    ratio(
      'CPU per request, our sending thread to perf_analyzer',
      ({ ours, theirs }) => (ours.client.cpuMicrosecondsPerRequest ?? Number.NaN) / theirs.cpuMicroseconds,
      { atMost: 1 },
    );
    return figures;
  }
}
