/** Runs the container of one Pod as a process, and writes into the Pod's status how that goes. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../../../src/kube/client.ts';
import { keyOf, type Stored } from '../../../src/kube/object.ts';
import { commandLine, messageFile, refusal } from './container.ts';
import { layOut } from './mounts.ts';
import { type Container, type JobPod, pods } from './pod.ts';
import { type Ended, ended, running, waiting } from './status.ts';

export interface RunOptions {
  readonly client: KubeClient;
  /** Program and first arguments that stand for the image's `modelwright`. */
  readonly modelwright: readonly [string, ...string[]];
  readonly say: (line: string) => void;
}

/** A termination message as Kubernetes keeps it, and what it takes of a log instead. */
const messageBytes = 4096;
const logBytes = 2048;

/** Until the process has ended; `signal` ends it in the Pod's grace period. */
export async function runPod(options: RunOptions, pod: Stored<JobPod>, signal: AbortSignal): Promise<void> {
  const { client, say } = options;
  const [container] = pod.spec.containers;
  if (container === undefined) return;
  const write = (status: object) => client.patch(pods, keyOf(pod), { status }, { kind: 'strategic', subresource: 'status' });
  const refused = refusal(container);
  if (refused !== undefined) return void (await write(waiting(pod, 'CreateContainerError', refused)));
  const folder = await mkdtemp(join(tmpdir(), 'modelwright-pod-'));
  try {
    await untilLaidOut(options, pod, container, folder, write, signal);
    await mkdir(dirname(messageFile(container, folder)), { recursive: true });
    await writeFile(messageFile(container, folder), '');
    const startedAt = seconds();
    await write(running(pod, startedAt));
    const result = await runContainer(options, pod, container, folder, signal);
    say(`${pod.metadata.name}: exit code ${result.exitCode}`);
    await write(ended(pod, { ...result, startedAt, finishedAt: seconds() }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A kubelet waits for what a volume names, and says so. */
async function untilLaidOut(
  { client }: RunOptions,
  pod: JobPod,
  container: Container,
  folder: string,
  write: (status: object) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      return await layOut(client, pod, container, folder, signal);
    } catch (error) {
      signal.throwIfAborted();
      await write(waiting(pod, 'ContainerCreating', (error as Error).message));
      await sleep(1000, undefined, { signal });
    }
  }
}

function runContainer(
  { modelwright, say }: RunOptions,
  pod: JobPod,
  container: Container,
  folder: string,
  signal: AbortSignal,
): Promise<Pick<Ended, 'exitCode' | 'message'>> {
  const { args, env } = commandLine(pod, container, folder);
  const [program, ...first] = modelwright;
  say(`${pod.metadata.name}: modelwright ${args.join(' ')}`);
  return new Promise((done, fail) => {
    const child = spawn(program, [...first, ...args], {
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...ofTheMachine(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = Buffer.alloc(0);
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        log = Buffer.concat([log, chunk]).subarray(-logBytes);
      });
    const kill = () => {
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000).unref();
    };
    signal.addEventListener('abort', kill, { once: true });
    if (signal.aborted) kill();
    child.once('error', fail);
    child.once('close', (code, killedBy) => {
      signal.removeEventListener('abort', kill);
      const exitCode = code ?? (killedBy === 'SIGKILL' ? 137 : 143);
      lastWords(container, folder, exitCode, log).then((message) => done({ exitCode, message }), fail);
    });
  });
}

/** What is said to every Node of this machine, such as whom it trusts; and what a test says of the names that are to resolve here. */
function ofTheMachine(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => /^(NODE_(OPTIONS|EXTRA_CA_CERTS)|MODELWRIGHT_TEST_)/.test(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? '']));
}

/** The termination message file, or the end of the log where it is empty and the container failed. */
async function lastWords(container: Container, folder: string, exitCode: number, log: Buffer): Promise<string> {
  const file = (await readFile(messageFile(container, folder))).subarray(0, messageBytes).toString();
  if (file !== '' || exitCode === 0 || container.terminationMessagePolicy !== 'FallbackToLogsOnError') return file;
  return log.toString();
}

/** Kubernetes keeps whole seconds. */
function seconds(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
