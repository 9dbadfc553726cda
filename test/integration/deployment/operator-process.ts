/** The operator as people run it: the command line in a process of its own, with the permissions that manifests/operator gives it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubeconfig, kubectl } from '../../support/cluster.ts';

const root = resolve(import.meta.dirname, '../../..');
const serviceAccount = 'modelwright';
const systemNamespace = 'modelwright-system';

/** Whom the audit log names for what this operator does. */
export const operatorUser = `system:serviceaccount:${systemNamespace}:${serviceAccount}`;

export class OperatorProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #lines: Record<string, unknown>[] = [];
  readonly #exit: Promise<unknown>;

  readonly #port: number;

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.#port = port;
    this.#exit = once(child, 'exit');
    let rest = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#lines.push(parsed(line));
    });
    // Node's own warnings are hints about the program, not errors of its work.
    child.stderr?.on('data', (chunk: Buffer) => {
      const text = chunk.toString();
      this.#lines.push({ level: /^\(node:\d+\) \w*Warning: /.test(text) ? 'warn' : 'error', msg: text });
    });
  }

  /** Starts it for some namespaces, with the permissions of manifests/operator, and waits until its controllers work. */
  static async start(namespaces: readonly string[], args: readonly string[] = []): Promise<OperatorProcess> {
    return OperatorProcess.startAs(await operatorKubeconfig(), namespaces, ['--manage-platform', ...args]);
  }

  /** Starts it as whoever this kubeconfig names; without namespaces for all of the cluster. `program` is another version of the command line. */
  static async startAs(
    kubeconfigText: string,
    namespaces: readonly string[],
    args: readonly string[] = [],
    program = join(root, 'src/cli/main.ts'),
  ): Promise<OperatorProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'modelwright-operator-'));
    const file = join(folder, 'kubeconfig');
    writeFileSync(file, kubeconfigText, { mode: 0o600 });
    const port = await freePort();
    const given = [
      'operator',
      '--kubeconfig',
      file,
      ...(namespaces.length === 0 ? [] : ['--namespaces', namespaces.join(',')]),
      '--metrics-bind-address',
      `127.0.0.1:${port}`,
      ...args,
    ];
    const child = spawn(process.execPath, [program, ...given], { stdio: ['ignore', 'pipe', 'pipe'] });
    const operator = new OperatorProcess(child, folder, port);
    await operator.logged('Controllers start');
    return operator;
  }

  /** Waits until a line with this message was logged, counted from the `from`-th line. */
  async logged(message: string, from = 0, seconds = 60): Promise<Record<string, unknown>> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const line = this.#lines.slice(from).find(({ msg }) => msg === message);
      if (line !== undefined) return line;
      if (!this.running || Date.now() > deadline) throw new Error(`the operator did not say "${message}":\n${this.log()}`);
      await sleep(50);
    }
  }

  /** The lines of `/metrics` that begin with this. */
  async metrics(prefix: string): Promise<string[]> {
    const text = await (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).text();
    return text.split('\n').filter((line) => line.startsWith(prefix));
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get lines(): readonly Record<string, unknown>[] {
    return this.#lines;
  }

  log(): string {
    return this.#lines
      .slice(-60)
      .map((line) => JSON.stringify(line))
      .join('\n');
  }

  /** Lines of level error: a sound operator writes none, whatever it is given. */
  errors(): Record<string, unknown>[] {
    return this.#lines.filter(({ level }) => level === 'error' || level === 'fatal');
  }

  /** Sends it a signal, as a node that goes down would. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) {
      this.#child.kill('SIGTERM');
      await this.#exit;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function parsed(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return { level: 'error', msg: line };
  }
}

/** A kubeconfig that is the operator's service account and nobody else. */
async function operatorKubeconfig(): Promise<string> {
  for (const file of ['namespace', 'service-account', 'cluster-role']) {
    await kubectl(['apply', '--server-side', '--force-conflicts', '-f', join(root, `manifests/operator/${file}.yaml`)]);
  }
  return kubeconfigOf(serviceAccount, systemNamespace);
}

/** A kubeconfig of the administrator's cluster for one service account. */
export async function kubeconfigOf(account: string, namespace: string): Promise<string> {
  const token = (await kubectl(['create', 'token', account, '-n', namespace, '--duration=6h'])).trim();
  const admin = JSON.parse(
    await kubectl(['config', 'view', '--raw', '--flatten', '--minify', '-o', 'json', `--kubeconfig=${kubeconfig()}`]),
  ) as {
    users: { name: string; user: object }[];
  };
  return JSON.stringify({ ...admin, users: admin.users.map(({ name }) => ({ name, user: { token } })) });
}
