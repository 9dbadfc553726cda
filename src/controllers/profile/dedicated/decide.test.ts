import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { HardwareStatus } from '../../../api/model-profile/dedicated.ts';
import type { Cached } from '../../../kube/store.ts';
import { aDeployment } from '../../deployment/testing/objects.ts';
import { type DedicatedDecision, type DedicatedObserved, decideDedicated, readyWithinMilliseconds } from './decide.ts';
import { aGpuNode, aNode } from './testing.ts';

const owner = { apiVersion: 'modelwright.dev/v1alpha1', kind: 'ModelProfile', name: 'iris', uid: 'p', controller: true };
const start = Date.UTC(2026, 0, 1);
const run = { id: 'r1', owner, endsAt: start + 3_600_000 };
const t4 = { name: 't4', gpu: { count: 1, product: 'Tesla-T4' } };
const cpu = { name: 'cpu', gpu: { count: 0 } };

function observed(over: Partial<DedicatedObserved> = {}): DedicatedObserved {
  return {
    entries: [t4, cpu],
    original: aDeployment(),
    copies: [],
    nodes: [aNode('a'), aGpuNode('g', 'Tesla-T4')],
    knativeFlags: undefined,
    run,
    recorded: [],
    outcomeOf: () => 'Open',
    refused: new Map(),
    now: start,
    ...over,
  };
}

/** What the API server makes of the copy that was decided on. */
function made(decision: DedicatedDecision, status?: ModelDeployment['status'], metadata: object = {}): Cached<ModelDeployment> {
  assert.ok(decision.apply, 'a copy is to be made');
  return {
    ...decision.apply,
    metadata: {
      ...decision.apply.metadata,
      uid: 'c',
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: new Date(start).toISOString(),
      ...metadata,
    },
    ...(status && { status: { observedGeneration: 1, ...status } }),
  };
}

const condition = (type: string, status: 'True' | 'False', message: string) => ({
  type,
  status,
  reason: 'X',
  message,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});
const serving = { conditions: [condition('Ready', 'True', 'It answers')], firstReadyTime: '2026-01-01T00:00:10Z' };
const stalled = { conditions: [condition('Ready', 'False', 'The image cannot be pulled'), condition('Stalled', 'True', 'x')] };
const pending = { conditions: [condition('Ready', 'False', 'The node has no room'), condition('Reconciling', 'True', 'x')] };
const states = ({ hardware }: DedicatedDecision) => hardware.map(({ name, state }) => `${name} ${state}`);

