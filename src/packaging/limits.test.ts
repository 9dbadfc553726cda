import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultLimits, readLimits } from './limits.ts';

const gibibyte = 1024 ** 3;

describe('caps on archives', () => {
  it('are the default ones unless a word names them', () => assert.deepEqual(readLimits([]), defaultLimits));

  for (const [word, expected] of [
    ['size=200Gi', { archiveBytes: 200 * gibibyte, totalBytes: 200 * gibibyte }],
    ['size=1.5Ti', { archiveBytes: 1536 * gibibyte, totalBytes: 1536 * gibibyte }],
    ['size=1000', { archiveBytes: 1000, totalBytes: 1000 }],
    ['files=10', { entries: 10 }],
    ['ratio=1000', { ratio: 1000 }],
    [' depth=64 ', { depth: 64 }],
  ] as const) {
    it(`${word}`, () => assert.deepEqual(readLimits([word]), { ...defaultLimits, ...expected }));
  }

  it('have room in the central directory for the files that they allow', () => {
    assert.ok(readLimits(['files=1000000']).directoryBytes >= 1_000_000 * (46 + 256));
  });

  it('are what the last word says', () => assert.equal(readLimits(['ratio=1', 'ratio=2']).ratio, 2));

  for (const word of [
    '',
    'size',
    'size=',
    'size=-1',
    'size=0',
    'size=many',
    'size=9Ei',
    'files=1.5',
    'files=1k',
    'names=3',
    'size=1 files=2',
  ]) {
    it(`"${word}" is none, and the words say which there are`, () =>
      assert.throws(() => readLimits([word]), {
        code: 'InvalidArgument',
        message: /write size=200Gi, files=500000, ratio=1000 or depth=64/,
      }));
  }
});
