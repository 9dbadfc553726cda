import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Corrections, countCorrection, waitBeforeCorrection } from './corrections.ts';

describe('putting back what others change', () => {
  it('is done at once the first time', () => assert.equal(waitBeforeCorrection(undefined, 5), 0));

  it('waits longer each time while somebody keeps changing it, and never longer than ten seconds', () => {
    let past: Corrections | undefined;
    let now = 0;
    const waits: number[] = [];
    for (let round = 0; round < 8; round++) {
      past = countCorrection(past, now);
      const wait = waitBeforeCorrection(past, now);
      waits.push(wait);
      assert.equal(waitBeforeCorrection(past, now + wait), 0);
      now += wait;
    }
    assert.deepEqual(waits, [1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000]);
  });

  it('starts anew after a quiet minute', () => {
    const past = { count: 7, at: 0 };
    assert.equal(waitBeforeCorrection(past, 60_000), 0);
    assert.deepEqual(countCorrection(past, 60_000), { count: 1, at: 60_000 });
  });
});
