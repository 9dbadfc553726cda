/** Runs at times of the calendar. */
import { integer, object, oneOf, Type, text, time } from '../schema.ts';

export const concurrencyPolicies = ['Forbid', 'Replace'] as const;

export const scheduleSchema = object(
  'Begins a run at each time of a calendar, and at no other but when spec.runId changes. Scheduled runs always measure; none takes over the figures of an earlier run.',
  {
    cron: text(
      'Minute, hour, day of the month, month and day of the week, as in "0 3 * * 1-5"; or @hourly, @daily, @weekly, @monthly, @yearly. A fixed time that a clock change skips comes at the end of the gap; one that comes twice is taken once.',
      128,
      { minLength: 1, pattern: '^(@(hourly|daily|midnight|weekly|monthly|yearly|annually)|[-0-9A-Za-z*,/?]+( +[-0-9A-Za-z*,/?]+){4})$' },
    ),
    timeZone: Type.Optional(
      text('Time zone of the calendar, for example Europe/Berlin.', 64, {
        pattern: '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$',
        default: 'Etc/UTC',
      }),
    ),
    concurrencyPolicy: Type.Optional(
      oneOf('When the run before is not over yet. Forbid: this time is left out. Replace: the run before is ended.', concurrencyPolicies, {
        default: 'Forbid',
      }),
    ),
    jitterSeconds: Type.Optional(
      integer('Begins up to this much later, each time by another amount, so that many profiles do not all begin at once.', {
        minimum: 0,
        maximum: 3600,
        default: 0,
      }),
    ),
    startingDeadlineSeconds: Type.Optional(
      integer(
        'How late after its time, jitter included, a run may begin, for instance because the operator was away; a time missed by more is left out.',
        {
          minimum: 10,
          maximum: 604_800,
          default: 300,
        },
      ),
    ),
  },
);

export const scheduleStatusSchema = object('Where the schedule stands.', {
  schedule: text('Value of spec.schedule.cron and its time zone, as this speaks of them.', 256),
  since: time('Since when this schedule has been followed; times before are not made up for.'),
  nextTime: Type.Optional(time('When the next run begins, jitter included.')),
  lastTime: Type.Optional(time('The last time of the calendar that has been dealt with.')),
  lastOutcome: Type.Optional(
    oneOf('What became of it. Started: a run. Skipped: the run before was not over. Missed: nobody was there in time.', [
      'Started',
      'Skipped',
      'Missed',
    ]),
  ),
});