describe('a Dedicated run', () => {
  const first = decideDedicated(observed());

  it('makes the copy of the first entry, owned by the profile and bounded in time', () => {
    assert.deepEqual(states(first), ['t4 Preparing', 'cpu Waiting']);
    assert.deepEqual(first.apply?.spec.gpu, { ...t4.gpu, resourceName: 'nvidia.com/gpu' });
    assert.deepEqual(first.apply?.metadata.annotations, { 'modelwright.dev/deadline': '2026-01-01T01:00:00Z' });
    assert.equal(first.measure, undefined);
  });

  it('waits until the copy serves, and says what it waits for', () => {
    const decision = decideDedicated(observed({ copies: [made(first, pending)] }));
    assert.deepEqual(states(decision), ['t4 Preparing', 'cpu Waiting']);
    assert.equal(decision.hardware[0]?.message, 'The node has no room');
    assert.equal(decision.again, start + readyWithinMilliseconds);
  });

  it('does not believe a status that is of another spec', () => {
    const decision = decideDedicated(observed({ copies: [made(first, { ...serving, observedGeneration: 0 })] }));
    assert.equal(decision.measure, undefined);
  });

  it('measures the copy once it serves', () => {
    const copy = made(first, serving);
    const decision = decideDedicated(observed({ copies: [copy] }));
    assert.deepEqual(states(decision), ['t4 Measuring', 'cpu Waiting']);
    assert.deepEqual(decision.measure, { entry: 't4', modelDeployment: copy.metadata.name });
    assert.deepEqual(decision.remove, []);
  });

  it('removes a copy that is measured before it makes the next', () => {
    const copy = made(first, serving);
    const outcomeOf = (entry: string) => (entry === 't4' ? 'Measured' : 'Open');
    const leaving = decideDedicated(observed({ copies: [copy], outcomeOf }));
    assert.deepEqual(states(leaving), ['t4 Measured', 'cpu Preparing']);
    assert.deepEqual([leaving.remove, leaving.apply], [[copy], undefined]);
    const next = decideDedicated(observed({ outcomeOf }));
    assert.equal(next.apply?.spec.gpu, undefined);
    assert.notEqual(next.apply?.metadata.name, copy.metadata.name);
  });

  it('is over when every entry is measured, and leaves nothing behind', () => {
    const copy = made(first, serving);
    const decision = decideDedicated(observed({ copies: [copy], outcomeOf: () => 'Measured' }));
    assert.deepEqual(states(decision), ['t4 Measured', 'cpu Measured']);
    assert.deepEqual([decision.remove, decision.apply, decision.measure], [[copy], undefined, undefined]);
  });

  it('finds its copy again after a crash, and removes those of another run', () => {
    const copy = made(first, serving);
    const stray = { ...copy, metadata: { ...copy.metadata, name: 'iris-stray', uid: 's' } };
    const decision = decideDedicated(observed({ copies: [stray, copy] }));
    assert.deepEqual(decision.measure?.modelDeployment, copy.metadata.name);
    assert.deepEqual(decision.remove, [stray]);
  });

  it('makes nothing while a copy of another run is still there', () => {
    const copy = made(first, serving);
    const stray = { ...copy, metadata: { ...copy.metadata, name: 'iris-stray' } };
    assert.equal(decideDedicated(observed({ copies: [stray] })).apply, undefined);
  });

  it('leaves nothing behind when it is cancelled, and keeps what is settled', () => {
    const copy = made(first, serving);
    const recorded = [
      { name: 't4', state: 'Unavailable', message: 'No node' } as const,
      { name: 'cpu', state: 'Measuring', modelDeployment: 'x' } as const,
    ];
    const decision = decideDedicated(observed({ run: undefined, copies: [copy], recorded }));
    assert.deepEqual(decision.remove, [copy]);
    assert.deepEqual(decision.hardware, [
      { name: 't4', state: 'Unavailable', message: 'No node' },
      { name: 'cpu', state: 'Waiting' },
    ]);
  });

  it('makes a copy anew that somebody deleted, when it is gone', () => {
    const going = decideDedicated(observed({ copies: [made(first, serving, { deletionTimestamp: '2026-01-01T00:00:20Z' })] }));
    assert.deepEqual([states(going)[0], going.apply, going.measure], ['t4 Preparing', undefined, undefined]);
    assert.ok(decideDedicated(observed()).apply);
  });
});

describe('hardware that comes and goes during a run', () => {
  const first = decideDedicated(observed());
  const later = { name: 'a100', gpu: { count: 1, product: 'A100' } };

  it('is not measured when it comes', () => {
    const decision = decideDedicated(observed({ entries: [later, t4, cpu], copies: [made(first, serving)], recorded: first.hardware }));
    assert.deepEqual(states(decision), ['t4 Measuring', 'cpu Waiting']);
  });
  it('is unavailable when it goes, with its copy, and the others go on', () => {
    const copy = made(first, serving);
    const decision = decideDedicated(observed({ entries: [cpu], copies: [copy], recorded: first.hardware }));
    assert.deepEqual(states(decision), ['cpu Preparing', 't4 Unavailable']);
    assert.deepEqual(decision.remove, [copy]);
  });
  it('stays measured when it goes afterwards', () => {
    const recorded: HardwareStatus[] = [
      { name: 't4', state: 'Measured', nodes: ['g'] },
      { name: 'cpu', state: 'Waiting' },
    ];
    assert.deepEqual(decideDedicated(observed({ entries: [cpu], recorded })).hardware.at(-1), recorded[0]);
    assert.deepEqual(decideDedicated(observed({ entries: [], run: undefined, recorded })).hardware[0], recorded[0]);
  });
});

