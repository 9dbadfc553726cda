/** A model that lies in a volume: packaged by a Job in the cluster, uploaded, downloaded again and served. */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makeModels, type RealModels } from '../packaging/support/models.ts';
import { apply, controlPlane, get, kubectl, list } from '../support/cluster.ts';
import { containerClient } from './support/azure.ts';
import { deploy, predictors, readyReason, untilReady } from './support/model.ts';
import { hostVolume } from './support/objects.ts';
import { ask, digestOf, modelsNamespace } from './support/world.ts';

interface Packaged {
  readonly status: { readonly package?: { readonly storageUri: string; readonly sha256: string } };
}

describe('a model in a volume', () => {
  let models: RealModels;
  let namespace: Awaited<ReturnType<typeof modelsNamespace>>;
  let folder: string;
  before(async () => {
    models = await makeModels();
    namespace = await modelsNamespace();
    folder = join(controlPlane().dir, 'volumes', namespace.name);
    mkdirSync(folder, { recursive: true });
    cpSync(models.sources.SKLearn, join(folder, 'iris'), { recursive: true });
    chmodSync(folder, 0o755);
    await apply(hostVolume(namespace.name, 'trained', folder, 'ReadOnlyMany'));
  });
  after(async () => {
    await namespace?.[Symbol.asyncDispose]();
    if (namespace) await kubectl(['delete', 'persistentvolume', `${namespace.name}-trained`, '--wait=false', '--ignore-not-found']);
    if (models) await rm(models.folder, { recursive: true, force: true });
  });
  const volume = { claimName: 'trained', path: 'iris', repository: 'packages' };

  it('is packaged by a Job, uploaded, and served from there', async () => {
    await deploy(namespace.name, 'iris', { volume });
    const { addresses } = await untilReady(namespace.name, 'iris', 420);
    const answer = await ask(namespace.name, addresses?.internal?.predictUrl ?? '', { instances: [[6.7, 3, 5.2, 2.3]] });
    assert.deepEqual(answer.body, { predictions: [2] });

    const { status } = await get<Packaged>('modeldeployment', 'iris', namespace.name);
    const { storageUri = '', sha256 = '' } = status.package ?? {};
    assert.ok(storageUri.includes(sha256), storageUri);
    const blobs: string[] = [];
    const prefix = `packaged/${namespace.name}-`;
    for await (const { name } of containerClient(controlPlane()).listBlobsFlat({ prefix })) blobs.push(name);
    assert.ok(
      blobs.some((name) => storageUri.endsWith(name) || name.includes(sha256)),
      `${storageUri} is none of ${blobs.join(', ')}`,
    );
  });

  it('was packaged by the image that trusts the account, and is downloaded by a signature that the operator gave', async () => {
    // The Job is gone when its work is taken over; what the kubelet told of its pod stays.
    const told = await list<{ involvedObject: { name: string }; message: string }>('events', namespace.name);
    const pulled = told.filter(({ involvedObject, message }) => involvedObject.name.startsWith('iris-pack-') && /image/.test(message));
    assert.ok(
      pulled.length > 0 && pulled.every(({ message }) => message.includes(digestOf('trusting'))),
      JSON.stringify(pulled.map(({ message }) => message)),
    );
    const service = await get<{ metadata: { annotations: Record<string, string> } }>('inferenceservice', 'iris', namespace.name);
    const secret = service.metadata.annotations['serving.kserve.io/storageSecretName'] ?? '';
    const { data } = await get<{ data: Record<string, string> }>('secret', secret, namespace.name);
    const signature = Buffer.from(data['AZURE_STORAGE_ACCESS_KEY'] ?? '', 'base64').toString();
    assert.match(signature, /(^|[?&])sig=/);
    const [pod] = await predictors(namespace.name, 'iris');
    assert.ok(!JSON.stringify(pod).includes('sig='));
  });

  it('says that the folder is not there; with the right one it is the same package as another’s, and serves', async () => {
    await deploy(namespace.name, 'lost', { volume: { ...volume, path: 'gone' } });
    const { message } = await readyReason(namespace.name, 'lost', ({ reason }) => reason === 'NotFound');
    assert.match(message, /"gone" in the volume does not exist/);
    await deploy(namespace.name, 'lost', { volume });
    await untilReady(namespace.name, 'lost', 420);
    const [one, two] = await Promise.all(['iris', 'lost'].map((name) => get<Packaged>('modeldeployment', name, namespace.name)));
    assert.equal(two?.status.package?.sha256, one?.status.package?.sha256);
    await kubectl(['delete', 'modeldeployment', 'lost', '-n', namespace.name]);
  });
});
