import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../src/load/report/report.ts';

const cli = fileURLToPath(new URL('./cli.ts', import.meta.url));

export interface BenchRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `modelwright bench` in a process of its own; `onLine` sees each line of stderr with the child's pid. */
export async function bench(args: readonly string[], onLine?: (line: string, pid: number) => void): Promise<BenchRun> {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
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
