import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { Applied } from '../../../api/model-profile/apply.ts';
import type { ModelProfileSpec, ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { ConditionInput } from '../../../kube/conditions.ts';
import type { Cached } from '../../../kube/store.ts';
import { aDeployment } from '../../deployment/testing/objects.ts';
import { aProfile } from '../testing/objects.ts';
import { consentAnnotation } from './consent.ts';
import { type ApplyDecision, decideApply } from './decide.ts';
import type { Applying } from './finding.ts';
import { recommendationFor } from './observe.ts';
import type { Attempt, Outcome } from './step.ts';

const time = '2026-11-21T12:00:00Z';
const objective: NonNullable<ModelProfileSpec['objective']> = { latency: [{ percentile: 'p99', maxMilliseconds: 100 }] };
const best: NonNullable<ModelProfileStatus['best']> = {
  id: 'wide-b1-c4',
  hardware: 'wide',
  batchSize: 1,
  concurrency: 4,
  p99Microseconds: 9000,
  p99: '9ms',
  samplesPerSecond: '100',
  summary: '1 × 4',
  reason: 'x',
};
const met: ConditionInput = { type: 'SLOMet', status: 'True', reason: 'PointFound', message: 'x' };
const fresh: ConditionInput = { type: 'Stale', status: 'False', reason: 'UpToDate', message: 'x' };
const run = { id: 'r-second', state: 'Complete', specHash: 'h', queuedTime: time } as const;
const ready: ModelDeployment['status'] = {
  observedGeneration: 3,
  deploymentMode: 'Standard',
  conditions: [{ type: 'Ready', status: 'True', reason: 'Serving', message: 'x', lastTransitionTime: time }],
};
const consenting = { annotations: { [consentAnnotation]: 'iris' } };
const wide = { name: 'wide', resources: { limits: { cpu: '4' } } };

interface Given {
  readonly spec?: Partial<ModelProfileSpec>;
  readonly status?: ModelProfileStatus;
  readonly draft?: object;
  readonly conditions?: readonly ConditionInput[];
  readonly deployment?: Cached<ModelDeployment> | 'gone';
  readonly attempt?: Attempt;
}

const model = (over: { spec?: object; status?: object; metadata?: object } = {}) =>
  aDeployment({
    spec: { ...over.spec },
    status: { ...ready, ...over.status } as ModelDeployment['status'],
    metadata: { ...consenting, ...over.metadata },
  });

function given({ spec, status, draft, conditions = [met, fresh], deployment = model(), attempt }: Given = {}): Applying {
  const recommending = {
    deployment: deployment === 'gone' ? undefined : deployment,
    entries: [wide],
    verdicts: {},
    isAsked: true,
  };
  const found = recommendationFor(recommending, best);
  return {
    profile: aProfile({ apply: 'Apply', objective, ...spec }, status),
    draft: { run, best, results: [], conditions, ...(found && { recommendation: { ...found, verdict: 'Accepted' } }), ...draft },
    recommending,
    attempt,
    time,
  };
}

const said = ({ condition }: ApplyDecision) => (condition === undefined ? 'nothing' : `${condition.status} ${condition.reason}`);

/** Lets the decision have its way: steps are answered, and the status comes back from the API server. */
function play(start: Given, answers: Partial<Record<'Judge' | 'Try' | 'Write' | 'RollBack', Outcome>>) {
  const steps: string[] = [];
  let status = start.status;
  let attempt = start.attempt;
  for (let turn = 0; turn < 12; turn++) {
    const decision = decideApply(given({ ...start, ...(status && { status }), ...(attempt && { attempt }) }));
    status = {
      ...status,
      ...decision.fields,
      ...(decision.condition && { conditions: [{ ...decision.condition, lastTransitionTime: time }] }),
      run,
    } as ModelProfileStatus;
    const { step } = decision;
    const isOver = step === undefined && decision.condition?.status !== 'Unknown';
    if (isOver) return { decision, steps, status };
    if (step === undefined) continue;
    steps.push(step.kind);
    const outcome = answers[step.kind];
    if (outcome === undefined) return { decision, steps, status };
    attempt = { key: step.key, outcome, time };
  }
  throw new Error(`does not come to an end: ${steps.join(', ')}`);
}

const accepted: Outcome = { kind: 'Accepted', changes: [{ field: 'spec.resources.limits', before: '{"cpu":"1"}', after: '{"cpu":"4"}' }] };
const application = (over: Partial<Applied> = {}): Applied => ({
  run: 'r-first',
  state: 'Applied',
  time,
  modelDeploymentUid: 'uid-of-iris',
  point: 'narrow-b1-c4',
  samplesPerSecond: '50',
  p99Microseconds: 9000,
  changes: [{ field: 'spec.resources.limits', after: '{"cpu":"1"}' }],
  ...over,
});

describe('the best setting', () => {
  it('is tried, promised, and written, in this order', () => {
    const { decision, steps, status } = play({}, { Try: accepted, Write: { kind: 'Written' } });
    assert.deepEqual(steps, ['Try', 'Write']);
    assert.equal(said(decision), 'True Applied');
    assert.deepEqual(
      status.applied?.map(({ run: of, state, point, changes }) => [of, state, point, changes.length]),
      [['r-second', 'Applied', 'wide-b1-c4', 1]],
    );
  });
  it('is on record as promised before it is written', () => {
    const { decision, status } = play({}, { Try: accepted });
    assert.equal(decision.step?.kind, 'Write');
    assert.deepEqual(
      status.applied?.map(({ state }) => state),
      ['Applying'],
    );
  });
  it('is not written a second time for the same run, whatever has become of it', () => {
    const done = { applied: [application({ run: run.id })] };
    for (const deployment of [model(), model({ spec: { resources: { limits: { cpu: '2' } } } })]) {
      const decision = decideApply(given({ status: done, deployment }));
      assert.deepEqual([said(decision), decision.step], ['True Applied', undefined]);
    }
  });
  it('is nothing to write of a running service in Standard mode, and says what it asks of clients', () => {
    const { hardware: _, ...live } = { ...best, id: 'b1-c4' };
    const deployment = model({ spec: { scaling: { minReplicas: 1, maxReplicas: 1 } } });
    const decision = decideApply(given({ draft: { best: live }, deployment }));
    assert.deepEqual([said(decision), decision.step], ['True NothingToApply', undefined]);
    assert.match(decision.condition?.message ?? '', /It keeps the objective with 4 requests at once on 1 copy/);
  });
  it('is nothing to write where it is so already', () => {
    const scaling = { minReplicas: 1, maxReplicas: 1 };
    const deployment = model({ spec: { resources: { limits: { cpu: '4' } }, scaling } });
    assert.equal(said(decideApply(given({ deployment }))), 'True AlreadySet');
  });

  const held: readonly (readonly [what: string, given: Given, said: string])[] = [
    ['no setting keeps the objective', { conditions: [{ ...met, status: 'False' }, fresh] }, 'False NoBestSetting'],
    ['there is no best', { draft: { best: undefined } }, 'False NoBestSetting'],
    ['the run is a regression', { conditions: [met, fresh, { ...met, type: 'Regressed' }] }, 'False ResultsRegressed'],
    ['the results have aged', { conditions: [met, { ...fresh, status: 'True' }] }, 'False ResultsStale'],
    ['it is not known whether they have', { conditions: [met] }, 'False ResultsStale'],
    ['the hardware is gone', { draft: { best: { ...best, hardware: 'away' } } }, 'False TargetChanged'],
    ['the model is gone', { deployment: 'gone' }, 'False ModelDeploymentNotFound'],
    ['the model is being deleted', { deployment: model({ metadata: { deletionTimestamp: time } }) }, 'False ModelDeploymentNotFound'],
    ['the model is not ready', { deployment: model({ status: { conditions: [] } }) }, 'Unknown AwaitingModel'],
    ['its latest change is not acted on', { deployment: model({ status: { observedGeneration: 2 } }) }, 'Unknown AwaitingModel'],
    ['it is suspended', { deployment: model({ spec: { suspend: true } }) }, 'Unknown AwaitingModel'],
    [
      'a canary has part of the traffic',
      { deployment: model({ spec: { rollout: { canaryTrafficPercent: 10 } } }) },
      'Unknown AwaitingModel',
    ],
    ['the gate holds a candidate', { deployment: model({ status: { rollout: { candidate: {} } } }) }, 'Unknown AwaitingModel'],
  ];
  for (const [what, situation, expected] of held) {
    it(`is held back when ${what}`, () => {
      const decision = decideApply(given(situation));
      assert.equal(said(decision), expected);
      assert.ok(decision.step === undefined);
    });
  }

  it('is held back when the model was changed since it was measured, but not by a change of what it sets itself', () => {
    const first = decideApply(given());
    const status = { ...first.fields, run } as ModelProfileStatus;
    const other = model({ spec: { source: { storageUri: 'https://account.blob.core.windows.net/models/other/' } } });
    assert.equal(said(decideApply(given({ status, deployment: other }))), 'False TargetChanged');
    const same = model({ spec: { resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2' } } } });
    assert.equal(decideApply(given({ status, deployment: same })).step?.kind, 'Try');
  });
  it('of copies of a model that was another by then is not applied', () => {
    const hardware = [{ name: 'wide', state: 'Measured', basis: 'another' }];
    assert.equal(said(decideApply(given({ draft: { hardware } }))), 'False TargetChanged');
  });
  it('leaves what an earlier run applied when it is no better beyond noise', () => {
    const point = (id: string, perSecond: string) => ({ id, valid: true, samplesPerSecond: perSecond });
    const results = [point('narrow-b1-c4', '100'), point('wide-b1-c4', '101')];
    const decision = decideApply(given({ draft: { results }, status: { applied: [application()] } }));
    assert.equal(said(decision), 'True SettingKept');
  });
  it('is not written again by the next run that finds the same, also where somebody has taken it back by hand', () => {
    const applied = [application({ point: best.id, changes: [{ field: 'spec.resources.limits', after: '{"cpu":"4"}' }] })];
    const results = [{ id: best.id, valid: true, samplesPerSecond: '100' }];
    const decision = decideApply(given({ draft: { results }, status: { applied } }));
    assert.deepEqual([said(decision), decision.step], ['True SettingKept', undefined]);
    assert.match(decision.condition?.message ?? '', /is the best setting still\. What has been changed of it since is left alone$/);
  });

  const refusals: readonly (readonly [Outcome, string, RegExp])[] = [
    [
      { kind: 'Conflict', conflicts: [{ manager: 'helm', field: 'spec.gpu.count' }] },
      'False FieldConflict',
      /spec\.gpu\.count is owned by "helm"/,
    ],
    [{ kind: 'Refused', message: 'quota' }, 'False ApplyRefused', /refuses it: quota/],
    [
      { kind: 'Managed', gitOps: { tool: 'Flux', by: 'label x' }, configMap: 'iris-patch' },
      'False ManagedByGitOps',
      /managed by Flux \(label x\), so nothing is written to it; the patch for its repository is in ConfigMap iris-patch, key patch\.yaml/,
    ],
    [{ kind: 'Managed', gitOps: { tool: 'Helm', by: 'x' }, refused: 'no' }, 'False ManagedByGitOps', /in status\.recommendation alone: no/],
    [
      { kind: 'Accepted', changes: [{ field: 'spec.scheduling.affinity', after: 'x'.repeat(5000) }] },
      'False ChangeTooLarge',
      /longer than/,
    ],
  ];
  for (const [outcome, expected, message] of refusals) {
    it(`is not promised after ${JSON.stringify(outcome).slice(0, 60)}`, () => {
      const { decision, steps, status } = play({}, { Try: outcome });
      assert.deepEqual([said(decision), steps, status.applied], [expected, ['Try'], undefined]);
      assert.match(decision.condition?.message ?? '', message);
    });
  }
  it('is tried anew when the model has changed after a refusal', () => {
    const { status } = play({}, { Try: { kind: 'Refused', message: 'quota' } });
    const attempt = { key: decideApply(given()).step?.key ?? '', outcome: { kind: 'Refused', message: 'quota' }, time } as const;
    assert.equal(decideApply(given({ status, attempt })).step, undefined);
    assert.equal(
      decideApply(given({ status, attempt, deployment: model({ metadata: { generation: 4 }, status: { observedGeneration: 4 } }) })).step
        ?.kind,
      'Try',
    );
  });
  it('that was refused is asked for again when that is due, without a word in between', () => {
    const refused: Outcome = { kind: 'Refused', message: 'quota' };
    const { status } = play({}, { Try: refused });
    const attempt = { key: decideApply(given()).step?.key ?? '', outcome: refused, time } as const;
    const due = decideApply(given({ status, attempt: { ...attempt, isDue: true } }));
    assert.deepEqual([said(due), due.step?.kind], ['False ApplyRefused', 'Try']);
    // Nor is there one when it is asked for another state of the model, or by an operator that knows nothing of it.
    assert.equal(said(decideApply(given({ status }))), 'False ApplyRefused');
  });
  it('leaves no file for a repository when the API server would refuse it', () => {
    const recommendation = { point: best.id, changes: [], verdict: 'Refused', patch: '{"spec":{}}', message: 'quota' };
    const { step } = decideApply(given({ draft: { recommendation } }));
    assert.deepEqual([step?.kind, step?.kind === 'Try' && step.file], ['Try', undefined]);
  });
  it('of a model that is not at rest is not spoken of where it changes nothing', () => {
    const spec = { resources: { limits: { cpu: '4' } } };
    assert.equal(said(decideApply(given({ deployment: model({ spec, status: { conditions: [] } }) }))), 'True AlreadySet');
  });
  it('that would change nothing after all is in place', () =>
    assert.equal(said(play({}, { Try: { kind: 'Accepted', changes: [] } }).decision), 'True AlreadySet'));
  it('stands while the next run goes on', () => {
    const { status } = play({}, { Try: accepted, Write: { kind: 'Written' } });
    const decision = decideApply(given({ status, draft: { run: { ...run, id: 'r-third', state: 'Running' }, best: undefined } }));
    assert.deepEqual([said(decision), decision.fields.applied?.length, decision.step], ['True Applied', 1, undefined]);
  });
});

describe('a promise', () => {
  const promised = { run, applied: [application({ run: run.id, state: 'Applying' })] } as ModelProfileStatus;
  it('that was written before the operator ended is found out, and not written again', () => {
    const { decision, steps, status } = play({ status: promised }, { Write: { kind: 'Written' } });
    assert.deepEqual([steps, said(decision), status.applied?.[0]?.state], [['Write'], 'True Applied', 'Applied']);
  });
  it('that was not written is made anew, after another dry run', () => {
    const first = decideApply(given({ status: promised }));
    assert.equal(first.step?.kind, 'Write');
    const attempt = { key: first.step?.key ?? '', outcome: { kind: 'NotWritten' }, time } as const;
    const next = decideApply(given({ status: promised, attempt }));
    assert.deepEqual([next.step?.kind, next.fields.applied], ['Try', undefined]);
  });
  const changedMinds: readonly (readonly [string, Given])[] = [
    ['nothing is to be applied any more', { spec: { apply: 'Never' } }],
    ['it is to be undone', { spec: { rollback: run.id } }],
    ['the profile is suspended', { spec: { suspend: true } }],
    ['another run goes on', { draft: { run: { ...run, id: 'r-third', state: 'Running' } } }],
    ['the results have aged', { conditions: [met, { ...fresh, status: 'True' }] }],
    ['the model is being rolled out', { deployment: model({ status: { observedGeneration: 2 } }) }],
    [
      'nobody may ask for it',
      {
        deployment: model({ metadata: { annotations: {} } }),
        status: { ...promised, application: { judged: { generation: 1, admitted: false } } },
      },
    ],
  ];
  for (const [what, situation] of changedMinds) {
    it(`is not kept when ${what}: whether it was is found out`, () => {
      const { step } = decideApply(given({ status: promised, ...situation }));
      assert.deepEqual(step?.kind === 'Write' && step.mayWrite, false);
      assert.equal(step?.kind, 'Write');
    });
  }
});

describe('who may ask', () => {
  const stranger = model({ metadata: { annotations: {} } });
  it('is judged once for each generation of the profile, before there is anything to apply', () => {
    const running = { draft: { run: { ...run, state: 'Running' } }, deployment: stranger };
    const first = decideApply(given(running));
    assert.equal(first.step?.kind, 'Judge');
    const attempt = { key: first.step?.key ?? '', outcome: { kind: 'Judged', admitted: true }, time } as const;
    const second = decideApply(given({ ...running, attempt }));
    assert.deepEqual([second.step, second.fields.application?.judged], [undefined, { generation: 1, admitted: true }]);
  });
  it('is nothing that an earlier profile of the same name has to do with', () => {
    const earlier = decideApply(given({ deployment: stranger })).step;
    const attempt = {
      key: (earlier?.key ?? '').replace('000000000001', '000000000002'),
      outcome: { kind: 'Judged', admitted: true },
      time,
    } as const;
    assert.notEqual(attempt.key, earlier?.key);
    const decision = decideApply(given({ deployment: stranger, attempt }));
    assert.deepEqual([decision.step?.kind, decision.fields.application?.judged], ['Judge', undefined]);
  });
  it('is enough where admission judges, and not where it does not', () => {
    const judged = (admitted: boolean) =>
      play({ deployment: stranger }, { Judge: { kind: 'Judged', admitted }, Try: accepted, Write: { kind: 'Written' } });
    assert.deepEqual([said(judged(true).decision), judged(true).steps], ['True Applied', ['Judge', 'Try', 'Write']]);
    assert.deepEqual([said(judged(false).decision), judged(false).steps], ['False NotAuthorized', ['Judge']]);
  });
  it('is not made good by a policy that came later', () => {
    const status = { application: { judged: { generation: 1, admitted: false } } } as ModelProfileStatus;
    assert.deepEqual(
      [said(decideApply(given({ deployment: stranger, status }))), decideApply(given({ deployment: stranger, status })).step],
      ['False NotAuthorized', undefined],
    );
  });
  it('is judged anew for another generation', () => {
    const status = { application: { judged: { generation: 0, admitted: true } } } as ModelProfileStatus;
    assert.equal(decideApply(given({ deployment: stranger, status })).step?.kind, 'Judge');
  });
  it('is everybody whom the ModelDeployment names, and nobody else', () => {
    assert.equal(decideApply(given()).step?.kind, 'Try');
    const other = model({ metadata: { annotations: { [consentAnnotation]: 'another' } } });
    assert.equal(decideApply(given({ deployment: other })).step?.kind, 'Judge');
  });
});

describe('a roll-back', () => {
  const second = application({ run: run.id, changes: [{ field: 'spec.resources.limits', before: '{"cpu":"1"}', after: '{"cpu":"4"}' }] });
  const history = [second, application()];
  const now = model({ spec: { resources: { limits: { cpu: '4' } } } });
  const back = (to: string, more: Given = {}) => ({
    spec: { rollback: to },
    status: { run, applied: history } as ModelProfileStatus,
    deployment: now,
    ...more,
  });

  it('goes back to before one run, and leaves those before it', () => {
    const first = decideApply(given(back(run.id)));
    assert.deepEqual(first.step?.kind === 'RollBack' && first.step.patch, { resources: { limits: { cpu: '1' } } });
    const { decision, status } = play(back(run.id), { RollBack: { kind: 'Written' } });
    assert.equal(said(decision), 'False RolledBack');
    assert.deepEqual(
      status.applied?.map(({ state }) => state),
      ['RolledBack', 'Applied'],
    );
  });
  it('goes back through all runs since, to absence', () => {
    const { step } = decideApply(given(back('r-first')));
    assert.deepEqual(step?.kind === 'RollBack' && step.patch, { resources: { limits: { cpu: null } } });
  });
  it('waits for nothing: what was applied may be what is wrong', () => {
    const broken = model({ spec: now.spec, status: { conditions: [] } });
    assert.equal(decideApply(given(back(run.id, { deployment: broken }))).step?.kind, 'RollBack');
    const running = { draft: { run: { ...run, id: 'r-third', state: 'Running' } } };
    assert.equal(decideApply(given(back(run.id, running))).step?.kind, 'RollBack');
  });
  it('is done without a write where somebody has gone back already', () => {
    const decision = decideApply(given(back(run.id, { deployment: model({ spec: { resources: { limits: { cpu: '1' } } } }) })));
    assert.deepEqual([said(decision), decision.fields.applied?.[0]?.rolledBackTime], ['False RolledBack', time]);
  });
  it('holds while it stands: later runs apply nothing', () => {
    const done = {
      run: { ...run, id: 'r-third' },
      applied: history.map((one): Applied => ({ ...one, state: 'RolledBack', rolledBackTime: time })),
    };
    const decision = decideApply(
      given({ ...back('r-first'), status: done as ModelProfileStatus, draft: { run: { ...run, id: 'r-third' } } }),
    );
    assert.deepEqual([said(decision), decision.step], ['False RolledBack', undefined]);
  });
  it('is heeded by a profile that applies nothing any more', () =>
    assert.equal(decideApply(given({ ...back(run.id), spec: { rollback: run.id, apply: 'Never' } })).step?.kind, 'RollBack'));
  it('is not tried on another ModelDeployment of the same name, nor to a run that applied nothing', () => {
    assert.equal(
      said(decideApply(given(back(run.id, { deployment: aDeployment({ uid: 'another', status: ready }) })))),
      'False RollbackUnknown',
    );
    const unknown = decideApply(given(back('r-nothing')));
    assert.match(
      unknown.condition?.message ?? '',
      /run r-nothing has applied nothing to this ModelDeployment; these have: r-second, r-first/,
    );
  });
  it('does not take what somebody else has set since', () => {
    const { decision } = play(back(run.id), {
      RollBack: { kind: 'Conflict', conflicts: [{ manager: 'kubectl-edit', field: 'spec.resources.limits.cpu' }] },
    });
    assert.equal(said(decision), 'False FieldConflict');
  });
});

describe('the history', () => {
  it('is kept by a profile that applies nothing any more, without a word about it', () => {
    const decision = decideApply(given({ spec: { apply: 'Never' }, status: { applied: [application()] } }));
    assert.deepEqual([said(decision), decision.fields.applied?.length, decision.step], ['nothing', 1, undefined]);
  });
  it('is bounded in number and in bytes', () => {
    const many = Array.from({ length: 14 }, (_, i) => application({ run: `r-${i}` }));
    assert.equal(decideApply(given({ spec: { apply: 'Never' }, status: { applied: many } })).fields.applied?.length, 10);
    const long = many.map((one) => ({ ...one, changes: Array.from({ length: 8 }, () => ({ field: 'spec.x', after: 'x'.repeat(4000) })) }));
    const kept = decideApply(given({ spec: { apply: 'Never' }, status: { applied: long } })).fields.applied ?? [];
    assert.ok(kept.length > 0 && JSON.stringify(kept).length <= 64 * 1024);
  });
});
