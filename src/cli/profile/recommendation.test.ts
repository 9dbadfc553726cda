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
  it('is the same patch where it is applied, too', () => {
    const profile = recommending();
    assert.equal(patchText({ ...profile, spec: { ...profile.spec, apply: 'Apply' } }), patchText(profile));
  });
  it('is refused in a sentence where there is none, nothing to change, or the API server would not take it', () => {
    assert.throws(() => patchText(aProfile()), /recommends nothing: set spec\.apply to Recommend/);
    const { patch: _, ...nothing } = recommendation;
    const same = aProfile({ recommendation: { ...nothing, changes: [], verdict: 'Nothing', message: 'it is set up so' } });
    assert.throws(() => patchText(same), /nothing to change: it is set up so/);
    assert.throws(() => patchText(recommending({ verdict: 'Refused', message: 'quota' })), /refuses the patch: quota/);
  });
});

describe('what was applied', () => {
  it('stands below the table with what was before, and what was undone', () => {
    const base = { modelDeploymentUid: 'u', point: 'b8-c1', samplesPerSecond: '100', p99Microseconds: 9000 } as const;
    const text = rendered(
      aProfile({
        applied: [
          {
            ...base,
            run: 'r2',
            state: 'RolledBack',
            time: '2026-11-21T03:00:00Z',
            rolledBackTime: '2026-11-21T09:00:00Z',
            changes: [{ field: 'spec.gpu', before: '{"count":2}' }],
          },
          {
            ...base,
            run: 'r1',
            state: 'Applied',
            time: '2026-11-20T03:00:00Z',
            changes: [{ field: 'spec.resources.limits', after: '{"cpu":"4"}' }],
          },
        ],
      }),
      'table',
    );
    assert.match(
      text,
      /^rolled back by run r2: b8-c1 \(2026-11-21T03:00:00Z, undone 2026-11-21T09:00:00Z\)\n {2}spec\.gpu: \{"count":2\} → removed$/m,
    );
    assert.match(text, /^applied by run r1: b8-c1 \(2026-11-20T03:00:00Z\)\n {2}spec\.resources\.limits: not set → \{"cpu":"4"\}$/m);
  });
});
