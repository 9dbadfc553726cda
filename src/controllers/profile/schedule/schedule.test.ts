import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { followSchedule, isScheduled, type Schedule, type ScheduleDecision, type ScheduleStatus } from './schedule.ts';

const hourly: Schedule = { cron: '0 * * * *' };
const at = (time: string) => Date.parse(`2026-05-04T${time}Z`);

function follow(
  now: string,
  more: { schedule?: Schedule; status?: ScheduleStatus; running?: boolean; uid?: string } = {},
): ScheduleDecision {
  return followSchedule({ schedule: hourly, status: undefined, uid: 'u', running: false, ...more, now: at(now) });
}

/** Followed since 10:30, nothing dealt with yet. */
const begun: ScheduleStatus = { schedule: '0 * * * * Etc/UTC', since: '2026-05-04T10:30:00Z', nextTime: '2026-05-04T11:00:00Z' };

function waiting(decision: ScheduleDecision) {
  assert.ok(decision.kind === 'Wait', JSON.stringify(decision));
  return decision;
}
function beginning(decision: ScheduleDecision) {
  assert.ok(decision.kind === 'Begin', JSON.stringify(decision));
  return decision;
}

describe('a schedule', () => {
  it('makes up for no time before it was seen, and says when it begins next', () => {
    const { status, wakeAfterMilliseconds } = waiting(follow('10:30:00'));
    assert.deepEqual(status, begun);
    assert.equal(wakeAfterMilliseconds, 30 * 60_000);
  });

  it('begins a run when its time comes, under a name of that time', () => {
    const decision = beginning(follow('11:00:04', { status: begun }));
    assert.equal(decision.trigger, 'scheduled-2026-05-04T11:00:00Z');
    assert.ok(isScheduled(decision.trigger));
    assert.equal(decision.replaces, false);
    assert.deepEqual(decision.status, {
      ...begun,
      nextTime: '2026-05-04T12:00:00Z',
      lastTime: '2026-05-04T11:00:00Z',
      lastOutcome: 'Started',
    });
  });

  it('begins it once: from the status written then, it waits for the next', () => {
    const { status } = beginning(follow('11:00:04', { status: begun }));
    const after = waiting(follow('11:00:05', { status }));
    assert.deepEqual(after.status, status);
    assert.equal(after.wakeAfterMilliseconds, at('12:00:00') - at('11:00:05'));
  });

  it('gives the same trigger when the status was not written', () => {
    const [first, second] = ['11:00:04', '11:02:00'].map((now) => beginning(follow(now, { status: begun })));
    assert.equal(first?.trigger, second?.trigger);
  });

  it('leaves out what was missed by more than the deadline, and says so', () => {
    const { status } = waiting(follow('11:05:01', { status: begun }));
    assert.deepEqual([status.lastTime, status.lastOutcome, status.nextTime], ['2026-05-04T11:00:00Z', 'Missed', '2026-05-04T12:00:00Z']);
    const generous = { ...hourly, startingDeadlineSeconds: 3600 };
    assert.equal(beginning(follow('11:05:01', { status: begun, schedule: generous })).trigger, 'scheduled-2026-05-04T11:00:00Z');
  });

  it('makes up for the last of several that were slept through only', () => {
    const decision = beginning(follow('15:01:00', { status: begun, schedule: { ...hourly, startingDeadlineSeconds: 86_400 } }));
    assert.equal(decision.trigger, 'scheduled-2026-05-04T15:00:00Z');
    assert.equal(decision.status.nextTime, '2026-05-04T16:00:00Z');
  });

  it('leaves a time out while a run goes on, or ends that run where it says Replace', () => {
    const { status } = waiting(follow('11:00:00', { status: begun, running: true }));
    assert.equal(status.lastOutcome, 'Skipped');
    const replaced = beginning(follow('11:00:00', { status: begun, running: true, schedule: { ...hourly, concurrencyPolicy: 'Replace' } }));
    assert.equal(replaced.replaces, true);
  });

  it('starts anew when the calendar or the zone changes', () => {
    const schedule = { ...hourly, timeZone: 'Asia/Kolkata' };
    const { status } = waiting(follow('15:10:00', { status: begun, schedule }));
    assert.deepEqual(status, { schedule: '0 * * * * Asia/Kolkata', since: '2026-05-04T15:10:00Z', nextTime: '2026-05-04T15:30:00Z' });
  });

  it('is refused when it never comes', () => {
    const decision = follow('10:30:00', { schedule: { cron: '0 0 31 2 *' } });
    assert.ok(decision.kind === 'Refused');
    assert.match(decision.message, /spec\.schedule\.cron "0 0 31 2 \*" never comes/);
  });

  it('wakes within a day for what is far off, so that a clock that was set is noticed', () => {
    assert.equal(waiting(follow('10:30:00', { schedule: { cron: '@yearly' } })).wakeAfterMilliseconds, 86_400_000);
  });

  describe('with jitter', () => {
    const jittered = { ...hourly, jitterSeconds: 1800 };
    const startOf = (uid: string) => Date.parse(waiting(follow('10:30:00', { schedule: jittered, uid })).status.nextTime as string);

    it('begins later by an amount of its own, and lateness counts from there', () => {
      const start = startOf('u');
      assert.ok(start >= at('11:00:00') && start <= at('11:30:00'));
      const state = { schedule: jittered, status: begun, uid: 'u', running: false };
      if (start > at('11:00:00')) assert.equal(followSchedule({ ...state, now: start - 1000 }).kind, 'Wait');
      assert.equal(followSchedule({ ...state, now: start }).kind, 'Begin');
      assert.equal(followSchedule({ ...state, now: start + 300_000 }).kind, 'Begin');
      assert.equal(waiting(followSchedule({ ...state, now: start + 301_000 })).status.lastOutcome, 'Missed');
    });

    it('spreads profiles over the time it may take', () => {
      const starts = Array.from({ length: 200 }, (_, i) => startOf(`profile-${i}`) - at('11:00:00'));
      assert.ok(new Set(starts).size > 150);
      const mean = starts.reduce((sum, start) => sum + start, 0) / starts.length / 1000;
      assert.ok(mean > 700 && mean < 1100, `mean ${mean} s of 0 to 1800`);
    });
  });

  it('begins each time exactly once, however often and whenever it is asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 20, maxLength: 120 }),
        fc.integer({ min: 0, max: 1200 }),
        (steps, jitterSeconds) => {
          const schedule = { cron: '*/15 * * * *', jitterSeconds, startingDeadlineSeconds: 3600 };
          let now = at('10:31:00');
          let status: ScheduleStatus | undefined;
          const begun: string[] = [];
          for (const step of steps) {
            now += step * 1000;
            const decision = followSchedule({ schedule, status, uid: 'u', now, running: false });
            assert.ok(decision.kind !== 'Refused');
            if (decision.kind === 'Begin') begun.push(decision.trigger);
            status = decision.status;
            assert.ok(Date.parse(status.nextTime as string) > now || decision.wakeAfterMilliseconds === 0);
          }
          assert.equal(new Set(begun).size, begun.length);
          assert.deepEqual([...begun].sort(), begun);
        },
      ),
      { numRuns: 25 },
    );
  });
});
