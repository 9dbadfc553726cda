/** A rollout that fails over a model that serves: the ModelDeployment names the true cause, tells it once, keeps no secret, and recovers. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { deploymentModes } from '../../../src/api/model-deployment/serving.ts';
import { aModel, conditionOf, deployed, eventsOf, says } from '../../integration/deployment/objects.ts';
import { Stage } from '../../integration/deployment/stage.ts';
import { apply, eventually, kubectl } from '../../support/cluster.ts';

const secret = 's3cr3t-signature';

/** What fake nodes play, what the container says, and the stage where that lies. */
const stories: readonly (readonly [string, string, string])[] = [
  ['init-error', `HTTP access denied for 'https://a.blob.core.chinacloudapi.cn/m/x.zip?sig=${secret}'`, 'Download'],
  ['image-pull', 'Back-off pulling image "x": ErrImagePull: unauthorized', 'ImagePull'],
  ['crash', `failed to load all models from https://a.example.com/x.zip?sig=${secret}`, 'Running'],
  ['oom', '', 'Running'],
];

describe('a rollout that fails', () => {
  let stage: Stage;
  let namespace: string;

  before(async () => {
    stage = await Stage.start('failing');
    namespace = stage.namespace;
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  for (const deploymentMode of deploymentModes) {
    for (const [plays, message, stage] of stories) {
      it(`by ${plays} in ${deploymentMode} mode`, async () => {
        const name = `${plays}-${deploymentMode}`.toLowerCase();
        const until = (type: string, status: string) => eventually(() => deployed(name, namespace), says(type, status), 180);
        await apply(aModel(name, namespace, { deploymentMode, scaling: { minReplicas: 1, maxReplicas: 1 } }));
        await until('Ready', 'True');

        const annotations = { 'fake-node.modelwright.dev/plays': plays, 'fake-node.modelwright.dev/message': message };
        // On the InferenceService, in a field that we do not own: it makes a new rollout, and reaches the Pods.
        await change(name, annotations);
        const failed = await until('Stalled', 'True');
        assert.equal(failed.status?.lastError?.stage, stage);
        assert.equal(conditionOf(failed, 'Ready')?.status, 'False');
        const { message: text = '' } = conditionOf(failed, 'Ready') ?? {};
        assert.ok(text.startsWith(failed.status?.lastError?.message ?? 'a cause'), text);
        assert.match(text, /To solve it: .*The version before this one still answers$/);
        const told = await eventually(
          () => eventsOf(name, namespace),
          (events) => events.some(({ type }) => type === 'Warning'),
        );
        assert.equal(told.filter(({ reason }) => reason === failed.status?.lastError?.reason).length, 1);
        assert.ok(!JSON.stringify([failed, told]).includes(secret));

        await change(name, null);
        const recovered = await until('Ready', 'True');
        assert.equal(recovered.status?.lastError, undefined);
        assert.equal(conditionOf(recovered, 'Stalled'), undefined);
      });
    }
  }

  it('is no error of the operator', () => assert.deepEqual(stage.operator.errors(), []));

  const change = (name: string, annotations: object | null) => {
    const patch = { spec: { predictor: { annotations } } };
    return kubectl(['patch', 'inferenceservice', name, '-n', namespace, '--type=merge', '-p', JSON.stringify(patch)]);
  };
});
