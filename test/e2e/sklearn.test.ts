/** A scikit-learn model from a folder on this machine to predictions through its Service, on KServe's own server for it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually, kubectl } from '../support/cluster.ts';
import { flowers, kinds, tellsFlowersApart } from './support/flowers.ts';
import { deploy, predictors, untilReady } from './support/model.ts';
import { ask, digestOf, push, useModels } from './support/world.ts';

interface Inferred {
  readonly model_name: string;
  readonly outputs: readonly { readonly shape: readonly number[]; readonly data: readonly number[] }[];
}

describe('a scikit-learn model', () => {
  const models = useModels();
  const inputs = [{ name: 'x', shape: [2, 4], datatype: 'FP32', data: flowers.flat() }];

  it('is pushed, downloaded by the storage initializer and served: V1 predicts through the Service', async () => {
    await deploy(models.namespace, 'iris', { storageUri: await push(models.sources.SKLearn) });
    const { addresses } = await untilReady(models.namespace, 'iris');
    assert.match(addresses?.internal?.predictUrl ?? '', /\/v1\/models\/iris:predict$/);
    await tellsFlowersApart(models.namespace, 'iris');
  });

  it('is served by V2 where that is the protocol asked for: at the address that the status tells, with the same answer', async () => {
    const more = { runtime: { type: 'SKLearn', protocol: 'V2' } };
    await deploy(models.namespace, 'iris-v2', { storageUri: await push(models.sources.SKLearn), more });
    const { addresses } = await untilReady(models.namespace, 'iris-v2');
    const url = addresses?.internal?.predictUrl ?? '';
    assert.match(url, /\/v2\/models\/iris-v2\/infer$/);
    const answer = await ask(models.namespace, url, { inputs });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    const { model_name, outputs } = answer.body as Inferred;
    assert.deepEqual([model_name, outputs.map(({ shape, data }) => [shape, data])], ['iris-v2', [[[2], kinds]]]);
    const described = await ask(models.namespace, url.replace(/\/infer$/, ''));
    assert.equal((described.body as { name?: string }).name, 'iris-v2', JSON.stringify(described));
    await kubectl(['delete', 'modeldeployment', 'iris-v2', '-n', models.namespace]);
  });

  it('runs the images of the local registry by their digests', async () => {
    const [pod] = await predictors(models.namespace, 'iris');
    const digests = [...(pod?.status.initContainerStatuses ?? []), ...(pod?.status.containerStatuses ?? [])].map(({ imageID }) => imageID);
    assert.equal(digests.length, 2);
    assert.ok(digests[0]?.endsWith(digestOf('modelwright')), digests[0]);
    assert.ok(digests[1]?.endsWith(digestOf('sklearn')), digests[1]);
  });

  it('answers again when its pod is deleted', async () => {
    const [pod] = await predictors(models.namespace, 'iris');
    await kubectl(['delete', 'pod', pod?.metadata.name ?? '', '-n', models.namespace, '--grace-period=1']);
    await eventually(
      () => predictors(models.namespace, 'iris'),
      (pods) =>
        pods.length === 1 && pods[0]?.metadata.name !== pod?.metadata.name && pods[0]?.status.containerStatuses?.[0]?.ready === true,
      240,
    );
    await tellsFlowersApart(models.namespace, 'iris');
  });
});
