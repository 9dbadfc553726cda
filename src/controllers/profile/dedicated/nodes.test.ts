import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDeploymentSpec } from '../../../api/model-deployment/index.ts';
import type { NodeObject } from '../resources.ts';
import { whyNoNode } from './nodes.ts';
import { aGpuNode, aNode } from './testing.ts';

const spec = (over: Partial<ModelDeploymentSpec> = {}): ModelDeploymentSpec => ({
  runtime: { type: 'Triton' },
  source: { storageUri: 'gs://b/x' },
  ...over,
});
const t4 = { gpu: { count: 1, product: 'Tesla-T4' } };
const taint = { key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' } as const;
const tainted = { ...aGpuNode('g', 'Tesla-T4'), spec: { taints: [taint] } };
const tolerating = (toleration: object) => spec({ ...t4, scheduling: { tolerations: [toleration] } });

const rows: readonly (readonly [what: string, spec: ModelDeploymentSpec, nodes: readonly NodeObject[], answer: RegExp | undefined])[] = [
  ['any node', spec(), [aNode('a')], undefined],
  ['no node at all', spec(), [], /^The cluster has no node$/],
  ['a product that is there', spec(t4), [aNode('a'), aGpuNode('g', 'Tesla-T4')], undefined],
  [
    'a product that is not',
    spec(t4),
    [aGpuNode('g', 'A100')],
    /^No node has the label nvidia\.com\/gpu\.product=Tesla-T4; correct the entry/,
  ],
  [
    'more GPUs than any node has',
    spec({ gpu: { count: 4, product: 'Tesla-T4' } }),
    [aGpuNode('g', 'Tesla-T4', 2)],
    /offers 4 nvidia\.com\/gpu; the most that one offers is 2$/,
  ],
  [
    'a slice that is not cut',
    spec({ gpu: { count: 1, resourceName: 'nvidia.com/mig-1g.5gb' } }),
    [aGpuNode('g', 'A100')],
    /^No node offers 1 nvidia\.com\/mig-1g\.5gb; the most that one offers is 0$/,
  ],
  [
    'two labels that no node has together',
    spec({ scheduling: { nodeSelector: { a: '1', b: '2' } } }),
    [aNode('x', { a: '1' }), aNode('y', { b: '2' })],
    /^No node has the labels a=1, b=2;/,
  ],
  ['a node that is cordoned', spec(), [aNode('a', {}, {}, { unschedulable: true })], /^No node takes pods: node a is cordoned$/],
  ['a taint', spec(t4), [tainted], /node g has the taint nvidia\.com\/gpu=present:NoSchedule; tolerate it/],
  ['a taint tolerated by key', tolerating({ key: 'nvidia.com/gpu', operator: 'Exists' }), [tainted], undefined],
  ['a taint tolerated by value', tolerating({ key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' }), [tainted], undefined],
  ['a taint tolerated with another value', tolerating({ key: 'nvidia.com/gpu', value: 'absent' }), [tainted], /has the taint/],
  [
    'a taint tolerated for another effect',
    tolerating({ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoExecute' }),
    [tainted],
    /has the taint/,
  ],
  ['every taint tolerated', tolerating({ operator: 'Exists' }), [tainted], undefined],
  ['a taint that only asks', spec(t4), [{ ...tainted, spec: { taints: [{ ...taint, effect: 'PreferNoSchedule' }] } }], undefined],
];

describe('whether a node can take a copy', () => {
  for (const [what, wanted, nodes, answer] of rows) {
    it(what, () => {
      const why = whyNoNode(wanted, nodes);
      if (answer === undefined) assert.equal(why, undefined);
      else assert.match(why ?? '', answer);
    });
  }
});
