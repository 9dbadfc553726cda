/** A model that lies in a volume: packaged by a Job in the cluster, uploaded, downloaded again and served. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { controlPlane, get, kubectl, list } from '../support/cluster.ts';
import { containerClient } from './support/azure.ts';
import { tellsFlowersApart } from './support/flowers.ts';
import { deploy, predictors, readyReason, untilReady } from './support/model.ts';
import { trained, useTrainedVolume } from './support/trained.ts';
import { digestOf, useModels } from './support/world.ts';

interface Packaged {
  readonly status: { readonly package?: { readonly storageUri: string; readonly sha256: string } };
}

describe('a model in a volume', () => {
  const models = useModels();
  useTrainedVolume(models);

  it('is packaged by a Job, uploaded, and served from there', async () => {
    await deploy(models.namespace, 'iris', { volume: trained });
    await untilReady(models.namespace, 'iris', 420);
    await tellsFlowersApart(models.namespace, 'iris');

    const { status } = await get<Packaged>('modeldeployment', 'iris', models.namespace);
    const { storageUri = '', sha256 = '' } = status.package ?? {};
    assert.ok(storageUri.includes(sha256), storageUri);
    const blobs: string[] = [];
    const prefix = `packaged/${models.namespace}-`;
    for await (const { name } of containerClient(controlPlane()).listBlobsFlat({ prefix })) blobs.push(name);
    assert.ok(
      blobs.some((name) => storageUri.endsWith(name) || name.includes(sha256)),
      `${storageUri} is none of ${blobs.join(', ')}`,
    );
  });

  it('was packaged by the image that trusts the account, and is downloaded by a signature that the operator gave', async () => {
    // The Job is gone when its work is taken over; what the kubelet told of its pod stays.
    const told = await list<{ involvedObject: { name: string }; message: string }>('events', models.namespace);
    const pulled = told.filter(({ involvedObject, message }) => involvedObject.name.startsWith('iris-pack-') && /image/.test(message));
    assert.ok(
      pulled.length > 0 && pulled.every(({ message }) => message.includes(digestOf('trusting'))),
      JSON.stringify(pulled.map(({ message }) => message)),
    );
    const service = await get<{ metadata: { annotations: Record<string, string> } }>('inferenceservice', 'iris', models.namespace);
    const secret = service.metadata.annotations['serving.kserve.io/storageSecretName'] ?? '';
    const { data } = await get<{ data: Record<string, string> }>('secret', secret, models.namespace);
    const signature = Buffer.from(data['AZURE_STORAGE_ACCESS_KEY'] ?? '', 'base64').toString();
    assert.match(signature, /(^|[?&])sig=/);
    const [pod] = await predictors(models.namespace, 'iris');
    assert.ok(!JSON.stringify(pod).includes('sig='));
  });

  it('says that the folder is not there; with the right one it is the same package as another’s, and serves', async () => {
    await deploy(models.namespace, 'lost', { volume: { ...trained, path: 'gone' } });
    const { message } = await readyReason(models.namespace, 'lost', ({ reason }) => reason === 'NotFound');
    assert.match(message, /"gone" in the volume does not exist/);
    await deploy(models.namespace, 'lost', { volume: trained });
    await untilReady(models.namespace, 'lost', 420);
    await tellsFlowersApart(models.namespace, 'lost');
    const [one, two] = await Promise.all(['iris', 'lost'].map((name) => get<Packaged>('modeldeployment', name, models.namespace)));
    assert.equal(two?.status.package?.sha256, one?.status.package?.sha256);
    await kubectl(['delete', 'modeldeployment', 'lost', '-n', models.namespace]);
  });
});
