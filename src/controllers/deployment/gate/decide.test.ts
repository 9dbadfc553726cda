import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RolloutStatus } from '../../../api/model-deployment/gate.ts';
import type { ModelDeployment, ModelDeploymentSpec } from '../../../api/model-deployment/index.ts';
import { rules as deploymentRules } from '../../../api/model-deployment/rules.ts';
import type { ModelProfile, ModelProfileStatus } from '../../../api/model-profile/index.ts';
import { rules as profileRules } from '../../../api/model-profile/rules.ts';
import type { Cached } from '../../../kube/store.ts';
import { aDeployment } from '../testing/objects.ts';
import { decideGate, type GateDecision, type GateObserved } from './decide.ts';
import { type Served, servedHash } from './served.ts';

const start = Date.UTC(2026, 0, 1);
const a: Served = { storageUri: 'gs://b/a', runtime: 'kserve-sklearnserver' };
const b: Served = { ...a, storageUri: 'gs://b/b' };
const letThrough = (served: Served): NonNullable<RolloutStatus['promoted']> => ({
  hash: servedHash(served),
  reason: 'Passed',
  message: 'it was good',
  ...served,
});

function named(spec: Partial<ModelProfile['spec']> = {}): Cached<ModelProfile> {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: {
      name: 'iris',
      namespace: 'models',
      uid: 'n',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      generation: 1,
    },
    spec: {
      target: { modelDeployment: 'iris', modelName: 'iris', host: 'iris.example.com' },
      sweep: { concurrency: [1, 4] },
      objective: { latency: [{ percentile: 'p99', maxMilliseconds: 100 }] },
      live: { maxRequestsPerSecond: 50 },
      ...spec,
    },
  };
}

function observed(over: Partial<GateObserved> & { rollout?: RolloutStatus; spec?: Partial<ModelDeploymentSpec> } = {}): GateObserved {
  const { rollout, spec, ...rest } = over;
  return {
    deployment: aDeployment({
      spec: { source: { storageUri: b.storageUri }, rollout: { gate: { profile: 'iris', waitAtMostSeconds: 3600 } }, ...spec },
      status: { deploymentMode: 'Standard', ...(rollout && { rollout }) },
    }),
    wanted: b,
    live: a,
    canary: undefined,
    named: named(),
    shadows: [],
    profiles: [],
    servedByShadow: {},
    mode: 'Standard',
    now: start,
    ...rest,
  };
}

const condition = (type: string, status: 'True' | 'False' | 'Unknown', message = `${type} is ${status}`) => ({
  type,
  status,
  reason: 'X',
  message,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});

/** What the API server has of the objects that were decided on. */
function shadowOf(decision: GateDecision, ...conditions: ReturnType<typeof condition>[]): Cached<ModelDeployment> {
  assert.ok(decision.apply.shadow);
  return {
    ...decision.apply.shadow,
    metadata: {
      ...decision.apply.shadow.metadata,
      uid: 's',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      generation: 1,
    },
    status: { observedGeneration: 1, conditions },
  };
}

function profileOf(decision: GateDecision, status: ModelProfileStatus = {}): Cached<ModelProfile> {
  assert.ok(decision.apply.profile, 'a profile is to be made');
  return {
    ...decision.apply.profile,
    metadata: {
      ...decision.apply.profile.metadata,
      uid: 'p',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      generation: 1,
    },
    status: { observedGeneration: 1, ...status },
  };
}

const heldState = (decision: GateDecision) => (decision.kind === 'Held' ? `${decision.state} ${decision.reason}` : decision.kind);
const rollout = (decision: GateDecision): RolloutStatus => (decision.kind === 'Off' ? {} : decision.rollout);
const messageOf = (decision: GateDecision) => ('message' in decision ? decision.message : '');

const first = decideGate(observed());
const serving = shadowOf(first, condition('Ready', 'True'));
const second = decideGate(observed({ shadows: [serving], rollout: rollout(first) }));
const measuredBy = (status: ModelProfileStatus) =>
  decideGate(observed({ shadows: [serving], profiles: [profileOf(second, status)], rollout: rollout(second) }));
const run = (state: 'Running' | 'Complete' | 'Failed' | 'Cancelled') => ({
  id: 'r1',
  state,
  specHash: 'h',
  queuedTime: '2026-01-01T00:00:00Z',
});

describe('without a gate', () => {
  it('everything goes through', () => assert.equal(decideGate(observed({ spec: { rollout: {} } })).kind, 'Off'));
});

