import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

let compiled: string | undefined;

/** The program of `server.c`, compiled once in a process. */
export function compiledServer(): string {
  if (compiled === undefined) {
    compiled = join(mkdtempSync(join(tmpdir(), 'modelwright-server-')), 'server');
    execFileSync('cc', ['-O2', '-o', compiled, fileURLToPath(new URL('./server.c', import.meta.url))]);
  }
  return compiled;
}
