/** What is wrong is refused at apply where the API server can, and else by a condition; either way in a sentence that names field and remedy. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { auditMark, auditSince } from '../../support/audit.ts';
import { apply, eventually, kubectl } from '../../support/cluster.ts';
import { installKnative, lightDefinition } from './light-kserve.ts';
import { aModel, conditionOf, deployed, says } from './objects.ts';
import { operatorUser } from './operator-process.ts';
import { ownControlPlane, Stage } from './stage.ts';

/** KFServing 0.6 on an API server of its own: the oldest dialect, and the one with the most that it cannot do. */
describe('bad input', () => {
  let stage: Stage;
  let namespace: string;
  let plane: ControlPlane | undefined;

  before(async () => {
    plane = await ownControlPlane();
    await apply(lightDefinition('serving.kubeflow.org', 'v1beta1', 'inferenceservices', 'InferenceService'));
    await installKnative();
    stage = await Stage.start('bad');
    namespace = stage.namespace;
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
    await plane?.stop();
  });

  const atApply: readonly [string, string, object, RegExp][] = [
    [
      'an unknown runtime',
      'bad',
      { runtime: { type: 'Paddle' } },
      /spec\.runtime\.type: Unsupported value: "Paddle": supported values: .*"TFServing"/,
    ],
    ['a bad name', '1iris', {}, /metadata\.name must start with a letter/],
    ['a name that KServe would cut', 'x'.repeat(49), {}, /metadata\.name must have at most 48 characters: .*choose a shorter name/],
    [
      'a storageUri with blanks',
      'bad',
      { source: { storageUri: ' gs://bucket/iris' } },
      /spec\.source\.storageUri must not contain blanks.*; remove them/,
    ],
    [
      'an unsupported scheme',
      'bad',
      { source: { storageUri: 'ftp://host/iris' } },
      /spec\.source\.storageUri must begin with one of gs:\/\//,
    ],
    [
      'a -gpu tag without a GPU',
      'bad',
      { runtime: { type: 'TFServing', version: '2.6.2-gpu' } },
      /spec\.runtime\.version must not end in -gpu when spec\.gpu is not set/,
    ],
    [
      'a GPU without a -gpu tag',
      'bad',
      { runtime: { type: 'TFServing', version: '2.6.2' }, gpu: { count: 1 } },
      /spec\.runtime\.version must end in -gpu when spec\.gpu is set/,
    ],
    [
      'a canary in Standard mode',
      'bad',
      { rollout: { canaryTrafficPercent: 10 } },
      /spec\.rollout\.canaryTrafficPercent has no effect in Standard mode.*remove it, or set spec\.deploymentMode: Knative/,
    ],
    [
      'a protocol that the runtime does not speak',
      'bad',
      { runtime: { type: 'Triton', protocol: 'V1' } },
      /spec\.runtime\.protocol is not spoken by this runtime/,
    ],
  ];
  for (const [what, name, spec, message] of atApply) {
    it(`${what} is refused at apply`, async () => {
      await assert.rejects(apply(aModel(name, namespace, spec)), message);
    });
  }

  it('a second source is refused at apply: there is one field for it', async () => {
    const twice = aModel('bad', namespace, { source: { storageUri: 'gs://bucket/iris', pvc: 'models' } });
    await assert.rejects(kubectl(['create', '-f', '-', '--validate=strict'], { input: twice }), /unknown field "spec\.source\.pvc"/);
  });

  it('TorchServe with protocol V2 is refused by a condition on KFServing 0.6, within one reconcile and for good', async () => {
    await apply(aModel('torch', namespace, { deploymentMode: 'Knative', runtime: { type: 'TorchServe', protocol: 'V2' } }));
    const model = await eventually(() => deployed('torch', namespace), says('Stalled', 'True'));
    assert.match(conditionOf(model, 'Ready')?.message ?? '', /spec\.runtime\.protocol/);
    const mark = auditMark();
    await sleep(3000);
    const asked = await auditSince(mark, ({ user, verb }) => user.username === operatorUser && verb !== 'watch');
    assert.deepEqual(
      asked.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
      [],
    );
  });

  it('what is right is served in the old style', async () => {
    await apply(aModel('iris', namespace, { deploymentMode: 'Knative' }));
    await eventually(() => deployed('iris', namespace), says('Reconciling', 'True'));
    const service = JSON.parse(await kubectl(['get', 'inferenceservices.serving.kubeflow.org', 'iris', '-n', namespace, '-o', 'json'])) as {
      spec: { predictor: { sklearn: { storageUri: string } } };
    };
    assert.equal(service.spec.predictor.sklearn.storageUri, 'gs://bucket/iris');
  });

  it('has not brought the operator down', () => {
    assert.ok(stage.operator.running);
    assert.deepEqual(stage.operator.errors(), []);
  });
});
