import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { sameQuantity } from './quantity.ts';

describe('two quantities', () => {
  for (const [a, b, same] of [
    ['1', '1000m', true],
    ['1', '1e0', true],
    ['0.5', '500m', true],
    ['.5', '500m', true],
    ['1Gi', '1024Mi', true],
    ['1Gi', '1G', false],
    ['1G', '1e9', true],
    ['1E', '1e18', true],
    ['1.5Gi', '1536Mi', true],
    ['100n', '0.1u', true],
    ['-1', '-1000m', true],
    ['1', '2', false],
    ['0', '0Mi', true],
    ['', '', true],
    ['many', 'many', true],
    ['many', 'few', false],
    ['1', 'one', false],
    ['1Xi', '1', false],
  ] as const) {
    it(`"${a}" and "${b}" are ${same ? 'the same' : 'different'}`, () => assert.equal(sameQuantity(a, b), same));
  }

  it('are the same however far the unit is shifted', () => {
    const units = ['n', 'u', 'm', '', 'k', 'M', 'G'];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), fc.integer({ min: 1, max: 6 }), (amount, unit) => {
        assert.ok(sameQuantity(`${amount}${units[unit]}`, `${amount}000${units[unit - 1]}`));
      }),
    );
  });
});
