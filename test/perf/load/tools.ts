import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { installed } from '../../load/real/install.ts';

/** What a tool says of one run, times in milliseconds. */
export interface ToolResult {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly errors: number;
  /** CPU time of the tool for each request, microseconds. */
  readonly cpuMicroseconds: number;
}

export interface Load {
  readonly url: string;
  readonly path: string;
  readonly concurrency: number;
  readonly seconds: number;
  readonly body: string;
  /** Requests before ours is measured: enough for its code to be compiled, where the server is fast. */
  readonly warmupRequests: number;
}

export interface Tool {
  readonly name: string;
  /** Undefined where the tool is not installed. */
  readonly run: ((load: Load) => Promise<ToolResult>) | undefined;
}

const exec = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'modelwright-tools-'));

/** The client's processor where there is another for the server. */
export const clientCpu = '0';
export const serverCpu = '1';

/** Runs a command pinned to the client's processor; gives its output and CPU seconds. */
async function pinned(command: string, args: readonly string[]): Promise<{ readonly out: string; readonly cpu: number }> {
  const script = 'TIMEFORMAT="CPU %U %S"; time taskset -c "$0" "$@"';
  const { stdout, stderr } = await exec('bash', ['-c', script, clientCpu, command, ...args], { maxBuffer: 1 << 26 });
  const [, user, system] = /CPU ([\d.]+) ([\d.]+)\s*$/.exec(stderr) ?? [];
  return { out: stdout, cpu: Number(user) + Number(system) };
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function milliseconds(text: string | undefined): number {
  const match = /^([\d.]+)(us|ms|s|m)$/.exec(text ?? '');
  return Number(match?.[1]) * ({ us: 0.001, ms: 1, s: 1000, m: 60_000 }[match?.[2] ?? ''] ?? Number.NaN);
}

const inPath = (name: string) => (process.env['PATH'] ?? '').split(':').some((entry) => existsSync(join(entry, name)));

async function engine(load: Load): Promise<ToolResult> {
  const client = fileURLToPath(new URL('./client.ts', import.meta.url));
  const { out } = await pinned(process.execPath, [
    client,
    load.url,
    String(load.concurrency),
    String(load.seconds),
    file('body', load.body),
    load.path,
    String(load.warmupRequests),
  ]);
  return JSON.parse(out) as ToolResult;
}

async function wrk(load: Load): Promise<ToolResult> {
  const script = file(
    'post.lua',
    `wrk.method = "POST"\nwrk.body = [==[${load.body}]==]\nwrk.headers["Content-Type"] = "application/json"\n`,
  );
  const { out, cpu } = await pinned('wrk', [
    '-t1',
    `-c${load.concurrency}`,
    `-d${load.seconds}s`,
    '-s',
    script,
    '--latency',
    load.url + load.path,
  ]);
  const requests = Number(/(\d+) requests in/.exec(out)?.[1]);
  const errors = Number(/Non-2xx or 3xx responses: (\d+)/.exec(out)?.[1] ?? 0);
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)?.[1]),
    p50: milliseconds(/50%\s+(\S+)/.exec(out)?.[1]),
    p99: milliseconds(/99%\s+(\S+)/.exec(out)?.[1]),
    errors,
    cpuMicroseconds: (cpu * 1e6) / requests,
  };
}

async function hey(load: Load): Promise<ToolResult> {
  const { out, cpu } = await pinned('hey', [
    '-cpus',
    '1',
    '-z',
    `${load.seconds}s`,
    '-c',
    String(load.concurrency),
    '-m',
    'POST',
    '-T',
    'application/json',
    '-D',
    file('body', load.body),
    load.url + load.path,
  ]);
  const ok = Number(/\[200\]\s+(\d+) responses/.exec(out)?.[1] ?? 0);
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)?.[1]),
    p50: Number(/50%+ in ([\d.]+) secs/.exec(out)?.[1]) * 1000,
    p99: Number(/99%+ in ([\d.]+) secs/.exec(out)?.[1]) * 1000,
    errors: 0,
    cpuMicroseconds: (cpu * 1e6) / ok,
  };
}

async function autocannon(load: Load): Promise<ToolResult> {
  const found = installed('autocannon');
  const script = join('folder' in found ? found.folder : '', 'node_modules', 'autocannon', 'autocannon.js');
  const { out, cpu } = await pinned(process.execPath, [
    script,
    '-j',
    '-c',
    String(load.concurrency),
    '-d',
    String(load.seconds),
    '-m',
    'POST',
    '-H',
    'content-type=application/json',
    '-i',
    file('body', load.body),
    load.url + load.path,
  ]);
  const result = JSON.parse(out) as {
    requests: { average: number; total: number };
    latency: { p50: number; p99: number };
    errors: number;
    non2xx: number;
  };
  return {
    perSecond: result.requests.average,
    p50: result.latency.p50,
    p99: result.latency.p99,
    errors: result.errors + result.non2xx,
    cpuMicroseconds: (cpu * 1e6) / result.requests.total,
  };
}

async function k6(load: Load): Promise<ToolResult> {
  const found = installed('k6');
  const summary = join(folder, 'k6.json');
  const script = file(
    'k6.js',
    `import http from 'k6/http';
const body = ${JSON.stringify(load.body)};
export const options = { vus: ${load.concurrency}, duration: '${load.seconds}s', summaryTrendStats: ['p(50)', 'p(99)'] };
export default function () { http.post('${load.url}${load.path}', body, { headers: { 'Content-Type': 'application/json' } }); }
`,
  );
  const { cpu } = await pinned(join('folder' in found ? found.folder : '', 'k6'), [
    'run',
    '--quiet',
    '--no-usage-report',
    '--address',
    '',
    '--summary-export',
    summary,
    script,
  ]);
  const { metrics } = JSON.parse(readFileSync(summary, 'utf8')) as { metrics: Record<string, Record<string, number>> };
  const requests = metrics['http_reqs'] ?? {};
  const latency = metrics['http_req_duration'] ?? {};
  return {
    perSecond: requests['rate'] ?? Number.NaN,
    p50: latency['p(50)'] ?? Number.NaN,
    p99: latency['p(99)'] ?? Number.NaN,
    errors: metrics['http_req_failed']?.['passes'] ?? 0,
    cpuMicroseconds: (cpu * 1e6) / (requests['count'] ?? Number.NaN),
  };
}

/** Ours first; the others as far as they are there. */
export const tools: readonly Tool[] = [
  { name: 'modelwright', run: engine },
  { name: 'wrk', run: inPath('wrk') ? wrk : undefined },
  { name: 'hey', run: inPath('hey') ? hey : undefined },
  { name: 'autocannon', run: 'folder' in installed('autocannon') ? autocannon : undefined },
  { name: 'k6', run: 'folder' in installed('k6') ? k6 : undefined },
];
