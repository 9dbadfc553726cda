/**
 * The runtime for TensorFlow Serving, with a test server that speaks its protocols in its place: the package, the way to it, arguments and
 * addresses are as with the real one, and the answers are not TensorFlow's.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kubectl } from '../support/cluster.ts';
import { deploy, predictors, readyReason, untilReady } from './support/model.ts';
import { ask, digestOf, push, useModels } from './support/world.ts';

describe('a SavedModel on a server with the protocols of TensorFlow Serving', () => {
  const models = useModels();

  it('is pushed, downloaded and served: V1 answers through the Service, by the name and version of the model', async () => {
    await deploy(models.namespace, 'saved', { storageUri: await push(models.sources.TFServing), runtime: 'TFServing' });
    const { addresses } = await untilReady(models.namespace, 'saved');
    const predictUrl = addresses?.internal?.predictUrl ?? '';
    assert.match(predictUrl, /\/v1\/models\/saved:predict$/);
    const answer = await ask(models.namespace, predictUrl, { instances: [[1, 2, 3, 4]] });
    assert.deepEqual([answer.status, answer.body], [200, { predictions: [10] }]);
    const { body } = await ask(models.namespace, predictUrl.replace(/:predict$/, '/metadata'));
    assert.deepEqual((body as { model_spec: object }).model_spec, { name: 'saved', signature_name: '', version: '1' });
    const [pod] = await predictors(models.namespace, 'saved');
    assert.ok(pod?.status.containerStatuses?.[0]?.imageID.endsWith(digestOf('tfserving-protocol')));
  });

  it('does not start on what is no SavedModel, and the model says so with the server’s words', async () => {
    await deploy(models.namespace, 'unsaved', { storageUri: await push(models.sources.SKLearn), runtime: 'TFServing' });
    const { message } = await readyReason(models.namespace, 'unsaved', ({ reason }) => reason === 'CrashLoop');
    assert.match(message, /No versions of servable unsaved found/);
    await kubectl(['delete', 'modeldeployment', 'unsaved', '-n', models.namespace]);
  });
});
