/** Times of a calendar: a cron expression in a time zone. Times are milliseconds since the epoch. */
import { Cron } from 'croner';

export interface Calendar {
  readonly kind: 'Calendar';
  /** The first time after `moment`; undefined when none ever comes. */
  readonly next: (moment: number) => number | undefined;
  /** The last time at or before `moment`; undefined when there was none. */
  readonly previous: (moment: number) => number | undefined;
}

/** `message`: the field, what is wrong with it and the remedy. */
export interface NoCalendar {
  readonly kind: 'NoCalendar';
  readonly message: string;
}

export const defaultTimeZone = 'Etc/UTC';

const remedy = 'write minute, hour, day of the month, month and day of the week, as in "0 3 * * 1-5", or @daily';

/**
 * Reads `spec.schedule`. Clock changes are Vixie cron's: a fixed time inside the gap of spring comes at the gap's end, one inside the
 * repeated hour of autumn comes once, at its first; hours given by `*` come as often as the clock shows them.
 */
export function calendarOf({
  cron,
  timeZone = defaultTimeZone,
}: {
  readonly cron: string;
  readonly timeZone?: string;
}): Calendar | NoCalendar {
  const no = (message: string): NoCalendar => ({ kind: 'NoCalendar', message });
  if (!isTimeZone(timeZone))
    return no(`spec.schedule.timeZone "${timeZone}" is not known; write a name of the IANA database, as in Europe/Berlin`);
  let job: Cron;
  try {
    job = new Cron(cron, { timezone: timeZone, mode: '5-part', paused: true });
  } catch (error) {
    return no(`spec.schedule.cron "${cron}" cannot be read: ${(error as Error).message.replace(/^Cron[A-Za-z]+: |\.$/g, '')}; ${remedy}`);
  }
  if (job.nextRun() === null)
    return no(`spec.schedule.cron "${cron}" never comes: no month that it names has such a day; correct the day or the month`);
  return {
    kind: 'Calendar',
    next: (moment) => job.nextRun(new Date(moment))?.getTime(),
    // The library looks strictly before a moment of whole seconds.
    previous: (moment) => job.previousRuns(1, new Date(Math.floor(moment / 1000) * 1000 + 1000))[0]?.getTime(),
  };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
