import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ModelDeploymentSpec } from '../../../api/model-deployment/index.ts';
import type { Cached } from '../../../kube/store.ts';
import type { NodeObject } from '../resources.ts';
import { type ClaimHolder, claimOf, type GpuClaim, rivalFor, sharedNodes } from './gpu-claim.ts';

const node = (name: string, gpus: number, labels: Record<string, string> = {}, resource = 'nvidia.com/gpu'): Cached<NodeObject> => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '2026-11-21T12:00:00Z', labels },
  status: { allocatable: { cpu: '8', [resource]: String(gpus) } },
});
const copy = (gpu: ModelDeploymentSpec['gpu'], replicas = 1): ModelDeploymentSpec => ({
  source: { storageUri: 'gs://b/x' },
  runtime: { type: 'Triton' },
  scaling: { minReplicas: replicas, maxReplicas: replicas },
  ...(gpu !== undefined && { gpu }),
});
const four = [node('gpu-1', 4), node('cpu-1', 0)];
const claim = (count: number, on: readonly string[] = [], nodes = four, replicas = 1): GpuClaim => {
  const made = claimOf(copy({ count }, replicas), nodes, on);
  assert.ok(made !== undefined);
  return made;
};
const holder = (key: string, its: GpuClaim): ClaimHolder => ({ key, claim: its });

describe('the GPUs of a copy', () => {
  it('are those of the nodes that can take it', () => {
    assert.deepEqual(claim(2).nodes, [{ name: 'gpu-1', offers: 4, shared: false }]);
    assert.equal(claimOf(copy(undefined), four), undefined);
    assert.equal(claimOf(copy({ count: 0 }), four), undefined);
    assert.deepEqual(claimOf(copy({ count: 1, product: 'A100' }), four)?.nodes, []);
  });

  it('are to be had beside copies that leave as many, and else not', () => {
    const other = holder('a/other', claim(3, ['gpu-1']));
    assert.equal(rivalFor(claim(1), [other]), undefined);
    assert.deepEqual(rivalFor(claim(2), [other]), { key: 'a/other', node: 'gpu-1' });
    assert.equal(rivalFor(claim(4), []), undefined);
  });

  it('are another matter on a node that the other copy did not get, and as good as taken while it has none', () => {
    const two = [node('gpu-1', 4), node('gpu-2', 4)];
    assert.equal(rivalFor(claim(4, [], two), [holder('a/other', claim(4, ['gpu-2'], two))]), undefined);
    assert.deepEqual(rivalFor(claim(4, [], two), [holder('a/other', claim(4, [], two))]), { key: 'a/other', node: 'gpu-1' });
  });

  it('are counted for each pod of a copy', () => {
    const other = holder('a/other', claim(1, ['gpu-1']));
    assert.equal(rivalFor(claim(1, [], four, 3), [other]), undefined);
    assert.deepEqual(rivalFor(claim(2, [], four, 2), [other]), { key: 'a/other', node: 'gpu-1' });
  });

  it('are not waited for where nobody has them: more than there are is said by the pods', () => {
    assert.equal(rivalFor(claim(4, [], four, 2), []), undefined);
    assert.equal(rivalFor(claim(1, [], [node('cpu-1', 0)]), [holder('a/other', claim(4))]), undefined);
  });

  it('do not stand in the way of another resource of the same node', () => {
    const slices = [node('mig', 2, {}, 'nvidia.com/mig-1g.5gb')];
    const slice = claimOf(copy({ count: 2, resourceName: 'nvidia.com/mig-1g.5gb' }), slices);
    assert.ok(slice !== undefined);
    assert.equal(rivalFor(slice, [holder('a/other', claim(4, ['mig']))]), undefined);
  });

  it('are one run’s alone on a node that shares them, whatever it measures', () => {
    const shared = [node('shared', 8, { 'nvidia.com/gpu.replicas': '8' })];
    const wanted = claim(1, [], shared);
    assert.deepEqual(rivalFor(wanted, [holder('a/other', claim(1, ['shared'], shared))]), { key: 'a/other', node: 'shared' });
    assert.deepEqual(rivalFor(wanted, [{ key: 'a/live', gpus: ['GPU-1', 'node/shared'] }]), { key: 'a/live', node: 'shared' });
    assert.equal(rivalFor(wanted, [{ key: 'a/live', gpus: ['node/elsewhere'] }]), undefined);
    assert.deepEqual(sharedNodes(wanted), ['node/shared']);
    assert.deepEqual(sharedNodes(claim(1)), []);
  });

  it('are never promised twice: whoever has room by the nodes that pods got fits beside them', () => {
    const nodes = [node('a', 4), node('b', 2), node('c', 1)];
    const arbitrary = fc.tuple(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom('a', 'b', 'c')), { maxLength: 4 }),
      fc.integer({ min: 1, max: 4 }),
    );
    fc.assert(
      fc.property(arbitrary, ([others, count]) => {
        const left = new Map([
          ['a', 4],
          ['b', 2],
          ['c', 1],
        ]);
        const holders = others.flatMap(([amount, on], i) => {
          const before = left.get(on) ?? 0;
          if (before < amount) return [];
          left.set(on, before - amount);
          return [holder(`h${i}`, claim(amount, [on], nodes))];
        });
        const fits = [...left.values()].some((free) => free >= count);
        assert.equal(rivalFor(claim(count, [], nodes), holders) === undefined, fits);
      }),
    );
  });
});
