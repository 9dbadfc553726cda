import { pointsPerMessage } from '../../../load/compact.ts';
import type { Task } from './tasks.ts';

/**
 * Divides tasks among completion indexes: at most eight points each, since that is what a termination message holds, and points of one
 * batch size together, since a new shape of requests warms the server up anew. A search is an index of its own, and so is a scenario. Small batch sizes share
 * an index, so that not every one costs the start of a pod.
 */
export function chunksOf(tasks: readonly Task[]): Task[][] {
  const chunks: Task[][] = [];
  let open: Task[] = [];
  for (const group of byShape(tasks)) {
    if (group[0]?.kind !== 'Point') {
      chunks.push(...group.map((task) => [task]));
      continue;
    }
    if (open.length + group.length <= pointsPerMessage) {
      if (open.length === 0) chunks.push(open);
      open.push(...group);
      continue;
    }
    const parts = evenly(group, Math.ceil(group.length / pointsPerMessage));
    chunks.push(...parts);
    open = parts.at(-1) ?? [];
  }
  return chunks;
}

function byShape(tasks: readonly Task[]): Task[][] {
  return [...Map.groupBy(tasks, ({ kind, hardware, batchSize }) => JSON.stringify([kind, hardware, batchSize])).values()];
}

function evenly<T>(items: readonly T[], parts: number): T[][] {
  return Array.from({ length: parts }, (_, part) =>
    items.slice(Math.round((part * items.length) / parts), Math.round(((part + 1) * items.length) / parts)),
  );
}
