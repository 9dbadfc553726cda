/** Ours beside wrk, hey, autocannon and k6 on the same server in the same minutes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { freePort } from '../../load/real/servers.ts';
import { startTruthServer } from '../../load/servers/start.ts';
import { type Figure, figure, medianOf } from '../figure.ts';
import { compiledServer } from './server.ts';
import { serverCpu, type ToolResult, tools } from './tools.ts';

interface Measured extends ToolResult {
  readonly tool: string;
  readonly round: number;
}

/** A C server that only answers, on a processor of its own where there are two. */
async function echoServer(replyBytes: number): Promise<{ readonly url: string; stop(): void }> {
  const port = await freePort();
  const child = spawn(
    'taskset',
    ['-c', availableParallelism() > 1 ? serverCpu : '0', compiledServer(), 'echo', String(port), String(replyBytes)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  await once(child.stdout, 'data');
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill('SIGKILL') };
}

/** Every tool once in each round, in turn forwards and backwards, so that none always has the quieter moment. */
async function measure(
  url: string,
  path: string,
  body: string,
  concurrency: number,
  rounds: number,
  seconds: number,
  warmupRequests: number,
): Promise<Measured[]> {
  const results: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of round % 2 === 0 ? tools : tools.toReversed()) {
      if (run === undefined) continue;
      try {
        const result = await run({ url, path, concurrency, seconds, body, warmupRequests });
        results.push({ tool: name, round, ...result });
        console.error(
          `  ${name}, ${concurrency} at once, ${body.length} B: ${result.perSecond.toFixed(0)}/s, p50 ${result.p50.toFixed(3)} p99 ${result.p99.toFixed(3)} ms, ${result.cpuMicroseconds.toFixed(1)} µs CPU`,
        );
      } catch (error) {
        console.error(`  ${name}: ${(error as Error).message.slice(0, 300)}`);
      }
    }
  }
  return results;
}

/** Requests per second of a client that has one processor, as a ratio within the same round. */
function ratios(results: readonly Measured[], of: string, to: readonly string[], read: (result: Measured) => number): number[] {
  return results
    .filter((result) => result.tool === of)
    .flatMap((result) => {
      const others = results.filter((other) => other.round === result.round && to.includes(other.tool)).map(read);
      return others.length === 0 ? [] : [read(result) / Math.max(...others)];
    });
}

function perTool(results: readonly Measured[]): Record<string, unknown> {
  const detail: Record<string, unknown> = {};
  for (const tool of new Set(results.map((result) => result.tool))) {
    const own = results.filter((result) => result.tool === tool);
    const of = (read: (result: Measured) => number) => Number(medianOf(own.map(read)).toPrecision(4));
    detail[tool] = {
      perSecond: of((result) => result.perSecond),
      cpuMicroseconds: of((result) => result.cpuMicroseconds),
      p50: of((result) => result.p50),
      p99: of((result) => result.p99),
      errors: own.reduce((sum, result) => sum + result.errors, 0),
    };
  }
  return detail;
}

/** How much one processor of client can ask: against wrk, and against the best of the Node tools. */
export async function throughput(rounds: number, seconds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [bodyBytes, concurrencies] of [
    [200, [1, 8, 32]],
    [150_000, [8]],
  ] as const) {
    const body = JSON.stringify({ x: 'x'.repeat(bodyBytes - 8) });
    for (const concurrency of concurrencies) {
      const server = await echoServer(195);
      const results = await measure(server.url, '/', body, concurrency, rounds, seconds, 30_000);
      server.stop();
      const where = `${bodyBytes} B, ${concurrency} at once`;
      const detail = perTool(results);
      const add = (name: string, runs: readonly number[], goal: number | undefined) => {
        if (runs.length > 0)
          figures.push(figure(`${name}, ${where}`, 'ratio', runs, { ...(goal === undefined ? {} : { goal: { atLeast: goal } }), detail }));
      };
      const small = bodyBytes === 200 && concurrency > 1;
      add(
        'requests per second, ours to wrk',
        ratios(results, 'modelwright', ['wrk'], (result) => result.perSecond),
        small ? 0.75 : undefined,
      );
      add(
        'requests per CPU second, ours to wrk',
        ratios(results, 'modelwright', ['wrk'], (result) => 1 / result.cpuMicroseconds),
        small ? 0.75 : undefined,
      );
      add(
        'requests per second, ours to autocannon',
        ratios(results, 'modelwright', ['autocannon'], (result) => result.perSecond),
        small ? 1.4 : undefined,
      );
    }
  }
  return figures;
}

/** What each tool reports of a server that takes 5 ms, and 50 ms for 2 of 100 requests. */
export async function accuracy(rounds: number, seconds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  const body = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] }] });
  for (const concurrency of [1, 32]) {
    await using server = await startTruthServer({ kind: 'bimodal', microseconds: 5000, slowMicroseconds: 50_000, slowShare: 0.02 });
    const results = await measure(server.url, '/v2/models/truth/infer', body, concurrency, rounds, seconds, 100);
    const own = results.filter((result) => result.tool === 'modelwright');
    if (own.length === 0) continue;
    const detail = perTool(results);
    figures.push(
      figure(
        `reported p50 above the true 5 ms, ${concurrency} at once`,
        'µs',
        own.map((result) => (result.p50 - 5) * 1000),
        { detail },
      ),
    );
    figures.push(
      figure(
        `reported p99 above the true 50 ms, ${concurrency} at once`,
        'µs',
        own.map((result) => (result.p99 - 50) * 1000),
        { detail },
      ),
    );
  }
  return figures;
}
