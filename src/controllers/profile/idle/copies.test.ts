import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { Cached } from '../../../kube/store.ts';
import type { DedicatedDecision } from '../dedicated/decide.ts';
import type { NodeObject } from '../resources.ts';
import { copyToMake, heldBack, placesFor, wantedBy } from './copies.ts';
import type { IdleVerdict } from './wait.ts';

const now = Date.parse('2026-05-04T10:00:00Z');
const copy: ModelDeployment = {
  apiVersion: 'modelwright.dev/v1alpha1',
  kind: 'ModelDeployment',
  metadata: { name: 'iris-x', namespace: 'models' },
  spec: { source: { storageUri: 'gs://b/x' }, runtime: { type: 'Triton' }, gpu: { count: 2, product: 'Tesla-T4' } },
};
const decision: DedicatedDecision = {
  hardware: [
    { name: 'a10', state: 'Measured' },
    { name: 't4', state: 'Preparing', message: 'The copy is about to be made' },
    { name: 'l4', state: 'Waiting' },
  ],
  apply: copy,
  remove: [],
};
const verdict = (kind: IdleVerdict['kind']): IdleVerdict => ({
  kind,
  status: { runId: 'r1', state: 'Waiting', waitingSince: '2026-05-04T10:00:00Z' },
  reason: 'Busy',
  message: 'Waits for idle GPUs: x',
  lookAgainMilliseconds: 5000,
});

describe('a copy whose GPUs are busy', () => {
  it('is the one that is to be made', () => {
    assert.deepEqual(copyToMake(decision), { entry: 't4', copy });
    const { apply: _, ...nothing } = decision;
    assert.equal(copyToMake(nothing), undefined);
  });
  it('is made when they are idle', () => assert.equal(heldBack(decision, verdict('Idle'), now), decision));
  it('is held back while they are not, and the entry says why', () => {
    const held = heldBack(decision, verdict('Wait'), now);
    assert.equal(held.apply, undefined);
    assert.deepEqual(held.hardware, [
      { name: 'a10', state: 'Measured' },
      { name: 't4', state: 'Preparing', message: 'Waits for idle GPUs: x' },
      { name: 'l4', state: 'Waiting' },
    ]);
    assert.equal(held.again, now + 5000);
  });
  it('is held back until they have been looked at', () => assert.equal(heldBack(decision, undefined, now).apply, undefined));
  it('is not to be had when the wait is given up; the others go on', () => {
    const { hardware, apply } = heldBack(decision, verdict('GiveUp'), now);
    assert.equal(apply, undefined);
    assert.deepEqual(
      hardware.map(({ name, state }) => `${name} ${state}`),
      ['a10 Measured', 't4 Unavailable', 'l4 Waiting'],
    );
  });
});

describe('where a copy can go', () => {
  const node = (name: string, gpus: number, product: string, unschedulable = false): Cached<NodeObject> => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: name,
      resourceVersion: '1',
      creationTimestamp: '2026-05-04T10:00:00Z',
      labels: { 'nvidia.com/gpu.product': product },
    },
    spec: { unschedulable },
    status: { allocatable: { 'nvidia.com/gpu': String(gpus) } },
  });
  it('is a node of the product with enough GPUs that takes pods', () => {
    const nodes = [
      node('fits', 2, 'Tesla-T4'),
      node('small', 1, 'Tesla-T4'),
      node('other', 8, 'A10'),
      node('cordoned', 4, 'Tesla-T4', true),
    ];
    assert.deepEqual(
      placesFor(copy, nodes).map(({ metadata }) => metadata.name),
      ['fits'],
    );
  });
  it('wants the GPUs of its spec', () => {
    assert.deepEqual(wantedBy(copy), { resource: 'nvidia.com/gpu', count: 2 });
    assert.deepEqual(wantedBy({ ...copy, spec: { ...copy.spec, gpu: { count: 1, resourceName: 'nvidia.com/mig-1g.5gb' } } }), {
      resource: 'nvidia.com/mig-1g.5gb',
      count: 1,
    });
    const { gpu: _, ...cpu } = copy.spec;
    assert.equal(wantedBy({ ...copy, spec: cpu }).count, 0);
  });
});
