/** A scikit-learn model from a folder on this machine to predictions through its Service, and what it says when something is wrong. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { makeModels, type RealModels } from '../packaging/support/models.ts';
import { controlPlane, eventually, get, kubectl } from '../support/cluster.ts';
import { bringAzuriteBack, takeAzuriteAway } from './support/azure.ts';
import { deploy, type ModelStatus, predictors, readyReason, untilReady } from './support/model.ts';
import { ask, digestOf, modelsNamespace, push } from './support/world.ts';

/** One flower of each of two kinds. */
const flowers = [
  [5.1, 3.5, 1.4, 0.2],
  [6.7, 3, 5.2, 2.3],
];

describe('a scikit-learn model', () => {
  let models: RealModels;
  let namespace: Awaited<ReturnType<typeof modelsNamespace>>;
  let storageUri: string;
  before(async () => {
    models = await makeModels();
    namespace = await modelsNamespace();
    storageUri = await push(models.sources.SKLearn);
  });
  after(async () => {
    await namespace?.[Symbol.asyncDispose]();
    if (models) await rm(models.folder, { recursive: true, force: true });
  });

  it('is pushed, downloaded by the storage initializer and served: V1 and V2 predict through the Service', async () => {
    await deploy(namespace.name, 'iris', { storageUri });
    const { addresses } = await untilReady(namespace.name, 'iris');
    const url = addresses?.internal?.url ?? '';
    const v1 = await ask(namespace.name, addresses?.internal?.predictUrl ?? '', { instances: flowers });
    assert.deepEqual([v1.status, v1.body], [200, { predictions: [0, 2] }]);
    const inputs = [{ name: 'x', shape: [2, 4], datatype: 'FP32', data: flowers.flat() }];
    const v2 = await ask(namespace.name, `${url}/v2/models/iris/infer`, { inputs });
    assert.deepEqual((v2.body as { outputs: { data: number[] }[] }).outputs[0]?.data, [0, 2]);
  });

  it('runs the images of the local registry by their digests', async () => {
    const [pod] = await predictors(namespace.name, 'iris');
    const digests = [...(pod?.status.initContainerStatuses ?? []), ...(pod?.status.containerStatuses ?? [])].map(({ imageID }) => imageID);
    assert.equal(digests.length, 2);
    assert.ok(digests[0]?.endsWith(digestOf('modelwright')), digests[0]);
    assert.ok(digests[1]?.endsWith(digestOf('sklearn')), digests[1]);
  });

  it('says that a package is not there, and serves when the source is put right', async () => {
    await deploy(namespace.name, 'lost', { storageUri: storageUri.replace(/[0-9a-f]{64}$/, '0'.repeat(64)) });
    const status = await readyReason(namespace.name, 'lost', (condition) => condition.reason === 'DownloadFailed');
    assert.match(status.message, /not found|no model found|does not exist/i);
    await deploy(namespace.name, 'lost', { storageUri });
    await untilReady(namespace.name, 'lost');
    await kubectl(['delete', 'modeldeployment', 'lost', '-n', namespace.name]);
  });

  it('says that an image is not there, with the registry’s words, and serves when the version is put right', async () => {
    await deploy(namespace.name, 'unpulled', { storageUri, version: '9.9.9' });
    const status = await readyReason(namespace.name, 'unpulled', (condition) => /image/i.test(condition.reason + condition.message));
    assert.match(status.message, /sklearn-server:9\.9\.9/);
    await deploy(namespace.name, 'unpulled', { storageUri });
    await untilReady(namespace.name, 'unpulled');
    await kubectl(['delete', 'modeldeployment', 'unpulled', '-n', namespace.name]);
  });

  it('says that the server ran out of memory, and serves when it is given more', async () => {
    await deploy(namespace.name, 'small', { storageUri, memory: '60Mi' });
    const status = await readyReason(namespace.name, 'small', (condition) => /memory|OOM/i.test(condition.reason + condition.message));
    assert.match(status.message, /60Mi|memory/);
    await deploy(namespace.name, 'small', { storageUri });
    await untilReady(namespace.name, 'small');
    await kubectl(['delete', 'modeldeployment', 'small', '-n', namespace.name]);
  });

  it('says that storage is away while it is deployed, and comes up by itself when it is back', async () => {
    const plane = controlPlane();
    await takeAzuriteAway(plane);
    try {
      await deploy(namespace.name, 'patient', { storageUri });
      const { message } = await readyReason(namespace.name, 'patient', ({ reason }) => reason === 'DownloadFailed', 240);
      assert.match(message, /ECONNREFUSED.*storage cannot be reached from the node/);
    } finally {
      await bringAzuriteBack(plane);
    }
    await untilReady(namespace.name, 'patient', 420);
    await kubectl(['delete', 'modeldeployment', 'patient', '-n', namespace.name]);
  });

  it('answers again when its pod is deleted', async () => {
    const [pod] = await predictors(namespace.name, 'iris');
    await kubectl(['delete', 'pod', pod?.metadata.name ?? '', '-n', namespace.name, '--grace-period=1']);
    await eventually(
      () => predictors(namespace.name, 'iris'),
      (pods) =>
        pods.length === 1 && pods[0]?.metadata.name !== pod?.metadata.name && pods[0]?.status.containerStatuses?.[0]?.ready === true,
      240,
    );
    const { status } = await get<{ status: ModelStatus }>('modeldeployment', 'iris', namespace.name);
    const answer = await ask(namespace.name, status.addresses?.internal?.predictUrl ?? '', { instances: flowers });
    assert.deepEqual(answer.body, { predictions: [0, 2] });
  });
});
