import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LabelSelector, selects, selectsOnly } from './selector.ts';

const labels = { 'kubernetes.io/metadata.name': 'team-a', tier: 'gold' };

describe('allowedNamespaces', () => {
  const cases: readonly (readonly [string, LabelSelector, boolean])[] = [
    ['nothing at all selects everything', {}, true],
    ['a label that fits', { matchLabels: { tier: 'gold' } }, true],
    ['a label that does not', { matchLabels: { tier: 'silver' } }, false],
    ['a label that is not there', { matchLabels: { team: 'a' } }, false],
    ['a name that every object inherits', { matchLabels: { constructor: 'a' } }, false],
    ['one of two that fits', { matchLabels: { tier: 'gold', team: 'a' } }, false],
    ['In', { matchExpressions: [{ key: 'tier', operator: 'In', values: ['silver', 'gold'] }] }, true],
    ['In, without the label', { matchExpressions: [{ key: 'team', operator: 'In', values: ['a'] }] }, false],
    ['NotIn', { matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['gold'] }] }, false],
    ['NotIn, without the label', { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['a'] }] }, true],
    ['Exists', { matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, true],
    ['Exists, without the label', { matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, false],
    ['DoesNotExist', { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }, false],
    [
      'both kinds, one of which does not fit',
      { matchLabels: { tier: 'gold' }, matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] },
      false,
    ],
  ];
  for (const [what, selector, expected] of cases)
    it(`${what}: ${expected ? 'allowed' : 'not allowed'}`, () => assert.equal(selects(selector, labels), expected));

  it('is for one namespace alone only where its name is asked for, which nobody else can have', () => {
    const name = 'kubernetes.io/metadata.name';
    assert.equal(selectsOnly({ matchLabels: { [name]: 'team-a' } }, 'team-a'), true);
    assert.equal(selectsOnly({ matchExpressions: [{ key: name, operator: 'In', values: ['team-a'] }] }, 'team-a'), true);
    assert.equal(selectsOnly({ matchExpressions: [{ key: name, operator: 'In', values: ['team-a', 'team-b'] }] }, 'team-a'), false);
    assert.equal(selectsOnly({ matchLabels: { tier: 'gold' } }, 'team-a'), false);
    assert.equal(selectsOnly({}, 'team-a'), false);
  });
});
