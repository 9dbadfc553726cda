import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ModelProfileSpec } from '../../../api/model-profile/index.ts';
import { aProfile } from '../testing/objects.ts';
import { chunksOf } from './chunks.ts';
import { planOfJob } from './job-plan.ts';
import { runIdAfter, specHashOf } from './run-id.ts';
import { tasksOf } from './tasks.ts';

const sizes = (sweep: ModelProfileSpec['sweep']) => chunksOf(tasksOf({ sweep })).map((chunk) => chunk.length);
const range = (length: number) => Array.from({ length }, (_, i) => i + 1);

describe('the division of a sweep into completion indexes', () => {
  it('keeps the points of one batch size together and lets small ones share', () => {
    assert.deepEqual(sizes({ batchSizes: [1, 2, 4, 8, 16], concurrency: [1, 4, 16] }), [6, 6, 3]);
    assert.deepEqual(sizes({ batchSizes: range(8), concurrency: [4] }), [8]);
    assert.deepEqual(sizes({ concurrency: range(20) }), [7, 6, 7]);
    assert.deepEqual(sizes({ concurrency: [1] }), [1]);
    assert.deepEqual(sizes({ batchSizes: [1, 2, 3], search: { for: 'Concurrency', maximum: 9 } }), [1, 1, 1]);
  });

  it('never has more points than a message holds, and loses and doubles none', () => {
    const levels = fc.uniqueArray(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(levels, levels, (batchSizes, concurrency) => {
        const tasks = tasksOf({ sweep: { batchSizes, concurrency } });
        const chunks = chunksOf(tasks);
        assert.ok(chunks.every(({ length }) => length >= 1 && length <= 8));
        assert.deepEqual(
          chunks
            .flat()
            .map(({ id }) => id)
            .sort(),
          tasks.map(({ id }) => id).sort(),
        );
        // A batch size is spread over no more indexes than it must be, or one more where it begins in the rest of another.
        for (const batchSize of batchSizes) {
          const used = chunks.filter((chunk) => chunk.some((task) => task.batchSize === batchSize)).length;
          assert.ok(used <= Math.ceil(concurrency.length / 8));
        }
      }),
    );
  });

  it('measures levels in an order of their own, the same each time', () => {
    const sweep = { concurrency: range(8) };
    const ids = tasksOf({ sweep }).map(({ id }) => id);
    assert.notDeepEqual(
      ids,
      range(8).map((level) => `b1-c${level}`),
    );
    assert.deepEqual(
      tasksOf({ sweep }).map(({ id }) => id),
      ids,
    );
  });
});

describe('the hash of a spec', () => {
  const base = aProfile().spec;
  const differs = (change: Partial<ModelProfileSpec>) => specHashOf({ ...base, ...change } as ModelProfileSpec) !== specHashOf(base);

  it('changes with whatever matters for the figures', () => {
    assert.ok(differs({ target: { modelDeployment: 'other' } }));
    assert.ok(differs({ sweep: { concurrency: [2] } }));
    assert.ok(differs({ load: { durationSeconds: 9 } }));
    assert.ok(differs({ payload: { json: '{}' } }));
    assert.ok(differs({ placement: 'OtherNode' }));
    assert.ok(differs({ live: { maxRequestsPerSecond: 5 } }));
    assert.ok(differs({ objective: { latency: [{ percentile: 'p99', maxMilliseconds: 1 }] } }));
  });

  it('does not change with what only ends, repeats or names a run, nor with the order of fields', () => {
    assert.ok(!differs({ budget: { maxDurationSeconds: 99 }, suspend: true, runId: 'x', historyLimit: 3 }));
    assert.ok(!differs({ live: { stopAboveP99Milliseconds: 5 } }));
    const [a, b] = [1, 2].map((maxMilliseconds) => ({
      ...base,
      objective: { latency: [{ percentile: 'p99' as const, maxMilliseconds }] },
    }));
    assert.equal(specHashOf(a as ModelProfileSpec), specHashOf(b as ModelProfileSpec));
    const turned = { sweep: { concurrency: [1, 4], batchSizes: [1, 2] }, target: base.target } as ModelProfileSpec;
    assert.equal(specHashOf(turned), specHashOf(base));
  });

  it('of a search counts the bounds, since it goes by them', () => {
    const search = (maxMilliseconds: number) =>
      specHashOf({
        ...base,
        sweep: { search: { for: 'Concurrency', maximum: 9 } },
        objective: { latency: [{ percentile: 'p99', maxMilliseconds }] },
      });
    assert.notEqual(search(1), search(2));
  });
});

describe('the id of a run', () => {
  it('is one that the load generator takes, and another for each run', () => {
    const first = runIdAfter('uid', 'hash', undefined, undefined);
    assert.match(first, /^[a-z0-9-]{8,32}$/);
    const others = [
      runIdAfter('uid', 'hash', 'x', undefined),
      runIdAfter('uid', 'hash', undefined, first),
      runIdAfter('other', 'hash', undefined, undefined),
    ];
    assert.equal(new Set([first, ...others]).size, 4);
    assert.equal(runIdAfter('uid', 'hash', undefined, undefined), first);
  });
});

describe('the plan on a Job', () => {
  it('is not believed when somebody has changed it into something else', () => {
    for (const text of ['', '{', 'null', '{}', '{"indexes":3}', '{"indexes":[3]}', '{"indexes":[{"b1-c1":"x"}]}']) {
      assert.equal(planOfJob({ metadata: { name: 'x', annotations: { 'modelwright.dev/plan': text } } }), undefined, text);
    }
  });
});
