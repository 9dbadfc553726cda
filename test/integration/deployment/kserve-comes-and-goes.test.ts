/** KServe installed, removed and installed again under a running operator. On an API server of its own, since CRDs are everybody's. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { apply, eventually, kubectl } from '../../support/cluster.ts';
import { installInferenceServices, installKnative, playStatus, servingStatus } from './light-kserve.ts';
import { modelwright } from './modelwright.ts';
import { aModel, conditionOf, deployed, says, serviceIfAny } from './objects.ts';
import { ownControlPlane, Stage } from './stage.ts';

describe('an operator without KServe', () => {
  let stage: Stage;
  let namespace: string;
  let plane: ControlPlane | undefined;

  before(async () => {
    plane = await ownControlPlane();
    stage = await Stage.start('kserve');
    namespace = stage.namespace;
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
    await plane?.stop();
  });

  const until = (type: string, status: string, reason?: string) =>
    eventually(() => deployed('iris', namespace), says(type, status, reason), 90);

  it('is told by doctor what is missing, with exit code 1', async () => {
    const { code, stdout } = await modelwright(['doctor']);
    assert.equal(code, 1);
    assert.match(stdout, /^KServe +missing +KServe is not installed/m);
    assert.match(stdout, /^CRD +ok /m);
  });

  it('says that KServe is missing', async () => {
    await apply(aModel('iris', namespace));
    const model = await until('Stalled', 'True', 'KServeMissing');
    assert.match(conditionOf(model, 'Ready')?.message ?? '', /install KServe, and work resumes by itself/);
    assert.equal(conditionOf(model, 'RuntimeReady')?.status, 'False');
  });

  it('goes to work when it is installed, without a restart', async () => {
    await installInferenceServices();
    await eventually(
      () => serviceIfAny('iris', namespace),
      (service) => service !== undefined,
      90,
    );
    await playStatus('iris', namespace, servingStatus('iris', namespace));
    await until('Ready', 'True');
  });

  it('is told by doctor that all is there, in JSON too', async () => {
    const { code, stdout } = await modelwright(['doctor', '--operator', '-o', 'json']);
    assert.equal(code, 0);
    const report = JSON.parse(stdout) as { healthy: boolean; checks: { name: string; state: string; message: string }[] };
    assert.equal(report.healthy, true);
    assert.match(report.checks.find(({ name }) => name === 'KServe')?.message ?? '', /^KServe 0\.20 or newer/);
  });

  it('says so when it is removed', async () => {
    await kubectl(['delete', 'crd', 'inferenceservices.serving.kserve.io']);
    await until('Stalled', 'True', 'KServeMissing');
  });

  it('makes the InferenceService anew when it comes back', async () => {
    await installInferenceServices();
    await eventually(
      () => serviceIfAny('iris', namespace),
      (service) => service !== undefined,
      90,
    );
    const model = await until('Reconciling', 'True');
    assert.match(model.status?.firstReadyTime ?? '', /^\d{4}-/);
  });

  it('says that Knative is missing for a model that asks for it, and serves it once it is there', async () => {
    await apply(aModel('zero', namespace, { deploymentMode: 'Knative' }));
    const zero = (type: string, status: string, reason?: string) =>
      eventually(() => deployed('zero', namespace), says(type, status, reason), 90);
    const model = await zero('Stalled', 'True', 'ModeUnavailable');
    assert.match(conditionOf(model, 'Ready')?.message ?? '', /Knative Serving is not installed; install it/);
    await installKnative();
    await zero('Reconciling', 'True');
    assert.notEqual(await serviceIfAny('zero', namespace), undefined);
  });

  it('is still the same process, and wrote no error to its log', () => {
    assert.ok(stage.operator.running);
    assert.deepEqual(stage.operator.errors(), []);
  });
});