describe('a gate that is set on a model that serves', () => {
  it('trusts what serves', () => {
    const decision = decideGate(observed({ wanted: a }));
    assert.equal(decision.kind === 'Open' && decision.reason, 'AlreadyServing');
    assert.equal(rollout(decision).promoted?.storageUri, a.storageUri);
  });

  it('holds back what is new at the same time', () => {
    assert.equal(heldState(first), 'Waiting CandidatePreparing');
    assert.equal(first.kind === 'Held' && first.promoted?.storageUri, a.storageUri);
  });
});

describe('a candidate', () => {
  it('is served by a shadow that the API takes', () => {
    const shadow = first.apply.shadow;
    assert.ok(shadow);
    assert.deepEqual(
      deploymentRules.filter((rule) => !rule.holds(shadow)).map(({ id }) => id),
      [],
    );
    assert.deepEqual(
      [shadow.spec.rollout, shadow.spec.deploymentMode, shadow.spec.scaling],
      [undefined, 'Standard', { minReplicas: 1, maxReplicas: 1 }],
    );
    assert.equal(first.again, start + 3_600_000);
  });

  it('is measured once it serves, as the named profile says', () => {
    assert.equal(first.apply.profile, undefined);
    const { profile } = second.apply;
    assert.ok(profile);
    assert.deepEqual(
      profileRules.filter((rule) => !rule.holds(profile)).map(({ id }) => id),
      [],
    );
    assert.deepEqual(profile.spec.target, { modelDeployment: first.apply.shadow?.metadata.name });
    assert.deepEqual([profile.spec.sweep, profile.spec.objective], [named().spec.sweep, named().spec.objective]);
    assert.deepEqual([profile.spec.live, profile.spec.reuse], [undefined, 'Never']);
  });

  it('is waited for while it is measured', () => {
    const decision = measuredBy({
      conditions: [condition('Ready', 'False', '3 of 8 points measured'), condition('SLOMet', 'True')],
      run: run('Running'),
    });
    assert.equal(heldState(decision), 'Waiting CandidateMeasuring');
    assert.equal(messageOf(decision), '3 of 8 points measured; what served before serves until then');
  });

  it('goes forward by itself when it keeps the objective, and nothing of it stays but the figures', () => {
    const decision = measuredBy({
      conditions: [condition('Complete', 'True'), condition('SLOMet', 'True', 'b8-c4: p99 80 ms')],
      run: run('Complete'),
    });
    assert.equal(decision.kind === 'Open' && decision.reason, 'Passed');
    assert.match(messageOf(decision), /^What is declared keeps the objective of ModelProfile iris: b8-c4: p99 80 ms$/);
    assert.deepEqual(rollout(decision), {
      promoted: { hash: servedHash(b), reason: 'Passed', message: messageOf(decision), ...b },
      previous: servedHash(a),
    });
    assert.deepEqual([decision.apply, decision.keep], [{}, { profile: second.apply.profile?.metadata.name }]);
  });

  it('has failed when it breaks the objective, and says by which number', () => {
    const decision = measuredBy({
      conditions: [condition('Complete', 'True'), condition('SLOMet', 'False', 'p99 120 ms > 100 ms')],
      run: run('Complete'),
    });
    assert.equal(heldState(decision), 'Failed SLONotMet');
    assert.match(
      messageOf(decision),
      /^p99 120 ms > 100 ms\. What served before goes on serving; to go back to it, set spec\.source and spec\.runtime as they were \(gs:\/\/b\/a\)/,
    );
    assert.deepEqual([decision.apply, decision.keep], [{}, { profile: second.apply.profile?.metadata.name }]);
    const later = decideGate(observed({ rollout: rollout(decision), now: start + 1 }));
    assert.equal(heldState(later), 'Failed SLONotMet');
    assert.equal(messageOf(later), messageOf(decision));
  });

  const failures: readonly (readonly [what: string, decision: GateDecision, expected: string, message: RegExp])[] = [
    [
      'nothing of its run was valid',
      measuredBy({ conditions: [condition('Complete', 'True')], run: run('Complete') }),
      'Failed SLONotMet',
      /^No point of the run came out valid/,
    ],
    [
      'its run failed',
      measuredBy({ conditions: [condition('Ready', 'False', 'The budget is used up')], run: run('Failed') }),
      'Failed CandidateNotMeasured',
      /The budget is used up/,
    ],
    ['its run was cancelled', measuredBy({ run: run('Cancelled') }), 'Failed CandidateNotMeasured', /its run ended/],
    [
      'its shadow does not serve',
      decideGate(
        observed({
          shadows: [shadowOf(first, condition('Ready', 'False', 'The image cannot be pulled'), condition('Stalled', 'True'))],
          rollout: rollout(first),
        }),
      ),
      'Failed CandidateNotServing',
      /^The candidate does not serve: The image cannot be pulled/,
    ],
    [
      'its time is over',
      decideGate(observed({ rollout: rollout(first), now: start + 3_600_000 })),
      'Failed GateTimedOut',
      /^The candidate was not measured within 3600 seconds/,
    ],
    [
      'its shadow serves something else',
      decideGate(
        observed({
          shadows: [serving],
          servedByShadow: { [serving.metadata.name]: { ...b, storageUri: 'gs://b/other' } },
          rollout: rollout(first),
        }),
      ),
      'Failed CandidateDiffers',
      /it serves gs:\/\/b\/other, and gs:\/\/b\/b is declared/,
    ],
  ];
  for (const [what, decision, expected, message] of failures) {
    it(`has failed when ${what}`, () => {
      assert.equal(heldState(decision), expected);
      assert.match(messageOf(decision), message);
    });
  }

  it('is not judged by figures of another spec', () => {
    const decision = measuredBy({ observedGeneration: 0, conditions: [condition('Complete', 'True'), condition('SLOMet', 'True')] });
    assert.equal(heldState(decision), 'Waiting CandidateMeasuring');
  });

  it('is another when it is to be measured otherwise, or again', () => {
    const failed = measuredBy({ conditions: [condition('Complete', 'True'), condition('SLOMet', 'False')], run: run('Complete') });
    for (const how of [{ sweep: { concurrency: [2] } }, { runId: 'again' }]) {
      const decision = decideGate(observed({ rollout: rollout(failed), named: named(how) }));
      assert.equal(heldState(decision), 'Waiting CandidatePreparing');
      assert.notEqual(decision.apply.shadow?.metadata.name, first.apply.shadow?.metadata.name);
    }
  });

  it('is the same when only the named profile is suspended or looks elsewhere', () => {
    const decision = decideGate(
      observed({ rollout: rollout(first), named: named({ suspend: true, target: { modelDeployment: 'other' } }) }),
    );
    assert.equal(decision.apply.shadow?.metadata.name, first.apply.shadow?.metadata.name);
  });
});

