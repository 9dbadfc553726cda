import { join } from 'node:path';
import { lastLines } from '../controlplane/log.ts';
import type { ControlPlane } from '../controlplane/plane.ts';

const began = Date.now();

/** A step of the story, with the seconds since the start. */
export function say(line: string): void {
  console.log(`\n[${((Date.now() - began) / 1000).toFixed(0).padStart(3)} s] ${line}`);
}

/** Prints output as it was, indented below its step. */
export function show(output: string): void {
  for (const line of output.trimEnd().split('\n')) console.log(`    ${line}`);
}

/** What the operator logged last, where the story broke off. */
export function appendLogTail(plane: ControlPlane, process: string): void {
  console.error(`\nThe end of the log of ${process}:\n${lastLines(join(plane.dir, 'logs', `${process}.log`), 20)}`);
}
