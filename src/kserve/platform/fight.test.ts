import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FightDetector, truceMilliseconds } from './fight.ts';

describe('a value that somebody keeps putting back', () => {
  it('is set again three times, then left alone for a while', () => {
    const detector = new FightDetector();
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((second) => detector.reverted('key', second * 1000)),
      [false, false, false, true, true],
    );
    assert.equal(detector.isContested('key', 5000), true);
    assert.equal(detector.isContested('other', 5000), false);
    assert.equal(detector.isContested('key', 3000 + truceMilliseconds), false);
    assert.deepEqual(
      [0, 1].map((second) => detector.reverted('key', 3000 + truceMilliseconds + second)),
      [false, true],
    );
  });

  it('is no fight when it happens now and then', () => {
    const detector = new FightDetector();
    for (let minute = 0; minute < 600; minute += 5) assert.equal(detector.reverted('key', minute * 60_000), false);
  });

  it('is set again after another spec', () => {
    const detector = new FightDetector();
    for (let second = 0; second < 4; second += 1) detector.reverted('key', second);
    detector.forget();
    assert.equal(detector.isContested('key', 5), false);
    assert.equal(detector.reverted('key', 5), false);
  });
});
