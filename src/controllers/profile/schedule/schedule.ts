/** When a profile with `spec.schedule` begins its next run. */
import { createHash } from 'node:crypto';
import type { ModelProfileSpec, ModelProfileStatus } from '../../../api/model-profile/index.ts';
import { calendarOf, defaultTimeZone } from './calendar.ts';

export type Schedule = NonNullable<ModelProfileSpec['schedule']>;
export type ScheduleStatus = NonNullable<ModelProfileStatus['schedule']>;

export interface ScheduleState {
  readonly schedule: Schedule;
  readonly status: ScheduleStatus | undefined;
  /** UID of the profile: the jitter of two profiles differs. */
  readonly uid: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whether a run is going on. */
  readonly running: boolean;
}

export type ScheduleDecision =
  /** `message`: why the schedule can never be followed, and the remedy. */
  | { readonly kind: 'Refused'; readonly message: string }
  /** Nothing to begin; look again in `wakeAfterMilliseconds`. */
  | { readonly kind: 'Wait'; readonly status: ScheduleStatus; readonly wakeAfterMilliseconds: number }
  /**
   * A run is due. `trigger` is the same whenever the same time of the calendar is decided again, so that a run named after it is begun
   * once whatever happens in between. `replaces`: the run that goes on is to be ended first.
   */
  | {
      readonly kind: 'Begin';
      readonly status: ScheduleStatus;
      readonly trigger: string;
      readonly replaces: boolean;
      readonly wakeAfterMilliseconds: number;
    };

/** Follows the calendar from where the status says it was left. Pure: the same state always gives the same decision. */
export function followSchedule({ schedule, status, uid, now, running }: ScheduleState): ScheduleDecision {
  const calendar = calendarOf(schedule);
  if (calendar.kind === 'NoCalendar') return { kind: 'Refused', message: calendar.message };
  const text = scheduleText(schedule);
  const known = status?.schedule === text ? status : undefined;
  const since = known?.since ?? iso(now);
  const dealtWith = Date.parse(known?.lastTime ?? since);
  const startOf = (time: number) => time + jitterOf(uid, time, schedule.jitterSeconds ?? 0);

  const statusAfter = (done: Pick<ScheduleStatus, 'lastTime' | 'lastOutcome'>): [ScheduleStatus, wakeAfter: number] => {
    const next = calendar.next(Date.parse(done.lastTime ?? since));
    const start = next === undefined ? undefined : startOf(next);
    return [
      { schedule: text, since, ...(start !== undefined && { nextTime: iso(start) }), ...done },
      start === undefined ? dayMilliseconds : Math.min(dayMilliseconds, Math.max(0, start - now)),
    ];
  };

  const time = latestDue(calendar, dealtWith, now, startOf);
  if (time === undefined) {
    const [next, wakeAfterMilliseconds] = statusAfter({
      ...(known?.lastTime !== undefined && { lastTime: known.lastTime }),
      ...(known?.lastOutcome !== undefined && { lastOutcome: known.lastOutcome }),
    });
    return { kind: 'Wait', status: next, wakeAfterMilliseconds };
  }

  const late = now - startOf(time) > (schedule.startingDeadlineSeconds ?? 300) * 1000;
  const lastOutcome = late ? 'Missed' : running && schedule.concurrencyPolicy !== 'Replace' ? 'Skipped' : 'Started';
  const [next, wakeAfterMilliseconds] = statusAfter({ lastTime: iso(time), lastOutcome });
  return lastOutcome === 'Started'
    ? { kind: 'Begin', status: next, trigger: `scheduled-${iso(time)}`, replaces: running, wakeAfterMilliseconds }
    : { kind: 'Wait', status: next, wakeAfterMilliseconds };
}

/** A run's trigger says whether the calendar began it. */
export function isScheduled(trigger: string | undefined): boolean {
  return trigger?.startsWith('scheduled-') ?? false;
}

export function scheduleText({ cron, timeZone }: Schedule): string {
  return `${cron} ${timeZone ?? defaultTimeZone}`;
}

const dayMilliseconds = 86_400_000;

/** The last time after `after` whose start has come by `now`. Of several that were slept through only the last counts, as with a CronJob. */
function latestDue(
  calendar: { next(moment: number): number | undefined; previous(moment: number): number | undefined },
  after: number,
  now: number,
  startOf: (time: number) => number,
): number | undefined {
  let time = calendar.previous(now);
  while (time !== undefined && time > after && startOf(time) > now) time = calendar.previous(time - 1000);
  return time !== undefined && time > after ? time : undefined;
}

/** 0 to `seconds`, in milliseconds; the same for the same profile and time, whoever asks. */
function jitterOf(uid: string, time: number, seconds: number): number {
  return (createHash('sha256').update(`${uid} ${time}`).digest().readUInt32BE() % (seconds + 1)) * 1000;
}

/** RFC 3339 in whole seconds, as `metav1.Time`. */
function iso(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
