/** The best setting on its way to the ModelDeployment and back, against a real API server: who owns what, what is refused, and what a crash leaves. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { CompactPoint } from '../../../src/load/point-code.ts';
import { apply, eventually, kubectl } from '../../support/cluster.ts';
import { playStatus } from '../deployment/light-kserve.ts';
import { deployed } from '../deployment/objects.ts';
import { ApplyStage, consent, ownedBy } from './apply-stage.ts';

/** A gain that no tolerance and no chance explains. */
const faster = (point: CompactPoint): CompactPoint => ({
  ...point,
  throughputMilliPerSecond: point.throughputMilliPerSecond * 2,
  throughputLowMilliPerSecond: (point.throughputLowMilliPerSecond ?? 0) * 2,
  throughputHighMilliPerSecond: (point.throughputHighMilliPerSecond ?? 0) * 2,
});
const slow = { p99LowMicroseconds: 150_000, p99HighMicroseconds: 170_000 };

describe('spec.apply: Apply', () => {
  let stage: ApplyStage;
  before(async () => {
    stage = await ApplyStage.start('apply');
  });
  after(() => stage?.[Symbol.asyncDispose]());

  const withManager = (name: string) => `modelwright-profile/${name}`;
  const rollback = (name: string, run: string | null) => stage.change('modelprofile', name, { rollback: run });

  it('writes it once, under a manager of its own, remembers what was before, and takes it back to absence', async () => {
    await stage.serving('once');
    await stage.profile('once', '4');
    const { status } = await stage.finish('once');
    const run = status?.run?.id ?? '';
    assert.match(await stage.says('once', 'Applied'), new RegExp(`^Run ${run} applied wide-b1-c1 at 20\\d\\d-\\S+: spec\\.resources`));
    const model = await stage.model('once');
    assert.deepEqual(model.spec.resources, { limits: { cpu: '4' } });
    assert.deepEqual(Object.keys(ownedBy(model, withManager('once')) ?? {}), ['f:resources']);
    const [entry] = (await stage.until('once', (one) => one.status?.applied?.[0]?.state === 'Applied')).status?.applied ?? [];
    assert.deepEqual(
      [entry?.run, entry?.point, entry?.modelDeploymentUid, entry?.changes.filter(({ field }) => field.startsWith('spec.resources'))],
      [run, 'wide-b1-c1', model.metadata.uid, [{ field: 'spec.resources.limits', after: '{"cpu":"4"}' }]],
    );
    await eventually(
      () => stage.events('once', 'Applied'),
      ({ length }) => length === 1,
    );

    await stage.rolledOut('once');
    await rollback('once', run);
    assert.match(await stage.says('once', 'RolledBack'), new RegExp(`^What run ${run} applied was undone at 20`));
    const back = await stage.model('once');
    assert.equal(back.spec.resources, undefined);
    assert.equal(ownedBy(back, withManager('once')), undefined);

    // While that stands nothing is applied; without it the run is not applied a second time.
    await rollback('once', null);
    assert.match(await stage.says('once', 'RolledBack'), /was undone/);
    assert.equal(await stage.limits('once'), undefined);
    const counted = await stage.stage.operator.metrics('modelwright_profile_applications_total');
    assert.ok(
      counted.some((line) => /outcome="Applied"\} [1-9]/.test(line)),
      counted.join('\n'),
    );
  });

  it('does not fight who edits the field afterwards, and names him when the next run differs', async () => {
    await stage.serving('edited');
    await stage.profile('edited', '4');
    await stage.finish('edited');
    await stage.says('edited', 'Applied');
    await stage.rolledOut('edited');
    await stage.change('modeldeployment', 'edited', { resources: { limits: { cpu: '2' } } }, 'somebody');
    await stage.rolledOut('edited');
    await stage.change('modelprofile', 'edited', { sweep: { hardware: [{ name: 'wider', resources: { limits: { cpu: '8' } } }] } });
    const second = await stage.finish('edited', faster);
    assert.match(await stage.says('edited', 'FieldConflict'), /spec\.resources\.limits\.cpu is owned by "somebody"/);
    assert.deepEqual(await stage.limits('edited'), { cpu: '2' });
    assert.equal(second.status?.applied?.length, 1);
    // Given back, it is applied.
    await stage.change('modeldeployment', 'edited', { resources: { limits: { cpu: null } } }, 'somebody');
    await stage.rolledOut('edited');
    await stage.says('edited', 'Applied');
    assert.deepEqual(await stage.limits('edited'), { cpu: '8' });
  });

  it('forces nothing: a field of the manifest stays, whether it would change or go', async () => {
    const limits = { resources: { limits: { cpu: '1' } }, scaling: { minReplicas: 1, maxReplicas: 1 } };
    await stage.serving('owned', limits);
    await stage.profile('owned', '4');
    await stage.finish('owned');
    const message = await stage.says('owned', 'FieldConflict');
    assert.match(
      message,
      /^Nothing is applied: spec\.resources\.limits\.cpu is owned by "kubectl"\. Take spec\.resources\.limits\.cpu out of what "kubectl" writes/,
    );
    assert.deepEqual(await stage.limits('owned'), { cpu: '1' });
    assert.equal((await stage.until('owned', () => true)).status?.applied, undefined);
    await eventually(
      () => stage.events('owned', 'FieldConflict'),
      ({ length }) => length > 0,
    );
  });

  it('goes back through several runs, to the values and to the absence before each', async () => {
    await stage.serving('twice');
    await stage.profile('twice', '4');
    const first = (await stage.finish('twice')).status?.run?.id ?? '';
    await stage.says('twice', 'Applied');
    await stage.rolledOut('twice');
    await stage.change('modelprofile', 'twice', {
      sweep: { hardware: [{ name: 'wider', resources: { limits: { cpu: '8', memory: '2Gi' } } }] },
    });
    const second = (await stage.finish('twice', faster)).status?.run?.id ?? '';
    await stage.until('twice', ({ status }) => status?.applied?.[0]?.run === second && status.applied[0].state === 'Applied');
    assert.deepEqual(await stage.limits('twice'), { cpu: '8', memory: '2Gi' });

    await rollback('twice', second);
    await stage.says('twice', 'RolledBack');
    assert.deepEqual(await stage.limits('twice'), { cpu: '4' });
    await rollback('twice', first);
    await stage.until('twice', ({ status }) => status?.applied?.every(({ state }) => state === 'RolledBack') === true);
    assert.equal(await stage.limits('twice'), undefined);
    await rollback('twice', 'r0000000000');
    assert.match(await stage.says('twice', 'RollbackUnknown'), new RegExp(`these have: ${second}, ${first}$`));
  });

  it('finds out after a crash whether it was written, and writes what was not', async () => {
    await stage.serving('crash');
    await stage.profile('crash', '4');
    await stage.finish('crash');
    await stage.says('crash', 'Applied');
    const done = await stage.until('crash', ({ status }) => status?.applied?.[0]?.state === 'Applied');
    const applied = done.status?.applied ?? [];
    const generation = (await stage.model('crash')).metadata.generation;
    await stage.rolledOut('crash');

    // Written, and ended before that was on record.
    await stage.stage.operator[Symbol.asyncDispose]();
    await stage.forge('crash', { applied: applied.map((one) => ({ ...one, state: 'Applying' })) });
    await stage.stage.restart();
    await stage.until('crash', ({ status }) => status?.applied?.[0]?.state === 'Applied');
    assert.equal((await stage.model('crash')).metadata.generation, generation);

    // Promised, and ended before it was written.
    await stage.stage.operator[Symbol.asyncDispose]();
    const model = await stage.model('crash');
    const { name, namespace } = { name: 'crash', namespace: stage.namespace };
    const nothing = { apiVersion: model.apiVersion, kind: model.kind, metadata: { name, namespace } };
    await kubectl(['apply', '--server-side', `--field-manager=${withManager('crash')}`, '-f', '-'], { input: nothing });
    assert.equal(await stage.limits('crash'), undefined);
    await stage.forge('crash', { applied: applied.map((one) => ({ ...one, state: 'Applying' })) });
    await stage.stage.restart();
    await stage.rolledOut('crash');
    await stage.until('crash', ({ status }) => status?.applied?.[0]?.state === 'Applied');
    assert.deepEqual(await stage.limits('crash'), { cpu: '4' });
    assert.ok(ownedBy(await stage.model('crash'), withManager('crash')));
  });

  it('waits while the model is not ready, and says what the API server refuses', async () => {
    await stage.serving('busy');
    await stage.profile('busy', '13');
    const away = ['Ready', 'PredictorReady'].map((type) => ({ type, status: 'False', reason: 'Away', message: 'no pod' }));
    await playStatus('busy', stage.namespace, { conditions: away });
    await eventually(
      () => deployed('busy', stage.namespace),
      ({ status }) => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is !== 'True') === true,
    );
    await stage.finish('busy');
    assert.match(await stage.says('busy', 'AwaitingModel'), /^It is not ready: .*; it is applied when the ModelDeployment is at rest$/);
    assert.equal(await stage.limits('busy'), undefined);
    await stage.rolledOut('busy');
    await stage.says('busy', 'Applied');

    const policy = {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [
          { apiGroups: ['modelwright.dev'], apiVersions: ['v1alpha1'], operations: ['UPDATE'], resources: ['modeldeployments'] },
        ],
      },
      validations: [
        {
          expression:
            "!has(object.spec.resources) || !has(object.spec.resources.limits) || !('memory' in object.spec.resources.limits) || object.spec.resources.limits['memory'] != '99Gi'",
          message: 'no model may have so much memory',
        },
      ],
    };
    const named = (kind: string, spec: object) => ({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind,
      metadata: { name: 'modest' },
      spec,
    });
    await apply([
      named('ValidatingAdmissionPolicy', policy),
      named('ValidatingAdmissionPolicyBinding', { policyName: 'modest', validationActions: ['Deny'] }),
    ]);
    try {
      await stage.serving('greedy');
      const hardware = [{ name: 'wide', resources: { limits: { memory: '99Gi' } } }];
      await stage.profile('greedy', '1', { sweep: { concurrency: [1], hardware } });
      await stage.finish('greedy');
      assert.match(await stage.says('greedy', 'ApplyRefused'), /no model may have so much memory/);
      assert.equal(await stage.limits('greedy'), undefined);
    } finally {
      await kubectl(['delete', 'validatingadmissionpolicybinding,validatingadmissionpolicy', 'modest']);
    }
  });

  it('holds back a run that keeps no objective, and what was changed since', async () => {
    await stage.serving('slow');
    await stage.profile('slow', '4');
    await stage.finish('slow', (point) => ({
      ...point,
      ...slow,
      latencyMicroseconds: point.latencyMicroseconds && { ...point.latencyMicroseconds, p99: 160_000, p999: 180_000, max: 190_000 },
    }));
    assert.match(await stage.says('slow', 'NoBestSetting'), /^No setting of run \S+ keeps the objective; the nearest is wide-b1-c1: p99/);
    assert.equal(await stage.limits('slow'), undefined);

    await stage.serving('other', {}, {});
    await stage.profile('other', '4');
    await stage.finish('other');
    await stage.says('other', 'NotAuthorized');
    await stage.change('modeldeployment', 'other', { source: { storageUri: 'gs://bucket/another' } });
    await stage.rolledOut('other');
    await kubectl(['annotate', 'modeldeployment', 'other', '-n', stage.namespace, `${consent}=other`]);
    assert.match(await stage.says('other', 'TargetChanged'), /is another than the one that was measured; change spec\.runId/);
    assert.equal(await stage.limits('other'), undefined);
  });

  it('stays with what was applied when the next run is no better beyond noise', async () => {
    const hardware = [
      { name: 'four', resources: { limits: { cpu: '4' } } },
      { name: 'six', resources: { limits: { cpu: '6' } } },
    ];
    await stage.serving('nightly');
    await stage.profile('nightly', '4', { sweep: { concurrency: [1], hardware: [hardware[0]] } });
    await stage.finish('nightly');
    await stage.says('nightly', 'Applied');
    await stage.rolledOut('nightly');
    await stage.change('modelprofile', 'nightly', { sweep: { hardware: [{ name: 'six', resources: { limits: { cpu: '6' } } }] } });
    await stage.finish('nightly', (point) => ({ ...point, throughputMilliPerSecond: point.throughputMilliPerSecond + 1000 }));
    assert.match(await stage.says('nightly', 'SettingKept'), /^four-b1-c1, which run \S+ applied, stays: .*throughput/);
    assert.deepEqual(await stage.limits('nightly'), { cpu: '4' });
  });

  it('asks whether it may, and needs the ModelDeployment to name it where no admission judges', async () => {
    await stage.serving('strange', {}, {});
    await stage.profile('strange', '4');
    await stage.finish('strange');
    const message = await stage.says('strange', 'NotAuthorized');
    assert.ok(message.includes(`kubectl annotate modeldeployment strange ${consent}=strange`), message);
    assert.equal(await stage.limits('strange'), undefined);
    await kubectl(['annotate', 'modeldeployment', 'strange', '-n', stage.namespace, `${consent}=strange`]);
    await stage.says('strange', 'Applied');
    assert.deepEqual(await stage.limits('strange'), { cpu: '4' });
  });

  it('leaves the model as it is when the profile goes, and says so when the model goes', async () => {
    await stage.serving('left');
    await stage.profile('left', '4');
    await stage.finish('left');
    await stage.says('left', 'Applied');
    await kubectl(['delete', 'modelprofile', 'left', '-n', stage.namespace]);
    assert.deepEqual(await stage.limits('left'), { cpu: '4' });

    await stage.serving('gone', {}, {});
    await stage.profile('gone', '4');
    const { status } = await stage.finish('gone');
    await stage.says('gone', 'NotAuthorized');
    await kubectl(['delete', 'modeldeployment', 'gone', '-n', stage.namespace]);
    assert.match(await stage.says('gone', 'ModelDeploymentNotFound'), /no ModelDeployment gone any more/);
    await rollback('gone', status?.run?.id ?? '');
    await stage.says('gone', 'RollbackUnknown');
  });

  it('has come to no error by any of it', () => assert.deepEqual(stage.stage.operator.errors(), []));
});
