/** A TorchServe archive on the real TorchServe: through the Service as KServe's clients ask, and in TorchServe's own way. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deploy, predictors, untilReady } from './support/model.ts';
import { ask, digestOf, push, useModels } from './support/world.ts';

describe('archives on TorchServe', () => {
  const models = useModels();

  it('are pushed with settings that are made for them, downloaded and served: V1 predicts through the Service', async () => {
    await deploy(models.namespace, 'twins', { storageUri: await push(models.sources.TorchServe), runtime: 'TorchServe', memory: '1Gi' });
    const { addresses } = await untilReady(models.namespace, 'twins');
    const url = addresses?.internal?.url ?? '';
    for (const name of ['double', 'twice']) {
      const answer = await ask(models.namespace, `${url}/v1/models/${name}:predict`, { instances: [{ data: [1, 2, 3, 4] }] });
      assert.deepEqual([answer.status, answer.body], [200, { predictions: [[2, 4, 6, 8]] }]);
    }
  });

  it('answer in TorchServe’s own protocol, and TorchServe counts them', async () => {
    const [pod] = await predictors(models.namespace, 'twins');
    assert.ok(pod?.status.containerStatuses?.[0]?.imageID.endsWith(digestOf('torchserve')));
    const own = `http://${pod?.status.podIP}:8085`;
    const { body } = await ask(models.namespace, `${own}/models/double`);
    const [model] = body as { modelName: string; workers: { status: string }[] }[];
    assert.deepEqual([model?.modelName, model?.workers[0]?.status], ['double', 'READY']);
    const metrics = await ask(models.namespace, `http://${pod?.status.podIP}:8082/metrics`);
    assert.match(String(metrics.body), /ts_inference_requests_total\{[^}]*model_name="double"[^}]*\} [1-9]/);
    const answer = await ask(models.namespace, `${own}/predictions/double`, { instances: [{ data: [5, 6] }] });
    assert.deepEqual([answer.status, answer.body], [200, { predictions: [[10, 12]] }]);
  });
});
