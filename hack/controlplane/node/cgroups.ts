/** The cgroups of an instance's node, which the kernel keeps after their processes are gone. */
import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { instanceMark } from './network.ts';

const TREES = '/sys/fs/cgroup';

/** The name of the node's cgroup in every tree. */
export function cgroupOf(dir: string): string {
  return `modelwright-${instanceMark(dir)}`;
}

/** Removes the cgroups of the instance in `dir`. Waits for processes that are about to end, 10 s at most. */
export function removeCgroups(dir: string): void {
  if (process.platform !== 'linux' || !existsSync(TREES)) return;
  const name = cgroupOf(dir);
  const roots = [TREES, ...readdirSync(TREES).map((tree) => join(TREES, tree))].map((tree) => join(tree, name)).filter(existsSync);
  const deadline = Date.now() + 10_000;
  for (const root of roots) {
    while (!removeTree(root) && Date.now() < deadline) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
}

/** A cgroup is a folder that can be removed when it has no folders and no processes; its files go with it. */
function removeTree(folder: string): boolean {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) removeTree(join(folder, entry.name));
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
