/** Whether a new run is called for. */
import type { Run } from './decision.ts';
import type { Observed } from './observed.ts';
import { specHashOf } from './plan/run-id.ts';
import { followSchedule, type ScheduleDecision } from './schedule/schedule.ts';

export type Trigger = NonNullable<Run['trigger']>;

/**
 * Why a new run is to begin; undefined when the one there is stands. A suspended profile begins none; one with a schedule begins them at
 * its times, and when it is asked to by spec.runId.
 */
export function triggerOf(observed: Pick<Observed, 'profile' | 'now'>): Trigger | undefined {
  const { spec, status } = observed.profile;
  if (spec.suspend === true) return undefined;
  const run = status?.run;
  if (spec.schedule !== undefined) {
    if (run?.requestedRunId !== spec.runId && spec.runId !== undefined) return 'Requested';
    return scheduleOf(observed)?.kind === 'Begin' ? 'Scheduled' : undefined;
  }
  if (run === undefined) return 'First';
  if (run.specHash !== specHashOf(spec)) return 'SpecChanged';
  if (run.requestedRunId !== spec.runId) return 'Requested';
  return run.state === 'Cancelled' ? 'Resumed' : undefined;
}

/** Where the schedule stands; undefined without one, and while the profile is suspended. */
export function scheduleOf({ profile, now }: Pick<Observed, 'profile' | 'now'>): ScheduleDecision | undefined {
  const { spec, status, metadata } = profile;
  if (spec.schedule === undefined || spec.suspend === true) return undefined;
  const running = status?.run?.state === 'Waiting' || status?.run?.state === 'Running';
  return followSchedule({ schedule: spec.schedule, status: status?.schedule, uid: metadata.uid, now, running });
}
