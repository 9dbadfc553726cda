/** The operator under test, as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { nodeEnvironment, nodeFlags } from '../../hack/node-flags.ts';
import type { Digest } from './instrumented.ts';

export interface OperatorOptions {
  /** The program, as `buildOperator` made it. */
  readonly program: string;
  readonly kubeconfig: string;
  /** Arguments of `modelwright operator`. */
  readonly args: readonly string[];
}

/** How much of its log is kept for a report. */
const keptLogLines = 400;

export class OperatorProcess {
  readonly #child: ChildProcess;
  readonly #log: string[] = [];
  readonly #exit: Promise<void>;
  /** Answers of the process to questions, oldest question first. */
  readonly #waiting: ((digest: Digest[]) => void)[] = [];
  /** Set when the process ends without our doing. */
  ended: string | undefined;
  #expected = false;

  constructor({ program, kubeconfig, args }: OperatorOptions) {
    this.#child = spawn(process.execPath, [...nodeFlags, program, 'operator', ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        KUBECONFIG: kubeconfig,
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        ...nodeEnvironment,
      },
    });
    const end = () => this.#child.kill('SIGKILL');
    process.once('exit', end);
    const keep = (chunk: Buffer) => {
      this.#log.push(...chunk.toString().split('\n').filter(Boolean));
      if (this.#log.length > keptLogLines) this.#log.splice(0, this.#log.length - keptLogLines);
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    this.#child.on('message', (message) => this.#waiting.shift()?.(message as Digest[]));
    this.#exit = once(this.#child, 'exit').then(([code, signal]) => {
      process.off('exit', end);
      if (!this.#expected) this.ended = signal === null ? `exit code ${code}` : `signal ${signal}`;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Its last log lines. */
  log(lines = keptLogLines): string {
    return this.#log.slice(-lines).join('\n');
  }

  /** Whether it ended as a leader does that lost its lease: somebody starts it again then. */
  get lostLease(): boolean {
    return !this.running && this.#log.some((line) => line.includes('leadership was lost'));
  }

  /** SIGKILL; resolves once the process is gone. */
  async kill(): Promise<void> {
    this.#expected = true;
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  /** SIGTERM; resolves once the process has ended by itself. */
  async terminate(): Promise<void> {
    this.#expected = true;
    this.#child.kill('SIGTERM');
    await this.#exit;
  }

  /** It may end by itself from now on, as a replica that lost its lease does. */
  mayEnd(): void {
    this.#expected = true;
  }

  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  async exited(): Promise<void> {
    await this.#exit;
  }

  /** What its caches hold; undefined when it does not answer in time. */
  async digest(milliseconds = 10_000): Promise<Digest[] | undefined> {
    if (!this.running) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), milliseconds);
      this.#waiting.push((digest) => {
        clearTimeout(timer);
        resolve(digest);
      });
      this.#child.send('digest');
    });
  }
}
