import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeExamples, contentExamples, type Example, type Examples } from '../../../test/integration/api/rule-examples.ts';
import { isTransitionRule } from '../rule.ts';
import type { ModelDeployment } from './index.ts';
import { rules } from './rules.ts';

const oldOf = (example: Example): ModelDeployment | undefined => ('old' in example ? (example.old as ModelDeployment) : undefined);

/** The rules that an example breaks, by id. */
const brokenBy = (example: Example): string[] => rules.filter((rule) => !rule.holds(example.object, oldOf(example))).map(({ id }) => id);

describe('the rules of a ModelDeployment', () => {
  const all: Readonly<Record<string, Examples>> = { ...contentExamples, ...changeExamples };

  it('each have examples, and no example is without its rule', () => {
    assert.deepEqual(Object.keys(all).sort(), rules.map(({ id }) => id).sort());
  });

  for (const [id, { breaks, passes }] of Object.entries(all)) {
    describe(id, () => {
      for (const example of breaks) it(`refuses ${example.what}`, () => assert.deepEqual(brokenBy(example), [id]));
      for (const example of passes) it(`accepts ${example.what}`, () => assert.deepEqual(brokenBy(example), []));
    });
  }

  for (const rule of rules) {
    it(`${rule.id}: the sentence names the field and ends like the others`, () => {
      assert.match(rule.message, /^(metadata|spec)\.[A-Za-z.]+ (must|may|cannot|needs|is not|has no effect)/);
      assert.doesNotMatch(rule.message, /\.$/);
      assert.ok(rule.message.length <= 512, 'longer sentences are cut in terminals and events');
    });
    it(`${rule.id}: CEL and predicate are of the same kind`, () => {
      assert.equal(isTransitionRule(rule), Object.hasOwn(changeExamples, rule.id));
      if (rule.scope === 'spec') assert.ok(!isTransitionRule(rule), 'a rule of change reads status, so it needs the whole object');
    });
  }
});
