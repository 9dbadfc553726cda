import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelProfileStatus, ProfileResult } from '../../../api/model-profile/index.ts';
import type { Provenance } from '../staleness/staleness.ts';
import { type Donor, findIdentical, type Wanted } from './reuse.ts';

const provenance: Provenance = {
  target: 'modeldeployment/iris',
  targetUid: 'u-1',
  modelSha256: 'a'.repeat(64),
  imageDigest: `sha256:${'b'.repeat(64)}`,
  kserve: '0.15.0',
  deploymentMode: 'Standard',
  nodes: ['n-1', 'n-2'],
  tool: '0.1.0',
};
const point = (id: string, valid = true): ProfileResult => ({
  id,
  batchSize: 1,
  requests: 1000,
  errors: 0,
  requestsPerSecondMeasured: '100',
  samplesPerSecond: '100',
  valid,
  completedAt: '2026-05-04T10:00:00Z',
});
const wanted: Wanted = { spec: {}, specHash: 'cc', provenance, targetState: 'pods.0.images', points: ['b1-c1', 'b1-c2'], asked: false };

function donor(name: string, more: Partial<ModelProfileStatus> = {}, run: Partial<NonNullable<ModelProfileStatus['run']>> = {}): Donor {
  return {
    name,
    status: {
      run: {
        id: 'r0000001',
        state: 'Complete',
        specHash: 'cc',
        queuedTime: '2026-05-04T09:00:00Z',
        completionTime: '2026-05-04T10:00:00Z',
        ...run,
      },
      results: [point('b1-c1'), point('b1-c2')],
      provenance,
      ...more,
    },
  };
}

/** The same of a model that only its address names. */
const { modelSha256: _, ...bare } = { ...provenance, storageUri: 'gs://bucket/iris' };
const undigested: Wanted = { ...wanted, provenance: bare };
const unnamed = donor('other', { provenance: bare }, { targetState: 'pods.0.images' });

const samples = { configMapKeyRef: { name: 'iris', key: 'test.jsonl' } };

describe('a run is taken over', () => {
  it('with a dataset that its digest names', () => {
    const accuracy = { dataset: { ...samples, sha256: 'a'.repeat(64) }, metric: 'Top1' } as const;
    assert.ok(findIdentical({ ...wanted, spec: { accuracy } }, [donor('other')]));
  });
  it('of a model that no digest names, where the very pods serve still', () => assert.ok(findIdentical(undigested, [unnamed])));
  it('when it measured the very same, and says from where', () => {
    const found = findIdentical(wanted, [donor('other')]);
    assert.equal(found?.from, 'other/r0000001');
    assert.deepEqual(found.status, donor('other').status);
  });
  it('whatever the order in which nodes are named', () => {
    assert.ok(findIdentical(wanted, [donor('other', { provenance: { ...provenance, nodes: ['n-2', 'n-1'] } })]));
  });
  it('the latest of several', () => {
    const [early, late] = [donor('early'), donor('late', {}, { completionTime: '2026-05-05T10:00:00Z' })];
    assert.equal(findIdentical(wanted, [early, late])?.from, 'late/r0000001');
    assert.equal(findIdentical(wanted, [late, early])?.from, 'late/r0000001');
  });
  it('under the name of the run that measured, where it was itself taken over', () => {
    assert.equal(findIdentical(wanted, [donor('other', {}, { reusedFrom: 'first/r0000009' })])?.from, 'first/r0000009');
  });
});

describe('a run is not taken over', () => {
  const cases: readonly [what: string, wanted: Wanted, donors: readonly Donor[]][] = [
    ['where there is none', wanted, []],
    ['where spec.reuse says Never', { ...wanted, spec: { reuse: 'Never' } }, [donor('other')]],
    ['where the run is to be compared with a baseline', { ...wanted, spec: { baseline: { run: 'Last' } } }, [donor('other')]],
    [
      'with a dataset that may be another by now',
      { ...wanted, spec: { accuracy: { dataset: samples, metric: 'Top1' } } },
      [donor('other')],
    ],
    ['where load pods are to upload their reports', { ...wanted, spec: { report: { repository: 'default' } } }, [donor('other')]],
    ['where the calendar or a changed spec.runId asked for it', { ...wanted, asked: true }, [donor('other')]],
    ['from a run that is not complete', wanted, [donor('other', {}, { state: 'Cancelled' })]],
    ['from a run of another spec', wanted, [donor('other', {}, { specHash: 'dd' })]],
    ['from a run in which a point came out invalid', wanted, [donor('other', { results: [point('b1-c1'), point('b1-c2', false)] })]],
    ['from a run that lacks a point', wanted, [donor('other', { results: [point('b1-c1')] })]],
    ['from a run without provenance', wanted, [{ name: 'other', status: { ...donor('other').status, provenance: undefined } as never }]],
    ['from a profile without status', wanted, [{ name: 'other' }]],
    [
      'of a model that no digest names, by other pods',
      undigested,
      [{ ...unnamed, status: { ...unnamed.status, run: { ...unnamed.status?.run, targetState: 'pods.1.images' } } as never }],
    ],
    [
      'of a model that no digest names, without pods',
      { ...undigested, targetState: '' },
      [{ ...unnamed, status: { ...unnamed.status, run: { ...unnamed.status?.run, targetState: '' } } as never }],
    ],
    ...Object.keys(provenance).map((name): [string, Wanted, readonly Donor[]] => [
      `where ${name} is another`,
      { ...wanted, provenance: { ...provenance, [name]: name === 'nodes' ? ['n-3'] : 'other' } },
      [donor('other')],
    ]),
    ['where the GPU has become known', { ...wanted, provenance: { ...provenance, gpuProduct: 'Tesla-T4' } }, [donor('other')]],
  ];
  for (const [what, want, donors] of cases) it(what, () => assert.equal(findIdentical(want, donors), undefined));
});
