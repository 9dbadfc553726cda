/**
 * Secrets in the forms in which storage initializers, model servers and clouds print them, told to the operator through KServe's status: none of
 * them comes out in status, events, log or metrics.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { apply, applyCrds, eventually, list } from '../../support/cluster.ts';
import { toldSecrets } from '../../support/secret-forms.ts';
import { installInferenceServices, playStatus } from '../deployment/light-kserve.ts';
import { aModel, type Deployed, deployed, serviceIfAny } from '../deployment/objects.ts';
import { OperatorProcess } from '../deployment/operator-process.ts';
import { ownControlPlane } from '../deployment/stage.ts';

const namespace = 'canaries';
const canaries = toldSecrets();

describe('a secret in what KServe says of a model', () => {
  let plane: ControlPlane;
  let operator: OperatorProcess;
  let models: Deployed[];
  let told: string;
  before(async () => {
    plane = await ownControlPlane();
    await applyCrds();
    await installInferenceServices();
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    operator = await OperatorProcess.start([namespace], ['--log-level', 'debug']);
    await apply(canaries.map(({ name }) => aModel(name, namespace)));
    for (const { name, text } of canaries) {
      await eventually(
        () => serviceIfAny(name, namespace),
        (service) => service !== undefined,
      );
      await playStatus(name, namespace, failing(text));
    }
    models = await Promise.all(
      canaries.map(({ name }) =>
        eventually(
          () => deployed(name, namespace),
          ({ status }) => status?.lastError !== undefined,
          120,
        ),
      ),
    );
    told = JSON.stringify(await list('events', namespace)) + (await operator.metrics('')).join('\n');
  });
  after(async () => {
    await operator?.[Symbol.asyncDispose]();
    await plane?.stop();
  });

  for (const [index, { form, secret, text }] of canaries.entries()) {
    it(`stays out of status: ${JSON.stringify(form)}`, () => {
      const status = JSON.stringify(models[index]?.status);
      assert.ok(text.includes(secret));
      assert.ok(!status.includes(secret), status);
    });
  }

  it('stays out of events and metrics', () => assert.deepEqual(found(told), []));
  it('stays out of the log, at its most talkative', () =>
    assert.deepEqual(found(operator.lines.map((line) => JSON.stringify(line)).join('\n')), []));

  it('while what is no secret is passed on: the test would see one', async () => {
    const [model] = models;
    assert.match(JSON.stringify(model?.status), /a\.blob\.core\.windows\.net/);
    assert.match(told, /canary-0/);
    const service = await serviceIfAny('canary-0', namespace);
    assert.ok(JSON.stringify(service).includes(canaries[0]?.secret ?? '-'), 'KServe has said it');
  });
});

/** Names of the canaries in a text. */
function found(text: string): string[] {
  return canaries.filter(({ secret }) => text.includes(secret)).map(({ name }) => name);
}

/** What KServe 0.20 says when the storage initializer has failed. */
function failing(message: string): object {
  return {
    conditions: [
      { type: 'Ready', status: 'False', reason: 'MinimumReplicasUnavailable', message },
      { type: 'PredictorReady', status: 'False', reason: 'MinimumReplicasUnavailable', message },
    ],
    deploymentMode: 'Standard',
    modelStatus: {
      transitionStatus: 'BlockedByFailedLoad',
      states: { activeModelState: '', targetModelState: 'FailedToLoad' },
      lastFailureInfo: { location: '', reason: 'ModelLoadFailed', message, exitCode: 1 },
    },
  };
}
