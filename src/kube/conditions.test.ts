import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Condition, findCondition, isConditionTrue, setConditions } from './conditions.ts';

const then = '2026-01-01T00:00:00Z';
const now = '2026-01-02T00:00:00Z';
const stamp = { now, observedGeneration: 2 };
const ready = { type: 'Ready', status: 'True', reason: 'Applied', message: '' } as const;
const before: Condition = { ...ready, observedGeneration: 1, lastTransitionTime: then };

describe('setting conditions', () => {
  it('stamps a new one with time and generation', () => {
    assert.deepEqual(setConditions(undefined, [ready], stamp), [{ ...ready, observedGeneration: 2, lastTransitionTime: now }]);
  });

  it('keeps the time of the last transition while the status is the same, whatever else changes', () => {
    const [set] = setConditions([before], [{ ...ready, reason: 'StillApplied', message: 'all well' }], stamp);
    assert.deepEqual(set, { ...ready, reason: 'StillApplied', message: 'all well', observedGeneration: 2, lastTransitionTime: then });
  });

  it('moves the time when the status changes', () => {
    const [set] = setConditions([before], [{ ...ready, status: 'False' }], stamp);
    assert.equal(set?.lastTransitionTime, now);
  });

  it('keeps conditions that it is not told of, behind those it is', () => {
    const other = { ...before, type: 'Other' };
    assert.deepEqual(
      setConditions([other, before], [ready], stamp).map(({ type }) => type),
      ['Ready', 'Other'],
    );
    assert.deepEqual(setConditions([other, before], [ready], stamp)[1], other);
  });

  it('cuts a message that the API server would refuse', () => {
    assert.equal(setConditions([], [{ ...ready, message: 'x'.repeat(40_000) }], stamp)[0]?.message.length, 32_768);
  });
});

describe('reading conditions', () => {
  it('finds one by type', () => assert.equal(findCondition([before], 'Ready'), before));
  it('takes a missing one for not true', () => assert.equal(isConditionTrue(undefined, 'Ready'), false));
  it('takes one of an older generation for not true where that matters', () => {
    assert.equal(isConditionTrue([before], 'Ready'), true);
    assert.equal(isConditionTrue([before], 'Ready', 1), true);
    assert.equal(isConditionTrue([before], 'Ready', 2), false);
  });
});
