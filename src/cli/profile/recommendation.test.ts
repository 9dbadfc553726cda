import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelProfile, ModelProfileStatus } from '../../api/model-profile/index.ts';
import { aProfile } from './profile.fixture.ts';
import { patchText } from './recommendation.ts';
import { rendered } from './show.ts';

const recommendation: NonNullable<ModelProfileStatus['recommendation']> = {
  point: 'b8-c1',
  changes: [{ field: 'spec.scaling.containerConcurrency', current: '4', recommended: '1', why: 'b8-c1 has one request at once' }],
  patch: '{"spec":{"scaling":{"containerConcurrency":1},"batching":null}}',
  verdict: 'Accepted',
  message: '1 field would be another',
};
const recommending = (more: Partial<typeof recommendation> = {}): ModelProfile => {
  const profile = aProfile({ recommendation: { ...recommendation, ...more } });
  return { ...profile, spec: { ...profile.spec, apply: 'Recommend' } };
};

describe('a recommendation', () => {
  it('stands below the table, field by field', () => {
    const text = rendered(recommending(), 'table');
    assert.match(
      text,
      /^recommended: 1 field would be another\n {2}spec\.scaling\.containerConcurrency: 4 → 1 \(b8-c1 has one request at once\)$/m,
    );
    assert.ok(!rendered(aProfile(), 'table').includes('recommended'));
  });
  it('is a merge patch that names its ModelDeployment, with what is to be removed', () => {
    assert.equal(
      patchText(recommending()),
      'apiVersion: modelwright.dev/v1alpha1\nkind: ModelDeployment\nmetadata:\n  name: resnet\nspec:\n  scaling:\n    containerConcurrency: 1\n  batching: null\n',
    );
  });
  it('is refused in a sentence where there is none, nothing to change, or the API server would not take it', () => {
    assert.throws(() => patchText(aProfile()), /recommends nothing: set spec\.apply to Recommend/);
    const { patch: _, ...nothing } = recommendation;
    const same = aProfile({ recommendation: { ...nothing, changes: [], verdict: 'Nothing', message: 'it is set up so' } });
    assert.throws(() => patchText(same), /nothing to change: it is set up so/);
    assert.throws(() => patchText(recommending({ verdict: 'Refused', message: 'quota' })), /refuses the patch: quota/);
  });
});
