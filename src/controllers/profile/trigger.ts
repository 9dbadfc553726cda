/** Whether a new run is called for. */
import type { Observed } from './observed.ts';
import { specHashOf } from './plan/run-id.ts';

export type Trigger = 'First' | 'SpecChanged' | 'Requested' | 'Resumed';

/** Why a new run is to begin; undefined when the one there is stands. A suspended profile begins none. */
export function triggerOf({ profile }: Pick<Observed, 'profile'>): Trigger | undefined {
  const { spec, status } = profile;
  if (spec.suspend === true) return undefined;
  const run = status?.run;
  if (run === undefined) return 'First';
  if (run.specHash !== specHashOf(spec)) return 'SpecChanged';
  if (run.requestedRunId !== spec.runId) return 'Requested';
  return run.state === 'Cancelled' ? 'Resumed' : undefined;
}
