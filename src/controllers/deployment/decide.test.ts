import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dialectOf } from '../../kserve/dialect.ts';
import { newestKServe } from '../../models/kserve-version.ts';
import { afterFailedWrite, decide } from './decide.ts';
import type { Observed } from './observe.ts';
import type { StatusDraft } from './status.ts';
import { aDeployment, anObservation, aService, identifiedModel, plainFacts, readyStatus } from './testing/objects.ts';

function conditionOf(status: StatusDraft | undefined, type: string) {
  return status?.conditions.find((condition) => condition.type === type);
}

const own = { uid: 'uid-of-iris' };
const ours = (status?: typeof readyStatus) => ({ kind: 'Ours', object: aService({ owner: own, ...(status && { status }) }) }) as const;

describe('a deployment whose name is free', () => {
  const decision = decide(anObservation());

  it('is given an InferenceService that it owns', () => {
    assert.equal(decision.action.kind, 'Apply');
    const { metadata } = decision.action.kind === 'Apply' ? decision.action.desired : assert.fail();
    assert.equal(metadata.name, 'iris');
    assert.deepEqual(
      metadata.ownerReferences?.map(({ kind, uid, controller }) => [kind, uid, controller]),
      [['ModelDeployment', 'uid-of-iris', true]],
    );
  });
  it('is not ready and is being worked on', () => {
    assert.notEqual(conditionOf(decision.status, 'Ready')?.status, 'True');
    assert.equal(conditionOf(decision.status, 'Reconciling')?.status, 'True');
    assert.equal(conditionOf(decision.status, 'Stalled'), undefined);
  });
  it('has, before its InferenceService is made, the status that holds once that is there', () => {
    assert.deepEqual(decide(anObservation({ settling: true })).status, decide(anObservation({ inferenceService: ours() })).status);
  });
  it('keeps the mode that it was created in', () => assert.equal(decision.status?.deploymentMode, 'Standard'));
});

