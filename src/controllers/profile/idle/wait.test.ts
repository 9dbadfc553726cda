import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Judgement } from './judge.ts';
import { Sightings } from './sightings.ts';
import { type IdlePolicy, type IdleStatus, type IdleVerdict, judgeWait, lookEveryMilliseconds } from './wait.ts';

const idle: Judgement = { kind: 'Idle', judgedBy: 'Utilization', note: 'by the figures of the DCGM exporter' };
const busy = (use = 80): Judgement => ({
  kind: 'Busy',
  judgedBy: 'Utilization',
  busy: [{ what: 'G1 on node n1, of Pod a/b', how: `${use} % used, more than 5 %` }],
});
const begin = Date.parse('2026-05-04T10:00:00Z');

/** Looks at the GPUs at the given seconds, as the controller does; gives the verdict of each look. */
function watch(policy: IdlePolicy, looks: readonly (readonly [second: number, judgement: Judgement])[]): IdleVerdict[] {
  const sightings = new Sightings();
  const every = lookEveryMilliseconds(policy);
  let status: IdleStatus | undefined;
  return looks.map(([second, judgement]) => {
    const now = begin + second * 1000;
    const verdict = judgeWait(policy, { run: 'r1' }, status, sightings.record('p', 'r1', judgement, every, now), now);
    status = verdict.status;
    return verdict;
  });
}
const kinds = (verdicts: readonly IdleVerdict[]) => verdicts.map(({ kind }) => kind);

