import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { kubeconfig } from '../../support/cluster.ts';

const main = resolve(import.meta.dirname, '../../../src/cli/main.ts');

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line against the cluster of the tests, as a person would. */
export function modelwright(args: readonly string[], input = ''): Promise<Result> {
  return new Promise((done) => {
    const env = { ...process.env, KUBECONFIG: kubeconfig() };
    const child = execFile(process.execPath, [main, ...args], { env }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
    child.stdin?.end(input);
  });
}
