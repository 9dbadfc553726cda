import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { compareResourceVersions } from './resource-version.ts';

it('orders versions as integers of any length', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 1n << 80n }), fc.bigInt({ min: 0n, max: 1n << 80n }), (a, b) => {
      assert.equal(Math.sign(compareResourceVersions(String(a), String(b)) ?? Number.NaN), a < b ? -1 : a > b ? 1 : 0);
    }),
  );
});

for (const odd of ['', '01', '-1', '1.5', 'abc', '1e3']) {
  it(`cannot tell the order of "${odd}"`, () => assert.equal(compareResourceVersions(odd, '1'), undefined));
}
