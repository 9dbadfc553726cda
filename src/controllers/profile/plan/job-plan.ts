/** Which points a Job measures: written on it when it is made, read back when its pods' messages come in. */
import type { ProfileResult } from '../../../api/model-profile/index.ts';
import { planAnnotation } from '../labels.ts';
import type { JobObject } from '../resources.ts';
import type { Task } from './tasks.ts';
import { resultsOf } from './tasks.ts';

export interface JobPlan {
  /** Entry of the hardware that all of it is measured on. */
  readonly hardware?: string;
  /** For each completion index its task ids, and how often each has been measured before. */
  readonly indexes: readonly Readonly<Record<string, number>>[];
}

/** The plan of a Job over these chunks. A task that was measured before and came out invalid counts on; one that was lost does not. */
export function jobPlanOf(chunks: readonly (readonly Task[])[], results: readonly ProfileResult[]): JobPlan {
  const hardware = chunks[0]?.[0]?.hardware;
  return {
    ...(hardware !== undefined && { hardware }),
    indexes: chunks.map((tasks) => Object.fromEntries(tasks.map((task) => [task.id, timesMeasured(task, results)]))),
  };
}

/** How often a task has been measured to an end. */
export function timesMeasured(task: Task, results: readonly ProfileResult[]): number {
  const measured = resultsOf(task, results);
  return measured.length === 0 ? 0 : Math.max(...measured.map(({ repeats }) => repeats ?? 0)) + 1;
}

/** Reads the plan of a Job; undefined for one whose annotation is not ours any more: nothing of it is taken then. */
export function planOfJob({ metadata }: Pick<JobObject, 'metadata'>): JobPlan | undefined {
  try {
    const plan = JSON.parse(metadata.annotations?.[planAnnotation] ?? '') as Partial<JobPlan> | null;
    const { indexes } = plan ?? {};
    return Array.isArray(indexes) && indexes.every(isCounts) ? (plan as JobPlan) : undefined;
  } catch {
    return undefined;
  }
}

function isCounts(value: unknown): value is Readonly<Record<string, number>> {
  return typeof value === 'object' && value !== null && Object.values(value).every((count) => Number.isInteger(count));
}
