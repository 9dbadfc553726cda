import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { longestValue } from '../../../api/model-profile/apply.ts';
import { backThrough, backward, changesOf, forward, type SpecPatch, standingOf, tooMuch } from './changes.ts';
import { type Json, mergePatch, patched } from './merge-patch.ts';

/** Specs of the shape of a ModelDeployment's: objects of objects, whose keys at the third level may have dots. */
const leaf = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('a', 'b'), fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 }));
const fields = (...names: readonly string[]) => fc.dictionary(fc.constantFrom(...names), leaf, { maxKeys: 2, noNullPrototype: true });
const optional: { requiredKeys: []; noNullPrototype: true } = { requiredKeys: [], noNullPrototype: true };
const spec: fc.Arbitrary<Json> = fc.record(
  {
    resources: fc.record({ limits: fields('cpu', 'nvidia.com/gpu'), requests: fields('cpu') }, optional),
    scaling: fields('minReplicas', 'target'),
    gpu: fields('count', 'product'),
    suspend: leaf,
  },
  optional,
);
const patchTo = (from: Json, to: Json) => mergePatch(from, to) as SpecPatch | undefined;

/** A spec without objects that hold nothing: server-side apply leaves none where the last field goes. */
function bare(value: Json | undefined): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const kept = Object.entries(value as Record<string, Json>).flatMap(([name, inner]) => {
    const rest = bare(inner);
    return rest === undefined ? [] : [[name, rest] as const];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

describe('changes', () => {
  it('make one spec of another, and the one again', () => {
    fc.assert(
      fc.property(spec, spec, (from, to) => {
        const patch = patchTo(from, to);
        if (patch === undefined) return;
        const changes = changesOf(from, patch);
        const made = patched(from, forward(changes));
        assert.deepEqual(bare(made), bare(to));
        assert.deepEqual(bare(patched(made, backward(changes))), bare(from));
      }),
    );
  });
  it('of several applications are undone together, back to before the first of them', () => {
    fc.assert(
      fc.property(spec, spec, spec, (first, second, third) => {
        const steps = [patchTo(first, second), patchTo(second, third)];
        const [one, two] = [steps[0] && changesOf(first, steps[0]), steps[1] && changesOf(second, steps[1])];
        const applications = [two, one].flatMap((changes) => (changes === undefined ? [] : [{ changes }]));
        assert.deepEqual(bare(patched(third, backThrough(third, applications) ?? {})), bare(first));
      }),
    );
  });
  it('stand as they were made, as they were before, or otherwise', () => {
    const changes = changesOf({ scaling: { minReplicas: 1 } }, { scaling: { minReplicas: 2 }, gpu: { count: 1 } });
    assert.equal(standingOf({ scaling: { minReplicas: 1 } }, changes), 'Before');
    assert.equal(standingOf({ scaling: { minReplicas: 2, target: 5 }, gpu: { count: 1 } }, changes), 'After');
    assert.equal(standingOf({ scaling: { minReplicas: 3 } }, changes), 'Other');
    assert.equal(standingOf({ scaling: { minReplicas: 2 } }, changes), 'Other');
  });
  it('are told by the field that was changed, and no deeper than names go without dots', () => {
    const from = { resources: { limits: { cpu: '1', memory: '1Gi' } }, batching: { maxBatchSize: 4 } };
    assert.deepEqual(changesOf(from, { resources: { limits: { cpu: '4' } }, scaling: { containerConcurrency: 8 }, batching: null }), [
      { field: 'spec.resources.limits', before: '{"cpu":"1","memory":"1Gi"}', after: '{"cpu":"4","memory":"1Gi"}' },
      { field: 'spec.scaling.containerConcurrency', after: '8' },
      { field: 'spec.batching', before: '{"maxBatchSize":4}' },
    ]);
  });
  it('undo what was changed, and not what somebody has set beside it since', () => {
    const changes = changesOf({}, { resources: { limits: { cpu: '4' } } });
    const now = { resources: { limits: { cpu: '4', memory: '2Gi' } } };
    assert.deepEqual(
      patched(now, backward(changesOf({ resources: { limits: { memory: '1Gi' } } }, { resources: { limits: { cpu: '4' } } }))),
      {
        resources: { limits: { memory: '2Gi' } },
      },
    );
    assert.equal(backThrough({}, [{ changes }]), undefined);
  });
  it('that could not be remembered whole are named', () => {
    assert.equal(tooMuch(changesOf({}, { scaling: { minReplicas: 1 } })), undefined);
    assert.match(
      tooMuch(changesOf({}, { scheduling: { affinity: 'x'.repeat(longestValue) } })) ?? '',
      /spec\.scheduling\.affinity is longer/,
    );
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, i]));
    assert.match(tooMuch(changesOf({}, { scaling: many })) ?? '', /^40 fields/);
  });
});
