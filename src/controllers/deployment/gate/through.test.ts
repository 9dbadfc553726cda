import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RolloutStatus } from '../../../api/model-deployment/gate.ts';
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import { dialectOf } from '../../../kserve/dialect.ts';
import { renderInferenceService } from '../../../kserve/render.ts';
import { newestKServe } from '../../../models/kserve-version.ts';
import { type Decision, decide } from '../decide.ts';
import { aDeployment, anObservation, aService, noGate, readyStatus } from '../testing/objects.ts';
import { servedBy } from './served.ts';

const gate = { rollout: { gate: { profile: 'iris' } } };
const before = 'https://account.blob.core.windows.net/models/iris/';
const after = 'https://account.blob.core.windows.net/models/iris-2/';
const named = {
  apiVersion: 'modelwright.dev/v1alpha1',
  kind: 'ModelProfile',
  metadata: { name: 'iris', namespace: 'models', uid: 'n', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    target: { modelDeployment: 'iris' },
    sweep: { concurrency: [1] },
    objective: { latency: [{ percentile: 'p99', maxMilliseconds: 100 }] },
  },
} as const;
const facts = { ...noGate, named };

/** The service of the model as it was before the change. */
function liveService() {
  const old = aDeployment({ spec: gate }) as ModelDeployment;
  const { object } = renderInferenceService(old, { dialect: dialectOf(newestKServe), mode: 'Standard' });
  return { kind: 'Ours', object: { ...aService({ owner: { uid: 'uid-of-iris' }, status: readyStatus }), spec: object.spec } } as const;
}

function changed(rollout?: RolloutStatus, spec: Partial<ModelDeployment['spec']> = {}) {
  return aDeployment({
    spec: { source: { storageUri: after }, scaling: { minReplicas: 3, maxReplicas: 3 }, ...gate, ...spec },
    status: { deploymentMode: 'Standard', ...(rollout && { rollout }) },
  });
}

const condition = ({ status }: Decision, type: string) => {
  const found = status?.conditions.find((one) => one.type === type);
  return found && `${found.status} ${found.reason}`;
};
const appliedUri = ({ action }: Decision) => (action.kind === 'Apply' ? servedBy(action.desired)?.storageUri : action.kind);

describe('a ModelDeployment with a promotion gate', () => {
  const held = decide(anObservation({ deployment: changed(), inferenceService: liveService(), gate: facts }));

  it('leaves the model before in its place, and lets through what is no other model', () => {
    assert.equal(appliedUri(held), before);
    assert.equal(held.action.kind === 'Apply' && held.action.desired.spec.predictor['minReplicas'], 3);
  });

  it('is neither ready nor broken, and says that work goes on', () => {
    assert.deepEqual(
      ['Promoted', 'Ready', 'Reconciling', 'Stalled'].map((type) => condition(held, type)),
      ['Unknown CandidatePreparing', 'Unknown CandidatePreparing', 'True CandidatePreparing', undefined],
    );
  });

  it('says of the service what it is', () =>
    assert.match(condition(held, 'InferenceServiceReady') ?? '', /^(True|Unknown|False) (?!Candidate)/));

  it('asks for what measures the candidate', () => assert.equal(held.gate?.apply.shadow?.spec.source.storageUri, after));

  it('is stalled when the candidate has failed, and remembers it', () => {
    const rollout = held.status?.rollout;
    assert.ok(rollout?.candidate);
    const failed = {
      ...rollout,
      candidate: { ...rollout.candidate, state: 'Failed', reason: 'SLONotMet', message: 'p99 120 ms > 100 ms' },
    } as RolloutStatus;
    const decision = decide(anObservation({ deployment: changed(failed), inferenceService: liveService(), gate: facts }));
    assert.equal(appliedUri(decision), before);
    assert.deepEqual(
      ['Promoted', 'Ready', 'Stalled'].map((type) => condition(decision, type)),
      ['False SLONotMet', 'False SLONotMet', 'True SLONotMet'],
    );
    assert.deepEqual([decision.status?.lastError?.stage, decision.status?.lastError?.reason], ['Rollout', 'SLONotMet']);
    const { modelDeployment: _gone, ...kept } = failed.candidate ?? assert.fail();
    assert.deepEqual(decision.status?.rollout?.candidate, kept);
  });

  it('makes no service at a first rollout', () => {
    const decision = decide(anObservation({ deployment: changed(), gate: facts }));
    assert.equal(decision.action.kind, 'Leave');
    assert.equal(condition(decision, 'Ready'), 'Unknown CandidatePreparing');
    assert.ok(decision.gate?.apply.shadow);
  });

  it('goes forward without the gate, and forgets it', () => {
    const decision = decide(
      anObservation({ deployment: changed(held.status?.rollout, { rollout: {} }), inferenceService: liveService(), gate: facts }),
    );
    assert.equal(appliedUri(decision), after);
    assert.deepEqual([condition(decision, 'Promoted'), decision.status?.rollout], [undefined, undefined]);
  });

  it('keeps what the gate knows while something else stands in the way', () => {
    const decision = decide(
      anObservation({ deployment: changed(held.status?.rollout), inferenceService: { kind: 'Foreign', object: aService() }, gate: facts }),
    );
    assert.deepEqual(decision.status?.rollout, held.status?.rollout);
    assert.equal(condition(decision, 'Promoted'), 'Unknown NotJudged');
  });

  it('stops a model that is not let through yet, and makes nothing of it', () => {
    const decision = decide(anObservation({ deployment: changed(undefined, { suspend: true }), gate: facts }));
    assert.deepEqual([decision.action.kind, decision.gate?.apply], ['Leave', {}]);
    assert.equal(condition(decision, 'Ready'), 'False Suspended');
  });
});
