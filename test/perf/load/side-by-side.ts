/**
 * Ours beside wrk, hey, autocannon and k6 on the same server in the same minutes; prints JSON.
 *
 *   node test/perf/load/side-by-side.ts [throughput|accuracy] [rounds] [seconds]
 *
 * throughput: a C server that only answers, on a processor of its own where there are two; ratios to wrk within a round.
 * accuracy: a server of known latency (5 ms, 2 of 100 requests 50 ms); the truth is p50 5.0 and p99 50.0 ms plus the wire.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from '../../../src/load/statistics/mean.ts';
import { freePort } from '../../load/real/servers.ts';
import { startTruthServer } from '../../load/servers/start.ts';
import { serverCpu, type ToolResult, tools } from './tools.ts';

const [what = 'throughput', roundsText = '3', secondsText = '3'] = process.argv.slice(2);
const rounds = Number(roundsText);
const seconds = Number(secondsText);

async function echoServer(replyBytes: number): Promise<{ readonly url: string; stop(): void }> {
  const binary = join(mkdtempSync(join(tmpdir(), 'modelwright-echo-')), 'echo');
  execFileSync('cc', ['-O2', '-o', binary, fileURLToPath(new URL('./echo.c', import.meta.url))]);
  const port = await freePort();
  const child = spawn('taskset', ['-c', availableParallelism() > 1 ? serverCpu : '0', binary, String(port), String(replyBytes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill('SIGKILL') };
}

interface Measured extends ToolResult {
  readonly tool: string;
  readonly round: number;
  readonly concurrency: number;
  readonly bodyBytes: number;
}

/** Every tool once in each round, ours first and last in turn, so that none always has the quieter moment. */
async function measure(url: string, path: string, body: string, concurrencies: readonly number[]): Promise<Measured[]> {
  const results: Measured[] = [];
  for (const concurrency of concurrencies) {
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? tools : tools.toReversed();
      for (const { name, run } of order) {
        if (run === undefined) continue;
        const result = await run({ url, path, concurrency, seconds, body }).catch((error: Error) => {
          process.stderr.write(`${name}: ${error.message.slice(0, 300)}\n`);
          return undefined;
        });
        if (result === undefined) continue;
        results.push({ tool: name, round, concurrency, bodyBytes: body.length, ...result });
        process.stderr.write(
          `${name} c=${concurrency} ${body.length} B: ${result.perSecond.toFixed(0)}/s p50 ${result.p50} p99 ${result.p99} cpu ${result.cpuMicroseconds.toFixed(1)} us\n`,
        );
      }
    }
  }
  return results;
}

function summary(results: readonly Measured[]) {
  const rows = [];
  for (const bodyBytes of new Set(results.map((result) => result.bodyBytes))) {
    for (const concurrency of new Set(results.map((result) => result.concurrency))) {
      const here = results.filter((result) => result.concurrency === concurrency && result.bodyBytes === bodyBytes);
      for (const tool of new Set(here.map((result) => result.tool))) {
        const own = here.filter((result) => result.tool === tool);
        const ratios = own.flatMap((result) => {
          const wrk = here.find((other) => other.tool === 'wrk' && other.round === result.round);
          return wrk === undefined ? [] : [result.perSecond / wrk.perSecond];
        });
        const of = (read: (result: Measured) => number) => {
          const values = own.map(read);
          return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
        };
        rows.push({
          tool,
          concurrency,
          bodyBytes,
          rounds: own.length,
          toWrk: ratios.length === 0 ? null : { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) },
          perSecond: of((result) => result.perSecond),
          cpuMicroseconds: of((result) => result.cpuMicroseconds),
          p50: of((result) => result.p50),
          p99: of((result) => result.p99),
        });
      }
    }
  }
  return rows;
}

const results: Measured[] = [];
if (what === 'throughput') {
  for (const bodyBytes of [200, 150_000]) {
    const server = await echoServer(195);
    results.push(
      ...(await measure(server.url, '/', JSON.stringify({ x: 'x'.repeat(bodyBytes - 8) }), bodyBytes === 200 ? [1, 8, 32] : [8])),
    );
    server.stop();
  }
} else {
  await using server = await startTruthServer({ kind: 'bimodal', microseconds: 5000, slowMicroseconds: 50_000, slowShare: 0.02 });
  const body = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] }] });
  results.push(...(await measure(server.url, '/v2/models/truth/infer', body, [1, 8, 32])));
}
console.log(
  JSON.stringify(
    {
      what,
      date: new Date().toISOString(),
      node: process.version,
      kernel: release(),
      processor: cpus()[0]?.model,
      processors: availableParallelism(),
      loadAverage: loadavg(),
      rounds,
      seconds,
      rows: summary(results),
    },
    null,
    1,
  ),
);