describe('what keeps a deployment from being served', () => {
  const foreign = { kind: 'Foreign', object: aService() } as const;
  const earlier = aDeployment({ name: 'iris-old', spec: { model: identifiedModel } });
  const later = aDeployment({ spec: { model: identifiedModel } });
  const cases: readonly [string, Partial<Observed>, string, RegExp][] = [
    [
      'no KServe',
      { platform: { kind: 'Missing', reason: 'KServeMissing', message: 'KServe is not installed; install KServe' } },
      'KServeMissing',
      /install KServe/,
    ],
    [
      'a mode that is not there',
      { deployment: aDeployment({ spec: { deploymentMode: 'Knative' } }), platform: dialectOf(newestKServe, { knative: false }) },
      'ModeUnavailable',
      /Knative Serving is not installed; install it/,
    ],
    [
      'an InferenceService of nobody',
      { inferenceService: foreign },
      'InferenceServiceNotOurs',
      /annotate inferenceservice iris modelwright\.dev\/adopt=true/,
    ],
    [
      'an InferenceService of somebody else',
      { inferenceService: { ...foreign, controller: 'InferenceGraph routes' } },
      'InferenceServiceNotOurs',
      /managed by InferenceGraph routes; it is left alone: rename this ModelDeployment/,
    ],
    [
      'the same model, deployed earlier',
      { deployment: later, identityHolder: earlier },
      'IdentityTaken',
      /ModelDeployment iris-old is the same model \(architecture logistic-regression.*raise spec\.model\.version, or delete/,
    ],
    [
      'a service account that the policy does not allow',
      { deployment: aDeployment({ spec: { serviceAccountName: 'builder' } }) },
      'ServiceAccountNotAllowed',
      /spec\.serviceAccountName: .*"builder"/,
    ],
  ];
  for (const [name, over, reason, message] of cases) {
    it(`${name}: nothing is written, and ${reason} says why`, () => {
      const { action, status } = decide(anObservation(over));
      assert.equal(action.kind, 'Leave');
      for (const type of ['Ready', 'Stalled']) {
        const condition = conditionOf(status, type);
        assert.equal(condition?.status, type === 'Ready' ? 'False' : 'True', type);
        assert.equal(condition?.reason, reason);
        assert.match(condition?.message ?? '', message);
      }
      assert.equal(conditionOf(status, 'Reconciling'), undefined);
      assert.deepEqual(Object.keys(status?.lastError ?? {}).sort(), ['message', 'reason', 'stage']);
    });
  }
});

describe('the policy', () => {
  it('lets a deployment run under a service account that it allows', () => {
    const deployment = aDeployment({ spec: { serviceAccountName: 'builder' } });
    assert.equal(decide(anObservation({ deployment, policy: { serviceAccounts: ['builder'] } })).action.kind, 'Apply');
  });
});

describe('the same identity twice', () => {
  const model = { model: identifiedModel };
  const holder = aDeployment({ name: 'iris-old', spec: model });

  it('takes nothing from a deployment that serves: its service is kept as declared, and the condition names the other', () => {
    const { action, status } = decide(
      anObservation({ deployment: aDeployment({ spec: model }), identityHolder: holder, inferenceService: ours(readyStatus) }),
    );
    assert.equal(action.kind, 'Apply');
    const unique = conditionOf(status, 'IdentityUnique');
    assert.deepEqual([unique?.status, unique?.reason], ['False', 'IdentityTaken']);
    assert.match(unique?.message ?? '', /ModelDeployment iris-old/);
    assert.notEqual(conditionOf(status, 'Ready')?.reason, 'IdentityTaken');
  });
  it('is not asked of a model that does not say enough', () => {
    const { status } = decide(anObservation({ deployment: aDeployment({ spec: { model: { architecture: 'resnet50' } } }) }));
    assert.equal(conditionOf(status, 'IdentityUnique'), undefined);
  });
});

describe('an InferenceService of the same name', () => {
  it('is taken over when its annotation allows it', () => {
    const adoptable = { kind: 'Adoptable', object: aService({ annotations: { 'modelwright.dev/adopt': 'true' } }) } as const;
    assert.equal(decide(anObservation({ inferenceService: adoptable })).action.kind, 'Apply');
  });
  it('fixes no mode while it is foreign, so that one taken over can keep its own', () => {
    const { status } = decide(anObservation({ inferenceService: { kind: 'Foreign', object: aService() } }));
    assert.equal(status?.deploymentMode, undefined);
    const adoptable = { kind: 'Adoptable', object: aService({ status: { ...readyStatus, deploymentMode: 'Serverless' } }) } as const;
    assert.equal(decide(anObservation({ inferenceService: adoptable })).status?.deploymentMode, 'Knative');
  });
  it('keeps the mode that it runs in, whatever the default has become', () => {
    const running = { kind: 'Ours', object: aService({ owner: own, status: { ...readyStatus, deploymentMode: 'Knative' } }) } as const;
    assert.equal(decide(anObservation({ inferenceService: running })).status?.deploymentMode, 'Knative');
  });
  for (const kind of ['Leaving', 'Predecessor'] as const) {
    it(`is waited for while it goes away (${kind})`, () => {
      const { action, status } = decide(anObservation({ inferenceService: { kind, object: aService() } }));
      assert.equal(action.kind, 'Leave');
      assert.equal(conditionOf(status, 'Reconciling')?.status, 'True');
      assert.match(conditionOf(status, 'Ready')?.message ?? '', /a new one is made when it is gone/);
    });
  }
  it('that an earlier deployment has left behind is deleted, whatever the garbage collector does', () => {
    const object = aService({ owner: { uid: 'uid-of-an-earlier-one' } });
    const { action, status } = decide(anObservation({ inferenceService: { kind: 'Predecessor', object } }));
    assert.deepEqual(action, { kind: 'Clear', object });
    assert.equal(conditionOf(status, 'Ready')?.reason, 'PredecessorLeaving');
  });
});

describe('the deployment mode', () => {
  const cases: readonly [string, Partial<Observed>, string][] = [
    ['is the one that the spec asks for', { deployment: aDeployment({ spec: { deploymentMode: 'Knative' } }) }, 'Knative'],
    ['is the one fixed at creation', { deployment: aDeployment({ status: { deploymentMode: 'Knative' } }) }, 'Knative'],
    ["is the operator's default for a new one", { defaultMode: 'Knative' }, 'Knative'],
    [
      "is KServe's default where the operator's cannot be had",
      { defaultMode: 'Knative', platform: dialectOf(newestKServe, { knative: false }) },
      'Standard',
    ],
    ["is KServe's default otherwise", {}, 'Standard'],
  ];
  for (const [name, over, mode] of cases) {
    it(name, () => assert.equal(decide(anObservation(over)).status?.deploymentMode, mode));
  }
});

describe('a deployment that is suspended', () => {
  const spec = { suspend: true };

  it('loses its InferenceService on a KServe that cannot stop one', () => {
    const { action } = decide(
      anObservation({
        deployment: aDeployment({ spec }),
        platform: dialectOf({ major: 0, minor: 11 }),
        inferenceService: ours(readyStatus),
      }),
    );
    assert.equal(action.kind, 'Delete');
  });
  it('is stopped also when its spec may not be written any more', () => {
    const { action } = decide(
      anObservation({ deployment: aDeployment({ spec: { ...spec, serviceAccountName: 'builder' } }), inferenceService: ours(readyStatus) }),
    );
    assert.equal(action.kind, 'Delete');
  });
  it('takes no foreign InferenceService with it', () => {
    const { action } = decide(
      anObservation({ deployment: aDeployment({ spec }), inferenceService: { kind: 'Foreign', object: aService() } }),
    );
    assert.equal(action.kind, 'Leave');
  });
});

describe('a deployment that is being deleted', () => {
  it('is left to the garbage collector: nothing is written', () => {
    const deployment = aDeployment({ metadata: { deletionTimestamp: '2026-01-02T00:00:00Z' } });
    assert.deepEqual(decide(anObservation({ deployment, inferenceService: ours(readyStatus) })), {
      action: { kind: 'Leave' },
      status: undefined,
      wantsLogsOf: [],
    });
  });
});

describe('a status that is older than our last write', () => {
  it('is not taken for an answer to it', () => {
    const { status } = decide(anObservation({ inferenceService: ours(readyStatus), settling: true }));
    assert.notEqual(conditionOf(status, 'Ready')?.status, 'True');
    assert.equal(conditionOf(status, 'Reconciling')?.status, 'True');
  });
});

describe('a write that failed', () => {
  it('stalls when it was refused, in the words of who refused it', () => {
    const status = afterFailedWrite(anObservation(), { kind: 'Refused', message: 'KServe refused the InferenceService: no' });
    assert.deepEqual(
      ['Ready', 'Stalled'].map((type) => conditionOf(status, type)?.reason),
      ['InferenceServiceRefused', 'InferenceServiceRefused'],
    );
    assert.equal(status.lastError?.stage, 'InferenceService');
  });
  it('goes on when nobody could be asked', () => {
    const status = afterFailedWrite(anObservation(), { kind: 'Unavailable', message: 'no answer' });
    assert.equal(conditionOf(status, 'Reconciling')?.reason, 'WriteFailed');
    assert.equal(conditionOf(status, 'Stalled'), undefined);
    assert.equal(status.lastError, undefined);
  });
});

describe('decide', () => {
  it('gives the same answer to the same question', () => {
    const observed = anObservation({ facts: plainFacts, inferenceService: ours(readyStatus) });
    assert.deepEqual(decide(observed), decide(structuredClone(observed)));
  });
});
