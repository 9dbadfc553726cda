/** Talks to the supervisor of an instance (`supervisor.ts`), which may have been started by another process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Layout } from './layout.ts';
import { lastLines } from './log.ts';
import { removeCgroups } from './node/cgroups.ts';
import { isAlive, signalTo, startMark } from './process.ts';

/** One program to run for the instance; its output goes to `logs/NAME.log`. */
export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface ProcessRecord {
  readonly name: string;
  readonly command: string;
  readonly pid: number;
  /** Start time in the system's words: a process id alone may have passed to another program. */
  readonly mark?: string;
  running: boolean;
  readonly startedAt: string;
  /** How it ended, when it has. */
  ending?: string;
}

export interface ProcessTable {
  readonly supervisor: { readonly pid: number; readonly mark?: string };
  readonly detached: boolean;
  readonly processes: readonly ProcessRecord[];
}

export interface StopOptions {
  /** Default SIGKILL. */
  readonly signal?: NodeJS.Signals;
  /** How long a gentler signal may take before SIGKILL follows; default 10 s. */
  readonly graceMilliseconds?: number;
}

export class SupervisorClient {
  readonly #layout: Layout;
  /** Holds the pipe whose closing ends the instance. */
  readonly #child: ChildProcess | undefined;

  constructor(layout: Layout, child?: ChildProcess) {
    this.#layout = layout;
    this.#child = child;
  }

  /** Starts a supervisor that ends when this process does, until `detach` is called. */
  static async spawn(layout: Layout, portsDir: string): Promise<SupervisorClient> {
    const log = join(layout.logs, 'supervisor.log');
    const output = openSync(log, 'a', 0o600);
    const script = join(import.meta.dirname, 'supervisor.ts');
    const child = spawn(process.execPath, [script, layout.dir, portsDir], { detached: true, stdio: ['pipe', output, output] });
    closeSync(output);
    const pipe = child.stdin as Socket;
    pipe.on('error', () => {});
    // Neither the child nor the pipe keeps a finished test process from ending; its end closes the pipe.
    child.unref();
    pipe.unref();
    while (!existsSync(layout.socket) || !existsSync(layout.processesFile)) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the supervisor did not start: ${lastLines(log, 5)}`);
      await sleep(10);
    }
    return new SupervisorClient(layout, child);
  }

  async start(spec: ProcessSpec): Promise<ProcessRecord> {
    return (await this.#call('POST', '/processes', spec)) as ProcessRecord;
  }

  async stop(name: string, options: StopOptions = {}): Promise<void> {
    await this.#call('POST', `/processes/${name}/stop`, options);
  }

  /** Ends the process, waits until it is gone, and runs it again as it was. */
  async restart(name: string, options: StopOptions = {}): Promise<ProcessRecord> {
    return (await this.#call('POST', `/processes/${name}/restart`, options)) as ProcessRecord;
  }

  async table(): Promise<ProcessTable> {
    return (await this.#call('GET', '/processes')) as ProcessTable;
  }

  /** From now on the instance outlives this process. */
  async detach(): Promise<void> {
    await this.#call('POST', '/detach');
    this.#child?.stdin?.destroy();
  }

  /** Ends every process of the instance and then the supervisor; returns when it is gone. */
  async shutdown(): Promise<void> {
    const known = recorded(this.#layout);
    await this.#call('POST', '/shutdown').catch(() => {});
    this.#child?.stdin?.destroy();
    if (!known) return;
    const deadline = Date.now() + 15_000;
    while (isAlive(known.supervisor.pid) && Date.now() < deadline) await sleep(10);
    killRecorded(known);
  }

  #call(method: string, path: string, body?: unknown): Promise<unknown> {
    return new Promise((done, fail) => {
      const call = request({ socketPath: this.#layout.socket, method, path, agent: false }, async (response) => {
        try {
          const chunks: Buffer[] = [];
          for await (const chunk of response) chunks.push(chunk);
          const answer = JSON.parse(Buffer.concat(chunks).toString()) as { error?: string };
          if (response.statusCode === 200) done(answer);
          else fail(new Error(`instance ${this.#layout.name}: ${answer.error}`));
        } catch (error) {
          fail(error);
        }
      });
      call.on('error', () => fail(new Error(`instance ${this.#layout.name} does not answer: its supervisor is not running`)));
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

/** What the supervisor last wrote down; undefined when nothing was, or the instance was taken down. */
export function recorded(layout: Layout): ProcessTable | undefined {
  try {
    return JSON.parse(readFileSync(layout.processesFile, 'utf8')) as ProcessTable;
  } catch {
    return undefined;
  }
}

/** Whether the supervisor of this record still runs. */
export function supervisorRuns({ supervisor }: ProcessTable): boolean {
  return isAlive(supervisor.pid) && startMark(supervisor.pid) === supervisor.mark;
}

/** Kills what a supervisor that died without cleaning up left behind; processes that only share an id are spared. */
export function killRecorded(table: ProcessTable): void {
  for (const { pid, mark } of [table.supervisor, ...table.processes]) {
    if (pid > 0 && isAlive(pid) && startMark(pid) === mark) signalTo(pid, 'SIGKILL');
  }
}

/** Removes the folder of an instance whose processes are gone. */
export function removeFolder(layout: Layout): void {
  removeCgroups(layout.dir);
  rmSync(layout.dir, { recursive: true, force: true, maxRetries: 5 });
}