describe('a first rollout', () => {
  const decision = decideGate(observed({ live: undefined }));
  it('serves nothing until it is measured', () => {
    assert.equal(decision.kind === 'Held' && decision.promoted, undefined);
    assert.match(messageOf(decision), /^The candidate is being set up$/);
    assert.ok(decision.apply.shadow);
  });
  it('says what to do when it has failed', () => {
    const timedOut = decideGate(observed({ live: undefined, rollout: rollout(decision), now: start + 3_600_000 }));
    assert.match(
      messageOf(timedOut),
      /Nothing serves; declare another model or runtime, change the objective, or remove spec\.rollout\.gate$/,
    );
  });
});

describe('a roll-back', () => {
  it('of a candidate is the field set back', () => {
    const decision = decideGate(
      observed({ wanted: a, rollout: { promoted: letThrough(a), candidate: rollout(first).candidate as never }, shadows: [serving] }),
    );
    assert.equal(decision.kind, 'Open');
    assert.equal(rollout(decision).candidate, undefined);
    assert.deepEqual([decision.apply, decision.keep], [{}, {}]);
  });

  it('to what served before is not measured', () => {
    const decision = decideGate(observed({ wanted: a, live: b, rollout: { promoted: letThrough(b), previous: servedHash(a) } }));
    assert.equal(decision.kind === 'Open' && decision.reason, 'RolledBack');
    assert.equal(rollout(decision).previous, servedHash(b));
  });

  it('to anything older is', () => {
    const decision = decideGate(
      observed({ wanted: { ...a, storageUri: 'gs://b/oldest' }, rollout: { promoted: letThrough(b), previous: servedHash(a) } }),
    );
    assert.equal(decision.kind, 'Held');
  });
});

