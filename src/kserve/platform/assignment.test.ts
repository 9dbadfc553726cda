import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mayMove, type RolloutMember, type RolloutPolicy } from './assignment.ts';

function turnOf(states: string, policy: RolloutPolicy, changed = ''): string {
  const kinds = { u: 'Updated', m: 'Moving', b: 'Behind', n: 'New' } as const;
  const members = [...states].map((letter, index): RolloutMember => {
    const id = `ns/${index}`;
    return { id, state: kinds[letter as keyof typeof kinds], specChanged: changed.includes(String(index)) };
  });
  return members.map((member) => (mayMove(member, members, policy) ? '1' : '0')).join('');
}

describe('the turn of a model in a rollout', () => {
  const rows = [
    ['bbn', { strategy: 'OnNextChange', maxUnavailable: 5 }, '', '001'],
    ['bbn', { strategy: 'OnNextChange', maxUnavailable: 5 }, '1', '011'],
    ['bbbb', { strategy: 'Immediate', maxUnavailable: 2 }, '', '1100'],
    ['ubbb', { strategy: 'Immediate', maxUnavailable: 2 }, '', '1110'],
    ['mbbb', { strategy: 'Immediate', maxUnavailable: 2 }, '', '1100'],
    ['mmbb', { strategy: 'Immediate', maxUnavailable: 2 }, '', '1100'],
    ['mmmb', { strategy: 'Immediate', maxUnavailable: 1 }, '', '1110'],
    ['mbb', { strategy: 'Immediate', maxUnavailable: 1 }, '2', '101'],
  ] as const;
  for (const [states, policy, changed, turns] of rows) {
    it(`${states} with ${policy.strategy} ${policy.maxUnavailable}${changed && `, spec of ${changed} changed`}: ${turns}`, () => {
      assert.equal(turnOf(states, policy, changed), turns);
    });
  }
});
