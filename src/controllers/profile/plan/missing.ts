import type { ProfileResult } from '../../../api/model-profile/index.ts';
import { resultsOf, type Task } from './tasks.ts';

/** What happened to the target while a point was measured; set by the operator, which sees the pods. */
export const disturbanceReasons = [
  'TargetRestarted',
  'TargetRescaled',
  'TargetImageChanged',
  'TargetNotReady',
  'NodePressure',
  'OtherGpuTenant',
] as const;
export type DisturbanceReason = (typeof disturbanceReasons)[number];

/**
 * Findings of `modelwright bench` that speak of the moment: measured again, the point may well be sound. Too many errors or too few
 * requests are what the setting gives, and would come out the same.
 */
const passing: ReadonlySet<string> = new Set([
  'Interrupted',
  'Unstable',
  'SendLag',
  'Throttled',
  'EventLoopDelay',
  'ClientBusy',
  'LittlesLaw',
  'ServerRestarted',
  ...disturbanceReasons,
]);

/** Tasks that are still to be measured: those without a result, and those whose result came out invalid for a cause that may pass. */
export function missingTasks(tasks: readonly Task[], results: readonly ProfileResult[], maxRepeats: number): Task[] {
  return tasks.filter((task) => {
    const measured = resultsOf(task, results);
    return measured.length === 0 || deservesRepeat(measured, maxRepeats);
  });
}

function deservesRepeat(measured: readonly ProfileResult[], maxRepeats: number): boolean {
  // Of a search, single levels may be unsound; it is repeated when nothing of it can be used.
  if (measured.some(({ valid }) => valid)) return false;
  if (measured.some(({ repeats }) => (repeats ?? 0) >= maxRepeats)) return false;
  return measured.every(({ invalidReasons }) => (invalidReasons ?? []).some((reason) => passing.has(reason)));
}