describe('a model that is changed during the run', () => {
  const first = decideDedicated(observed());
  const other = aDeployment({ spec: { source: { storageUri: 'gs://b/other' } } });
  const isMeasured = (entry: string) => (entry === 't4' ? 'Measured' : 'Open');

  it('is not compared with what it was', () => {
    const decision = decideDedicated(observed({ original: other, recorded: first.hardware, outcomeOf: isMeasured }));
    assert.deepEqual(states(decision), ['t4 Measured', 'cpu Failed']);
    assert.match(decision.hardware[1]?.message ?? '', /^The ModelDeployment was changed after the run had begun/);
  });
  it('may have more copies of itself', () => {
    const scaled = aDeployment({ spec: { scaling: { minReplicas: 3, maxReplicas: 9 } } });
    assert.deepEqual(states(decideDedicated(observed({ original: scaled, recorded: first.hardware, outcomeOf: isMeasured }))), [
      't4 Measured',
      'cpu Preparing',
    ]);
  });
  it('is another one in another run', () =>
    assert.deepEqual(states(decideDedicated(observed({ original: other }))), ['t4 Preparing', 'cpu Waiting']));
  it('is remembered while the copy is measured', () => {
    const decision = decideDedicated(observed({ copies: [made(first, serving)], recorded: first.hardware }));
    assert.equal(decision.hardware[0]?.basis, first.hardware[0]?.basis);
    assert.ok(decision.hardware[0]?.basis);
  });
});

describe('an entry that cannot be measured', () => {
  const first = decideDedicated(observed());

  it('is unavailable where no node has it, and the others go on', () => {
    const decision = decideDedicated(observed({ nodes: [aNode('a')] }));
    assert.deepEqual(states(decision), ['t4 Unavailable', 'cpu Preparing']);
    assert.match(decision.hardware[0]?.message ?? '', /^No node has the label nvidia\.com\/gpu\.product=Tesla-T4/);
    assert.equal(decision.apply?.spec.gpu, undefined);
  });

  it('has failed when the API server refuses its copy, with what it said', () => {
    const refused = new Map([[first.apply?.metadata.name ?? '', 'spec.batching needs protocol V1']]);
    const decision = decideDedicated(observed({ refused }));
    assert.deepEqual(states(decision), ['t4 Failed', 'cpu Preparing']);
    assert.equal(decision.hardware[0]?.message, 'The API server refused the copy: spec.batching needs protocol V1');
  });

  it('is tried where nodes may not be read', () => assert.ok(decideDedicated(observed({ nodes: undefined })).apply));

  it('has failed when its copy is stalled, with the reason, and the others go on', () => {
    const copy = made(first, stalled);
    const decision = decideDedicated(observed({ copies: [copy] }));
    assert.deepEqual(states(decision), ['t4 Failed', 'cpu Preparing']);
    assert.equal(decision.hardware[0]?.message, 'The copy does not serve: The image cannot be pulled');
    assert.deepEqual(decision.remove, [copy]);
  });

  it('has failed when it was measured again and again in vain, and the others go on', () => {
    const copy = made(first, serving);
    const decision = decideDedicated(observed({ copies: [copy], outcomeOf: (entry) => (entry === 't4' ? 'GivenUp' : 'Open') }));
    assert.deepEqual(states(decision), ['t4 Failed', 'cpu Preparing']);
    assert.deepEqual(decision.remove, [copy]);
  });

  it('stays failed, whatever comes later', () => {
    const recorded: HardwareStatus[] = [
      { name: 't4', state: 'Failed', message: 'so' },
      { name: 'cpu', state: 'Waiting' },
    ];
    assert.deepEqual(states(decideDedicated(observed({ recorded }))), ['t4 Failed', 'cpu Preparing']);
  });

  it('has failed when its copy did not serve in time', () => {
    const decision = decideDedicated(observed({ copies: [made(first, pending)], now: start + readyWithinMilliseconds }));
    assert.deepEqual(states(decision), ['t4 Failed', 'cpu Preparing']);
    assert.equal(decision.hardware[0]?.message, 'The copy did not serve within 30 minutes: The node has no room');
  });

  it('is waited for when its copy has served and is down for a moment', () => {
    const down = { ...stalled, firstReadyTime: '2026-01-01T00:00:10Z' };
    const decision = decideDedicated(observed({ copies: [made(first, down)], now: start + 59 * 60_000 }));
    assert.deepEqual(states(decision), ['t4 Preparing', 'cpu Waiting']);
    assert.equal(decision.again, run.endsAt);
  });

  it('has failed when somebody else has changed its copy', () => {
    const copy = made(first, { ...serving, observedGeneration: 2 }, { generation: 2 });
    assert.deepEqual(states(decideDedicated(observed({ copies: [copy] }))), ['t4 Failed', 'cpu Preparing']);
  });

  it('has failed when the time of its copy is over', () => {
    const decision = decideDedicated(observed({ copies: [made(first, serving)], now: run.endsAt }));
    assert.deepEqual(states(decision), ['t4 Failed', 'cpu Preparing']);
  });
});