describe('a gate that cannot be passed', () => {
  it('says that the profile is missing', () => {
    const decision = decideGate(observed({ named: undefined }));
    assert.equal(heldState(decision), 'Blocked GateProfileNotFound');
    assert.match(messageOf(decision), /^spec\.rollout\.gate\.profile: there is no ModelProfile iris in this namespace; create it/);
  });

  it('says that the profile has no objective', () => {
    const { objective: _objective, ...spec } = named().spec;
    const decision = decideGate(observed({ named: { ...named(), spec } }));
    assert.equal(heldState(decision), 'Blocked GateProfileWithoutObjective');
  });

  it('measures a profile of copies on one shadow', () => {
    const dedicated = named({
      mode: 'Dedicated',
      sweep: { concurrency: [1], hardware: [{ name: 't4' }], runtimes: [{ name: 'v1', version: '1' }] },
    });
    const before = decideGate(observed({ named: dedicated }));
    const decision = decideGate(
      observed({ named: dedicated, shadows: [shadowOf(before, condition('Ready', 'True'))], rollout: rollout(before) }),
    );
    assert.deepEqual([decision.apply.profile?.spec.mode, decision.apply.profile?.spec.sweep], [undefined, { concurrency: [1] }]);
  });

  it('measures nothing while the model is stopped, and keeps what was let through', () => {
    const decision = decideGate(
      observed({ spec: { suspend: true, rollout: { gate: { profile: 'iris' } } }, rollout: { promoted: letThrough(a) } }),
    );
    assert.equal(decision.kind === 'Paused' && decision.promoted?.storageUri, a.storageUri);
    assert.deepEqual(decision.apply, {});
  });
});

describe('a candidate in Knative mode', () => {
  const rolledOut = { isOn: false, created: 'iris-00001', ready: 'iris-00001', rolledOut: 'iris-00001' };
  const up = {
    ...rolledOut,
    isOn: true,
    created: 'iris-00002',
    ready: 'iris-00002',
    url: 'http://latest-iris-predictor.models.svc.cluster.local',
  };
  const knative = (over: Parameters<typeof observed>[0] = {}) => observed({ mode: 'Knative', canary: rolledOut, ...over });
  const told = decideGate(knative());
  const upDecision = decideGate(knative({ canary: up, live: b, rollout: rollout(told) }));

  it('is a revision without traffic, and no service of its own', () => {
    assert.equal(heldState(told), 'Waiting CandidatePreparing');
    assert.ok(told.kind === 'Held' && told.withoutTraffic);
    assert.deepEqual(told.apply, {});
    assert.equal(rollout(told).promoted?.storageUri, a.storageUri);
  });

  it('is measured at its own address once it is up', () => {
    const { profile, shadow } = upDecision.apply;
    assert.ok(profile);
    assert.equal(shadow, undefined);
    assert.deepEqual(
      profileRules.filter((rule) => !rule.holds(profile)).map(({ id }) => id),
      [],
    );
    assert.deepEqual(profile.spec.target, { modelDeployment: 'iris', revision: 'Candidate' });
    assert.deepEqual([rollout(upDecision).candidate?.revision, rollout(upDecision).candidate?.url], ['iris-00002', up.url]);
  });

  const notYet: readonly (readonly [what: string, canary: GateObserved['canary'], live: Served])[] = [
    ['KServe is not told', rolledOut, a],
    ['the service is told of another model', up, a],
    ['its revision is not ready', { ...up, ready: 'iris-00001' }, b],
    ['KServe has not made it', { ...up, created: 'iris-00001', ready: 'iris-00001' }, b],
    ['it has no address', { ...up, url: undefined } as never, b],
  ];
  for (const [what, canary, live] of notYet) {
    it(`is not measured while ${what}`, () => {
      const decision = decideGate(knative({ canary, live, rollout: rollout(told) }));
      assert.equal(heldState(decision), 'Waiting CandidatePreparing');
      assert.equal(decision.apply.profile, undefined);
    });
  }

  it('has failed when its revision does not come up, and gives its place back', () => {
    const decision = decideGate(
      knative({ canary: { ...up, ready: 'iris-00001', cause: 'The image cannot be pulled' }, live: b, rollout: rollout(told) }),
    );
    assert.equal(heldState(decision), 'Failed CandidateNotServing');
    assert.ok(decision.kind === 'Held' && decision.withoutTraffic === undefined && decision.promoted?.storageUri === a.storageUri);
  });

  it('is not taken for what serves when the status was lost', () => {
    const decision = decideGate(knative({ canary: up, live: b }));
    assert.equal(heldState(decision), 'Waiting CandidatePreparing');
    assert.ok(decision.kind === 'Held' && decision.withoutTraffic && decision.promoted === undefined);
  });

  it('goes forward in its place', () => {
    const profile = profileOf(upDecision, {
      conditions: [condition('Complete', 'True'), condition('SLOMet', 'True', 'fast')],
      run: run('Complete'),
    });
    const decision = decideGate(knative({ canary: up, live: b, profiles: [profile], rollout: rollout(upDecision) }));
    assert.equal(decision.kind === 'Open' && decision.reason, 'Passed');
  });
});