describe('a run waits for idle GPUs', () => {
  const policy: IdlePolicy = { stableSeconds: 60, waitAtMostSeconds: 600 };

  it('until they have been idle for as long as asked, look after look', () => {
    const verdicts = watch(policy, [
      [0, idle],
      [15, idle],
      [30, idle],
      [45, idle],
      [60, idle],
    ]);
    assert.deepEqual(kinds(verdicts), ['Wait', 'Wait', 'Wait', 'Wait', 'Idle']);
    assert.equal(verdicts[0]?.reason, 'NotIdleLongEnough');
    assert.match(verdicts[4]?.message ?? '', /^The GPUs have been idle for 60 s, judged by the figures of the DCGM exporter$/);
    assert.deepEqual(verdicts[4]?.status, {
      runId: 'r1',
      judgedBy: 'Utilization',
      waitingSince: '2026-05-04T10:00:00Z',
      idleSince: '2026-05-04T10:00:00Z',
      state: 'Idle',
    });
  });

  it('and begins to count anew when they were busy in between', () => {
    const verdicts = watch(policy, [
      [0, idle],
      [15, idle],
      [30, busy()],
      [45, idle],
      [60, idle],
      [75, idle],
      [90, idle],
      [105, idle],
    ]);
    assert.deepEqual(kinds(verdicts), ['Wait', 'Wait', 'Wait', 'Wait', 'Wait', 'Wait', 'Wait', 'Idle']);
    assert.equal(verdicts[2]?.message, 'Waits for idle GPUs: G1 on node n1, of Pod a/b: 80 % used, more than 5 %');
    assert.equal(verdicts[2]?.status.idleSince, undefined);
  });

  it('and does not count time in which nobody looked', () => {
    assert.deepEqual(
      kinds(
        watch(policy, [
          [0, idle],
          [15, idle],
          [120, idle],
          [135, idle],
        ]),
      ),
      ['Wait', 'Wait', 'Wait', 'Wait'],
    );
  });

  it('looks again soon, and no later than something changes by itself', () => {
    const [first, , , fourth] = watch(policy, [
      [0, idle],
      [15, idle],
      [30, idle],
      [50, idle],
    ]);
    assert.equal(first?.lookAgainMilliseconds, 15_000);
    assert.equal(fourth?.lookAgainMilliseconds, 10_000);
    assert.equal(
      watch(policy, [
        [0, busy()],
        [595, busy()],
      ])[1]?.lookAgainMilliseconds,
      5000,
    );
    assert.deepEqual(
      [lookEveryMilliseconds({ stableSeconds: 4 }), lookEveryMilliseconds({ stableSeconds: 20 }), lookEveryMilliseconds({})],
      [2000, 5000, 15_000],
    );
  });

  it('and gives up in the end with what was busy', () => {
    const verdict = watch(policy, [
      [0, busy()],
      [300, busy()],
      [600, busy()],
    ])[2];
    assert.equal(verdict?.kind, 'GiveUp');
    assert.equal(
      verdict.message,
      'Gave up after 600 s: G1 on node n1, of Pod a/b: 80 % used, more than 5 %. Change spec.runId to try again, or raise spec.idlePolicy.waitAtMostSeconds',
    );
    assert.deepEqual(verdict.status.busy, ['G1 on node n1, of Pod a/b: 80 % used, more than 5 %']);
  });

  it('and gives up where they come and go', () => {
    const looks = Array.from({ length: 41 }, (_, i): [number, Judgement] => [i * 15, i % 3 === 2 ? busy() : idle]);
    const verdict = watch(policy, looks).at(-1);
    assert.equal(verdict?.kind, 'GiveUp');
    assert.match(verdict.message, /the GPUs were not idle for 60 s at a time|80 % used/);
  });

  it('but begins at the last moment where they are idle long enough then', () => {
    const looks = [540, 555, 570, 585, 600].map((second): [number, Judgement] => [second, idle]);
    assert.equal(watch(policy, [[0, busy()], ...looks]).at(-1)?.kind, 'Idle');
  });

  it('begins at once where no time is asked for, and where there is no GPU', () => {
    assert.equal(watch({ stableSeconds: 0 }, [[0, idle]])[0]?.kind, 'Idle');
    const none = watch(policy, [[0, { kind: 'Idle', note: 'the model runs on no GPU' }]])[0];
    assert.deepEqual(
      [none?.kind, none?.reason, none?.message],
      ['Idle', 'NoGpu', 'There is nothing to wait for: the model runs on no GPU'],
    );
  });

  it('says the way it judged where no exporter is', () => {
    const verdict = watch(policy, [[0, { kind: 'Busy', judgedBy: 'Allocation', busy: [{ what: 'node n1', how: 'full' }] }]])[0];
    assert.equal(verdict?.message, 'Waits for idle GPUs: node n1: full (judged by what Pods have asked for)');
    assert.equal(verdict.status.judgedBy, 'Allocation');
  });

  it('keeps the figures first told while the same is busy, so that the status is not written at every look', () => {
    const verdicts = watch(policy, [
      [0, busy(80)],
      [15, busy(85)],
      [30, busy(90)],
    ]);
    assert.deepEqual(verdicts[2]?.status, verdicts[0]?.status);
  });

  it('begins anew for each copy of a Dedicated run', () => {
    const sighting = { judgement: busy(), idleSince: undefined };
    const first = judgeWait(policy, { run: 'r1', hardware: 't4' }, undefined, sighting, begin);
    const second = judgeWait(policy, { run: 'r1', hardware: 'a10' }, first.status, sighting, begin + 599_000);
    assert.deepEqual([second.kind, second.status.hardware, second.status.waitingSince], ['Wait', 'a10', '2026-05-04T10:09:59Z']);
  });

  it('forgets an earlier run', () => {
    const before: IdleStatus = { runId: 'r0', state: 'GaveUp', waitingSince: '2026-05-04T08:00:00Z', busy: ['x: y'] };
    const verdict = judgeWait(policy, { run: 'r1' }, before, { judgement: busy(), idleSince: undefined }, begin);
    assert.deepEqual([verdict.kind, verdict.status.waitingSince], ['Wait', '2026-05-04T10:00:00Z']);
  });
});

describe('what was seen', () => {
  it('serves until it is old, of the same run only', () => {
    const sightings = new Sightings();
    assert.equal(sightings.recent('p', 'r1', 15_000, begin), undefined);
    const seen = sightings.record('p', 'r1', idle, 15_000, begin);
    assert.equal(sightings.recent('p', 'r1', 15_000, begin + 14_000), seen);
    assert.equal(sightings.recent('p', 'r1', 15_000, begin + 14_950), undefined);
    assert.equal(sightings.recent('p', 'r2', 15_000, begin + 1000), undefined);
    assert.equal(sightings.record('p', 'r2', idle, 15_000, begin + 1000).idleSince, begin + 1000);
    sightings.forget('p');
    assert.equal(sightings.recent('p', 'r2', 15_000, begin + 1000), undefined);
  });
});
