import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseQuantity } from './quantity.ts';

const nano = 10n ** 9n;

describe('a quantity', () => {
  for (const [text, billionths] of [
    ['1', nano],
    [2, 2n * nano],
    ['500m', nano / 2n],
    ['0.5', nano / 2n],
    ['.5', nano / 2n],
    ['5.', 5n * nano],
    ['1u', 1000n],
    ['1n', 1n],
    ['1k', 1000n * nano],
    ['1Ki', 1024n * nano],
    ['1.5Gi', 1536n * 1024n * 1024n * nano],
    ['1E', 10n ** 18n * nano],
    ['1Ei', 2n ** 60n * nano],
    ['1e3', 1000n * nano],
    ['1E-3', nano / 1000n],
    ['0.00000000001', 1n],
  ] as const) {
    it(`${text} is ${billionths} billionths`, () => assert.equal(parseQuantity(text), billionths));
  }

  for (const text of ['', '.', 'Gi', '1 Gi', '-1', '+1', '1GB', '1e', '1e100', '0x10', 'NaN', Number.NaN]) {
    it(`${JSON.stringify(text)} is none`, () => assert.equal(parseQuantity(text), undefined));
  }

  it('of whole numbers compares as the numbers do', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (a, b) => {
        const [left, right] = [parseQuantity(a), parseQuantity(String(b))];
        assert.ok(left !== undefined && right !== undefined);
        return left < right === a < b;
      }),
    );
  });

  it('never fails, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        parseQuantity(text);
      }),
    );
  });
});
