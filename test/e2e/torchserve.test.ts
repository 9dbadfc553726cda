/** A TorchServe archive on the real TorchServe: through the Service as KServe's clients ask, and in TorchServe's own way. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { makeModels, type RealModels } from '../packaging/support/models.ts';
import { deploy, predictors, untilReady } from './support/model.ts';
import { ask, digestOf, modelsNamespace, push } from './support/world.ts';

describe('archives on TorchServe', () => {
  let models: RealModels;
  let namespace: Awaited<ReturnType<typeof modelsNamespace>>;
  before(async () => {
    models = await makeModels();
    namespace = await modelsNamespace();
  });
  after(async () => {
    await namespace?.[Symbol.asyncDispose]();
    if (models) await rm(models.folder, { recursive: true, force: true });
  });

  it('are pushed with settings that are made for them, downloaded and served: V1 predicts through the Service', async () => {
    await deploy(namespace.name, 'twins', { storageUri: await push(models.sources.TorchServe), runtime: 'TorchServe', memory: '1Gi' });
    const { addresses } = await untilReady(namespace.name, 'twins');
    const url = addresses?.internal?.url ?? '';
    for (const name of ['double', 'twice']) {
      const answer = await ask(namespace.name, `${url}/v1/models/${name}:predict`, { instances: [{ data: [1, 2, 3, 4] }] });
      assert.deepEqual([answer.status, answer.body], [200, { predictions: [[2, 4, 6, 8]] }]);
    }
  });

  it('answer in TorchServe’s own protocol, and TorchServe counts them', async () => {
    const [pod] = await predictors(namespace.name, 'twins');
    assert.ok(pod?.status.containerStatuses?.[0]?.imageID.endsWith(digestOf('torchserve')));
    const own = `http://${pod?.status.podIP}:8085`;
    const { body } = await ask(namespace.name, `${own}/models/double`);
    const [model] = body as { modelName: string; workers: { status: string }[] }[];
    assert.deepEqual([model?.modelName, model?.workers[0]?.status], ['double', 'READY']);
    const metrics = await ask(namespace.name, `http://${pod?.status.podIP}:8082/metrics`);
    assert.match(String(metrics.body), /ts_inference_requests_total\{[^}]*model_name="double"[^}]*\} [1-9]/);
    const answer = await ask(namespace.name, `${own}/predictions/double`, { instances: [{ data: [5, 6] }] });
    assert.deepEqual([answer.status, answer.body], [200, { predictions: [[10, 12]] }]);
  });
});
