/**
 * What is reported beside what a server of known service time saw by the same clock: how late an open loop's requests arrive, and how much
 * of a reported latency is neither the server's nor the wire's. Live figures, reported and not asserted.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { nearestRank } from '../../../src/load/statistics/percentile.ts';
import { freePort } from '../../load/real/servers.ts';
import { type Figure, figure } from '../figure.ts';
import { compiledServer } from './server.ts';
import { clientCpu, serverCpu } from './tools.ts';

const exec = promisify(execFile);
const client = fileURLToPath(new URL('./wire-client.ts', import.meta.url));

/** One request as the server saw it: its number, when it came and when it was answered, microseconds of the monotonic clock. */
interface Seen {
  readonly number: number;
  readonly came: number;
  readonly answered: number;
}

interface ClockedServer extends AsyncDisposable {
  readonly port: number;
  /** Round trips of the C client, microseconds: the server's time and the wire's. */
  probe(requests: number): Promise<{ readonly p50: number; readonly p99: number }>;
  /** Ends it; gives what it saw, in the order of arrival. */
  stop(): Promise<Seen[]>;
}

async function startClocked(serviceMicroseconds: number): Promise<ClockedServer> {
  const port = await freePort();
  const stamps = join(mkdtempSync(join(tmpdir(), 'modelwright-clocked-')), 'stamps');
  const child = spawn('taskset', ['-c', onTwo(serverCpu), compiledServer(), 'clocked', String(port), String(serviceMicroseconds), stamps], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    port,
    async probe(requests) {
      const { stdout } = await exec('taskset', ['-c', clientCpu, compiledServer(), 'probe', String(port), String(requests)]);
      const [p50 = Number.NaN, p99 = Number.NaN] = stdout.trim().split(' ').map(Number);
      return { p50: p50 / 1000, p99: p99 / 1000 };
    },
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      const bytes = readFileSync(stamps);
      const number = (offset: number) => Number(bytes.readBigInt64LE(offset));
      return Array.from({ length: bytes.length / 24 }, (_, i) => ({
        number: number(i * 24),
        came: number(i * 24 + 8) / 1000,
        answered: number(i * 24 + 16) / 1000,
      }));
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
    },
  };
}

/** With one processor there is no other to keep free. */
function onTwo(processor: string): string {
  return availableParallelism() > 1 ? processor : clientCpu;
}

interface Told {
  readonly requests: number;
  readonly p50: number;
  readonly p99: number;
  readonly lagP50: number | null;
  readonly lagP99: number | null;
  readonly sentPerSecond: number;
  readonly intended: readonly number[];
}

async function measure(port: number, loop: 'closed' | 'open', level: number, seconds: number): Promise<Told> {
  const args = [process.execPath, client, `http://127.0.0.1:${port}`, loop, String(level), String(seconds)];
  const { stdout } = await exec('taskset', ['-c', clientCpu, ...args], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout) as Told;
}

/** Arrivals after the intended times, sorted: the measured requests are the last ones that were sent. */
function lateBy({ intended }: Told, seen: readonly Seen[]): number[] {
  const came = new Map(seen.map((one) => [one.number, one.came]));
  const first = seen.length - intended.length;
  return intended
    .map((at, i) => {
      const arrival = came.get(first + i);
      if (arrival === undefined) throw new Error(`request ${first + i} of ${seen.length} never came`);
      return arrival - at;
    })
    .sort((a, b) => a - b);
}

const serviceMicroseconds = 5000;

export async function wire(rounds: number, seconds: number): Promise<Figure[]> {
  return [...(await lateness(rounds, seconds)), ...(await truth(rounds, seconds))];
}

/** From the intended time to the server's read of the request, on one machine's clock. */
async function lateness(rounds: number, seconds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const rate of [100, 1000, 5000]) {
    const runs: { p50: number; p90: number; p99: number; lagP50: number | null; requests: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      await using server = await startClocked(200);
      const told = await measure(server.port, 'open', rate, seconds);
      const late = lateBy(told, await server.stop());
      const at = (q: number) => nearestRank(late, q);
      runs.push({ p50: at(0.5), p90: at(0.9), p99: at(0.99), lagP50: told.lagP50, requests: late.length });
      console.error(
        `  open, ${rate}/s: on the wire p50 ${at(0.5).toFixed(1)} p90 ${at(0.9).toFixed(1)} p99 ${at(0.99).toFixed(1)} µs after the intended time`,
      );
    }
    figures.push(
      figure(
        `open loop at ${rate}/s: read by the server after the intended time, p50`,
        'µs',
        runs.map(({ p50 }) => p50),
        { ...(rate === 1000 ? { goal: { atMost: 60 } } : {}), detail: { runs } },
      ),
    );
  }
  return figures;
}

/** The reported p50 less the server's own, beside the same of a C client that only waits: what is left is ours. */
async function truth(rounds: number, seconds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [loop, level] of [
    ['closed', 1],
    ['closed', 16],
    ['open', 500],
  ] as const) {
    const runs: { ours: number; wire: number; served: number; requests: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      await using bare = await startClocked(serviceMicroseconds);
      const probed = await bare.probe(Math.round((seconds * 1e6) / serviceMicroseconds));
      const bareServed = servedP50(await bare.stop());
      await using server = await startClocked(serviceMicroseconds);
      const told = await measure(server.port, loop, level, seconds);
      const served = servedP50(await server.stop());
      runs.push({ ours: told.p50 - served, wire: probed.p50 - bareServed, served, requests: told.requests });
      console.error(
        `  ${loop} ${level}: p50 ${told.p50.toFixed(1)} µs, the server took ${served.toFixed(1)}; a bare C client ${probed.p50.toFixed(1)}, ${bareServed.toFixed(1)}`,
      );
    }
    figures.push(
      figure(
        `fixed ${serviceMicroseconds / 1000} ms, ${loop} ${level}: reported p50 above the server's own and the wire's`,
        'µs',
        runs.map(({ ours, wire }) => ours - wire),
        { goal: { atMost: 100 }, detail: { runs } },
      ),
    );
  }
  return figures;
}

/** Median of what the server really took: its timer is late too. */
function servedP50(seen: readonly Seen[]): number {
  return nearestRank(
    seen.map(({ came, answered }) => answered - came).sort((a, b) => a - b),
    0.5,
  );
}
