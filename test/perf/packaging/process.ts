import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Measured {
  readonly seconds: number;
  /** Largest resident memory of the process, from the kernel. */
  readonly memoryMiB: number;
}

/** Runs a program to its end; a failure is an error with what it wrote. */
export async function measureProcess(command: string, args: readonly string[]): Promise<Measured> {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  let code: number | null | undefined;
  const ended = new Promise<void>((resolve) =>
    child.once('close', (status) => {
      code = status;
      resolve();
    }),
  );
  let memoryKiB = 0;
  while (code === undefined) {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    memoryKiB = Math.max(memoryKiB, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    await Promise.race([ended, sleep(20)]);
  }
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${errors.slice(-2000)}`);
  return { seconds: (performance.now() - started) / 1000, memoryMiB: Math.round(memoryKiB / 1024) };
}
