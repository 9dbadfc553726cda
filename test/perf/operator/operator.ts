/** The bundled operator as a process, and what the system says about it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { nodeEnvironment, nodeFlags } from '../../../hack/node-flags.ts';
import type { Access } from './access.ts';

export interface OperatorOptions {
  readonly program: string;
  /** How it finds the cluster. */
  readonly access: Access;
  readonly args?: readonly string[];
  /** Further flags of Node, for profiles. */
  readonly flags?: readonly string[];
}

export interface Memory {
  /** Resident set, MB (10^6 bytes). */
  readonly resident: number;
  /** Largest resident set since the start, MB. */
  readonly peak: number;
}

/** Length of a clock tick of /proc/PID/stat, seconds (sysconf(_SC_CLK_TCK) is 100 on Linux). */
const tick = 0.01;

export class Operator {
  readonly port: number;
  /** When the process was started, milliseconds of `performance.now()`. */
  readonly startedAt = performance.now();
  readonly #child: ChildProcess;
  readonly #log: string[] = [];

  private constructor(port: number, { program, access, args = [], flags = [] }: OperatorOptions) {
    this.port = port;
    const metrics = `127.0.0.1:${port}`;
    const [command = '', ...words] = access.command([
      process.execPath,
      ...nodeFlags,
      ...flags,
      program,
      'operator',
      '--metrics-bind-address',
      metrics,
      ...args,
    ]);
    this.#child = spawn(command, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...nodeEnvironment, ...access.environment },
    });
    const keep = (chunk: Buffer) => {
      this.#log.push(chunk.toString());
      if (this.#log.length > 200) this.#log.shift();
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
  }

  static async start(options: OperatorOptions): Promise<Operator> {
    return new Operator(await freePort(), options);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  log(): string {
    return this.#log.join('').slice(-4000);
  }

  /** Resolves when `/readyz` says so, with the milliseconds since the start of the process. */
  async ready(seconds = 120): Promise<number> {
    const deadline = performance.now() + seconds * 1000;
    while (performance.now() < deadline) {
      if (!this.running) throw new Error(`the operator ended: ${this.log()}`);
      const status = await this.#get('/readyz').then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 200) return performance.now() - this.startedAt;
      await sleep(5);
    }
    throw new Error(`the operator is not ready after ${seconds} s: ${this.log()}`);
  }

  /** Sum of a metric over the label sets that contain `labels`. */
  async metric(name: string, labels = ''): Promise<number> {
    const { text } = await this.#get('/metrics');
    return sumOf(text, name, labels);
  }

  async metrics(): Promise<string> {
    return (await this.#get('/metrics')).text;
  }

  memory(): Memory {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const field = (name: string) => (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / 1e6;
    return { resident: field('VmRSS'), peak: field('VmHWM') };
  }

  /** CPU time used so far, user and system, seconds. */
  cpu(): number {
    return cpuOf(this.pid);
  }

  /** Established TCP connections to `port` on loopback. */
  connections(port: number): number {
    const sockets = new Set<string>();
    for (const descriptor of readdirSync(`/proc/${this.pid}/fd`)) {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${this.pid}/fd/${descriptor}`))?.[1];
        if (inode !== undefined) sockets.add(inode);
      } catch {
        // Closed meanwhile.
      }
    }
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    const table = readFileSync(`/proc/${this.pid}/net/tcp`, 'utf8').trim().split('\n').slice(1);
    return table.filter((line) => {
      const [, , remote, state, , , , , , inode] = line.trim().split(/\s+/);
      return state === '01' && remote?.endsWith(`:${hex}`) && sockets.has(inode ?? '');
    }).length;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.running) return;
    this.#child.kill(signal);
    await once(this.#child, 'exit');
  }

  async #get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const answer = await request(`http://127.0.0.1:${this.port}${path}`, { headersTimeout: 5000 });
    return { status: answer.statusCode, text: await answer.body.text() };
  }
}

/** CPU time that a process has used so far, user and system, seconds. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tick;
}

export function sumOf(text: string, name: string, labels: string): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith(name) || !/[ {]/.test(line[name.length] ?? '') || !line.includes(labels)) continue;
    sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
