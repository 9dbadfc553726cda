import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalQuantity } from './quantity.ts';

describe('a quantity in canonical form', () => {
  // Each right side has the value of the left one, and apimachinery's own parser writes it back unchanged.
  const pairs: readonly [string | number, string][] = [
    [2, '2'],
    ['2', '2'],
    ['2.0', '2'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['0.5', '500m'],
    ['.5', '500m'],
    ['1.5', '1500m'],
    ['0.0001', '100u'],
    ['0', '0'],
    ['0Mi', '0'],
    ['8Gi', '8Gi'],
    ['8192Mi', '8Gi'],
    ['1.5Gi', '1536Mi'],
    ['1000Mi', '1000Mi'],
    ['1024', '1024'],
    ['0.5Ki', '512'],
    ['1334187.5Ki', '1366208k'],
    ['1000k', '1M'],
    ['2000000', '2M'],
    ['123456789', '123456789'],
    ['1e3', '1e3'],
    ['1E', '1E'],
    ['10e2', '1e3'],
    ['1500e-3', '1500e-3'],
    ['+4Gi', '4Gi'],
    ['-1000m', '-1'],
  ];
  for (const [given, expected] of pairs) {
    it(`${given} is ${expected}`, () => assert.equal(canonicalQuantity(given), expected));
  }

  it('stays as it is when made canonical again', () => {
    const suffix = fc.constantFrom('', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'Ti', 'e3');
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 999 }), suffix, (whole, fraction, unit) => {
        const once = canonicalQuantity(`${whole}.${fraction}${unit}`);
        assert.equal(canonicalQuantity(once), once);
      }),
    );
  });
});
