import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDeploymentSpec } from '../../../api/model-deployment/index.ts';
import { type DedicatedSweep, entriesOf } from './entries.ts';
import { aGpuNode, aNode } from './testing.ts';

const model: ModelDeploymentSpec = { runtime: { type: 'Triton' }, source: { storageUri: 'gs://b/x' } };
const names = (sweep: DedicatedSweep, nodes = [aNode('a')], of = model) => {
  const result = entriesOf(sweep, of, nodes);
  return result.kind === 'None' ? result.reason : result.entries.map(({ name }) => name);
};
const versions = [
  { name: 'v2010', version: '20.10-py3' },
  { name: 'v2305', version: '23.05-py3' },
];

describe('the entries of a Dedicated sweep', () => {
  it('are one copy where nothing is listed', () => assert.deepEqual(names({}), ['copy']));
  it('are what is listed', () =>
    assert.deepEqual(names({ hardware: [{ name: 't4' }, { name: 'cpu', gpu: { count: 0 } }] }), ['t4', 'cpu']));
  it('are the versions, where only those are listed', () => assert.deepEqual(names({ runtimes: versions }), ['v2010', 'v2305']));
  it('are every version on every hardware', () =>
    assert.deepEqual(names({ hardware: [{ name: 't4' }, { name: 'a100' }], runtimes: versions }), [
      't4.v2010',
      't4.v2305',
      'a100.v2010',
      'a100.v2305',
    ]));
  it('never share a name', () => {
    const hardware = [{ name: 'a' }, { name: 'a-b' }];
    const runtimes = [
      { name: 'c', version: '1' },
      { name: 'b-c', version: '2' },
    ];
    const all = names({ hardware, runtimes });
    assert.equal(new Set(all).size, 4);
  });
  it('carry their version', () => {
    const result = entriesOf({ runtimes: versions }, model, undefined);
    assert.deepEqual(result, {
      kind: 'Entries',
      entries: [
        { name: 'v2010', runtimeVersion: '20.10-py3' },
        { name: 'v2305', runtimeVersion: '23.05-py3' },
      ],
    });
  });
});

describe('hardwareSelection Auto', () => {
  const auto = { hardwareSelection: 'Auto' } as const;
  const nodes = [aNode('cpu'), aGpuNode('g1', 'Tesla-T4'), aGpuNode('g2', 'NVIDIA-A100-SXM4-40GB'), aGpuNode('g3', 'Tesla-T4', 4)];

  it('takes each product once, whatever it is called', () => assert.deepEqual(names(auto, nodes), ['nvidia-a100-sxm4-40gb', 'tesla-t4']));
  it('asks for the product, and as many GPUs as the model has', () => {
    const result = entriesOf(auto, { ...model, gpu: { count: 2 } }, nodes);
    assert.deepEqual(result.kind === 'Entries' && result.entries[1], {
      name: 'tesla-t4',
      gpu: { count: 2, resourceName: 'nvidia.com/gpu', product: 'Tesla-T4' },
    });
  });
  it('keeps the slice of a GPU that the model uses', () => {
    const result = entriesOf(auto, { ...model, gpu: { count: 1, resourceName: 'nvidia.com/mig-1g.5gb' } }, [aGpuNode('g', 'A100')]);
    assert.equal(result.kind === 'Entries' && result.entries[0]?.gpu?.resourceName, 'nvidia.com/mig-1g.5gb');
  });
  it('tells products apart that differ in signs only', () =>
    assert.deepEqual(names(auto, [aGpuNode('a', 'Tesla-T4'), aGpuNode('b', 'Tesla_T4')]), ['tesla-t4', 'tesla-t4-2']));
  it('knows every vendor', () => assert.deepEqual(names(auto, [aGpuNode('m', 'MI300X', 8, 'amd.com/gpu')]), ['mi300x']));
  it('says so when no node has a product', () => assert.equal(names(auto, [aNode('a')]), 'NoGpuProducts'));
  it('says so when nodes may not be read', () => {
    const result = entriesOf(auto, model, undefined);
    assert.equal(result.kind === 'None' && result.reason, 'NodesNotReadable');
  });
});
