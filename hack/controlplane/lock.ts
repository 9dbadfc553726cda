/** A lock between processes on one machine. */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { claim, holderOf } from './claim.ts';
import type { Say } from './log.ts';

/** Runs `work` while no other process holds `file`; says once that it waits, and for whom. */
export async function withLock<T>(file: string, say: Say, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  let said = false;
  while (!claim(file, process.pid)) {
    if (!said) say(`waiting for process ${holderOf(file)?.pid ?? 'that was there first'}, which builds into the same cache`);
    said = true;
    await sleep(250);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}
