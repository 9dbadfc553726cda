import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Calendar, calendarOf } from './calendar.ts';

function calendar(cron: string, timeZone = 'Etc/UTC'): Calendar {
  const read = calendarOf({ cron, timeZone });
  assert.equal(read.kind, 'Calendar', JSON.stringify(read));
  return read as Calendar;
}

/** The first `count` times after `from`. */
function times(cron: string, timeZone: string, from: string, count: number): string[] {
  const { next } = calendar(cron, timeZone);
  const found: string[] = [];
  for (let at = next(Date.parse(from)); at !== undefined && found.length < count; at = next(at)) {
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

describe('times of a calendar', () => {
  const cases: readonly [what: string, cron: string, timeZone: string, from: string, times: readonly string[]][] = [
    ['follow the time zone', '0 3 * * *', 'Asia/Tokyo', '2026-01-01T00:00:00Z', ['2026-01-01T18:00', '2026-01-02T18:00']],
    ['are strictly after the moment', '0 * * * *', 'Etc/UTC', '2026-01-01T05:00:00Z', ['2026-01-01T06:00']],
    [
      'that spring skips come at the end of the gap',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-27T12:00:00Z',
      ['2026-03-28T01:30', '2026-03-29T01:00', '2026-03-30T00:30'],
    ],
    [
      'that autumn repeats come once, at the first',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00:00Z',
      ['2026-10-25T00:30', '2026-10-26T01:30'],
    ],
    [
      'of each hour come once an hour in spring',
      '0 * * * *',
      'Europe/Berlin',
      '2026-03-29T00:00:00Z',
      ['2026-03-29T01:00', '2026-03-29T02:00'],
    ],
    [
      'of each hour come once an hour in autumn',
      '0 * * * *',
      'Europe/Berlin',
      '2026-10-24T23:30:00Z',
      ['2026-10-25T00:00', '2026-10-25T01:00', '2026-10-25T02:00'],
    ],
    [
      'where midnight itself is skipped',
      '30 0 * * *',
      'America/Sao_Paulo',
      '2018-11-03T12:00:00Z',
      ['2018-11-04T03:00', '2018-11-05T02:30'],
    ],
    ['know leap years across a century', '0 0 29 2 *', 'Etc/UTC', '2096-03-01T00:00:00Z', ['2104-02-29T00:00']],
    ['take day and weekday as either', '0 0 13 * 5', 'Etc/UTC', '2026-02-01T00:00:00Z', ['2026-02-06T00:00', '2026-02-13T00:00']],
    ['know names', '0 0 * JAN MON-FRI', 'Etc/UTC', '2026-01-02T12:00:00Z', ['2026-01-05T00:00']],
    ['know @weekly', '@weekly', 'Etc/UTC', '2026-01-01T00:00:00Z', ['2026-01-04T00:00', '2026-01-11T00:00']],
  ];
  for (const [what, cron, timeZone, from, expected] of cases) {
    it(what, () => assert.deepEqual(times(cron, timeZone, from, expected.length), expected));
  }

  it('are the same looked at forwards and backwards', () => {
    const field = (most: number, least = 0) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min: least, max: most }).map(String),
        fc.integer({ min: 2, max: 20 }).map((n) => `*/${n}`),
      );
    const year = { min: Date.parse('2026-01-01T00:00:00Z'), max: Date.parse('2027-01-01T00:00:00Z') };
    fc.assert(
      fc.property(
        fc.tuple(field(59), field(23), field(28, 1)),
        fc.constantFrom('Etc/UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata'),
        fc.integer(year),
        ([minute, hour, day], timeZone, moment) => {
          const { next, previous } = calendar(`${minute} ${hour} ${day} * *`, timeZone);
          const after = next(moment) as number;
          assert.ok(after > moment);
          assert.equal(previous(after), after);
          const before = previous(after - 1) as number;
          assert.ok(before <= moment, `${new Date(before).toISOString()} lies between`);
          assert.equal(next(before), after);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('what is no calendar is refused with the field and the remedy', () => {
  const cases: readonly [cron: string, timeZone: string, message: RegExp][] = [
    ['0 0 30 2 *', 'Etc/UTC', /^spec\.schedule\.cron "0 0 30 2 \*" never comes: .*correct the day or the month$/],
    ['0 0 31 4,6,9,11 *', 'Etc/UTC', /never comes/],
    ['60 * * * *', 'Etc/UTC', /cannot be read: Invalid value for minute: 60; write minute, hour/],
    ['* * * * * *', 'Etc/UTC', /cannot be read/],
    ['5-1 * * * *', 'Etc/UTC', /cannot be read/],
    ['*/0 * * * *', 'Etc/UTC', /cannot be read/],
    ['@reboot', 'Etc/UTC', /cannot be read/],
    ['0 0 * * *', 'Europe/Nowhere', /^spec\.schedule\.timeZone "Europe\/Nowhere" is not known; write a name/],
  ];
  for (const [cron, timeZone, message] of cases) {
    it(`${cron} ${timeZone}`, () => {
      const read = calendarOf({ cron, timeZone });
      assert.ok(read.kind === 'NoCalendar');
      assert.match(read.message, message);
    });
  }

  it('and never throws', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.string({ maxLength: 20 }), (cron, timeZone) =>
        ['Calendar', 'NoCalendar'].includes(calendarOf({ cron, timeZone }).kind),
      ),
    );
  });
});
