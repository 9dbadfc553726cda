import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../src/load/report/report.ts';

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface BenchRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `modelwright bench` in a process of its own; `onLine` sees each line of stderr with the child's pid.
 * @param nodeFlags of Node itself
 * @param stdoutFile takes stdout instead of the caller
 */
export async function bench(
  args: readonly string[],
  onLine?: (line: string, pid: number) => void,
  nodeFlags: readonly string[] = [],
  stdoutFile?: string,
): Promise<BenchRun> {
  const out = stdoutFile === undefined ? 'pipe' : openSync(stdoutFile, 'w');
  const child = spawn(process.execPath, [...nodeFlags, program, 'bench', ...args], { stdio: ['ignore', out, 'pipe'] });
  if (typeof out === 'number') closeSync(out);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    for (const line of chunk.toString().split('\n')) if (line !== '') onLine?.(line, child.pid as number);
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}

/** Runs it with the JSON report on stdout; throws with its stderr when there is none. */
export async function benchReport(args: readonly string[]): Promise<Report> {
  const { stdout, stderr, code } = await bench([...args, '-o', 'json']);
  if (!stdout.startsWith('{')) throw new Error(`modelwright bench ${args.join(' ')} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as Report;
}
