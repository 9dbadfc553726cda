/** What a search has come to: for each batch size, and each entry of the hardware, the largest level that keeps the objective. Pure. */
import type { ModelProfileStatus, ProfileResult } from '../../../api/model-profile/index.ts';
import { chooseBest, type Objective } from '../../../load/best.ts';
import type { Task } from '../plan/tasks.ts';
import { resultsOf } from '../plan/tasks.ts';
import { candidateOf } from './choose.ts';

export type Search = NonNullable<ModelProfileStatus['searches']>[number];

/** One for each search that has given results. Of the levels that a load pod tried the eight around its result came back. */
export function searchesOf(tasks: readonly Task[], results: readonly ProfileResult[], objective: Objective): Search[] {
  return tasks.flatMap((task): Search[] => {
    const tried = task.kind === 'Search' ? resultsOf(task, results) : [];
    if (tried.length === 0) return [];
    const judged = tried.map((result) => ({ level: levelOf(result), keeps: chooseBest([candidateOf(result)], objective).best !== null }));
    const found = Math.max(...judged.flatMap(({ level, keeps }) => (keeps ? [level] : [])));
    const failed = Math.min(...judged.flatMap(({ level, keeps }) => (!keeps && !(level <= found) ? [level] : [])));
    return [
      {
        id: task.id,
        batchSize: task.batchSize,
        ...(task.hardware !== undefined && { hardware: task.hardware }),
        ...(Number.isFinite(found) && { found: text(found) }),
        ...(Number.isFinite(failed) && { failedAt: text(failed) }),
      },
    ];
  });
}

export function levelOf({ concurrency, requestsPerSecond }: ProfileResult): number {
  return concurrency ?? Number(requestsPerSecond ?? 0);
}

function text(level: number): string {
  return String(Number(level.toFixed(3)));
}
