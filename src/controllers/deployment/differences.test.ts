import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { differences } from './differences.ts';

describe('the differences between desired and live', () => {
  const cases: readonly [string, unknown, unknown, string[]][] = [
    ['are none between equals', { a: { b: [1, { c: 'x' }] } }, { a: { b: [1, { c: 'x' }] } }, []],
    ['do not count what only the live object has', { a: 1 }, { a: 1, defaulted: true }, []],
    [
      'name the field',
      { spec: { predictor: { minReplicas: 1 } } },
      { spec: { predictor: { minReplicas: 5 } } },
      ['spec.predictor.minReplicas'],
    ],
    ['name what is missing', { spec: { a: {} } }, { spec: {} }, ['spec.a']],
    ['name the entry of a list', { args: [{ n: 1 }, { n: 2 }] }, { args: [{ n: 1 }, { n: 3 }] }, ['args[1].n']],
    ['name a list of another length as a whole', { args: [1] }, { args: [1, 2] }, ['args']],
  ];
  for (const [name, desired, live, expected] of cases) it(name, () => assert.deepEqual(differences(desired, live), expected));

  it('are bounded', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`f${index}`, index]));
    assert.equal(differences(many, {}, 8).length, 8);
  });
});
