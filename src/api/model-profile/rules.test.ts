import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ProfileExample, profileExamples } from '../../../test/integration/api/profile-rule-examples.ts';
import { isTransitionRule } from '../rule.ts';
import { rules } from './rules.ts';

const brokenBy = ({ object }: ProfileExample): string[] => rules.filter((rule) => !rule.holds(object)).map(({ id }) => id);

describe('the rules of a ModelProfile', () => {
  it('each have examples, and no example is without its rule', () => {
    assert.deepEqual(Object.keys(profileExamples).sort(), rules.map(({ id }) => id).sort());
  });

  for (const [id, { breaks, passes }] of Object.entries(profileExamples)) {
    describe(id, () => {
      for (const example of breaks) {
        it(`refuses ${example.what}`, () => assert.deepEqual(brokenBy(example), [id]));
      }
      for (const example of passes) {
        it(`accepts ${example.what}`, () => assert.deepEqual(brokenBy(example), []));
      }
    });
  }

  for (const rule of rules) {
    it(`${rule.id}: the sentence names the field, and no rule is about a change`, () => {
      assert.match(rule.message, /^spec\.[A-Za-z.]+/);
      assert.doesNotMatch(rule.message, /\.$/);
      assert.ok(rule.message.length <= 512, 'longer sentences are cut in terminals and events');
      assert.ok(!isTransitionRule(rule));
    });
  }
});
