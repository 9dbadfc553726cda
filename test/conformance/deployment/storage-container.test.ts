/**
 * Our storage container in the hands of the real KServe: it chooses it, lays it over its own, and gives it what it needs to fetch the model.
 * MODELWRIGHT_TEST_KSERVE picks an older KServe (0.15.2, 0.11.2), which is told by the scheme of the URI.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { StorageSharedKeyCredential } from '@azure/storage-blob';
import type { KServeVersion } from '../../../hack/controlplane/kserve-releases.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { parseRepository } from '../../../src/packaging/azure/repository.ts';
import { Shelf } from '../../../src/packaging/azure/shelf.ts';
import { writePackageFile } from '../../../src/packaging/package-file.ts';
import { pushPackage } from '../../../src/packaging/push.ts';
import { listSource } from '../../../src/packaging/source-folder.ts';
import { OperatorProcess } from '../../integration/deployment/operator-process.ts';
import { ownPlane } from '../../integration/platform/own-plane.ts';
import { type Azure, account, startAzure } from '../../packaging/support/azure.ts';
import { apply, eventually, freshNamespace, get, kubectl, list } from '../../support/cluster.ts';
import { KSERVE_VARIABLE } from '../../support/environment.ts';

const image = 'registry.example.com/modelwright:test';
const kserve = (process.env[KSERVE_VARIABLE] ?? '0.20.0') as KServeVersion;
const isNamed = kserve === '0.20.0';
const main = resolve(import.meta.dirname, '../../../src/cli/main.ts');

interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
  }[];
  readonly securityContext?: object;
}
interface Pod {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly deletionTimestamp?: string };
  readonly spec: { readonly initContainers?: readonly Container[] };
}
interface Service {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly predictor: { readonly storageContainerName?: string; readonly model: { readonly storageUri: string } } };
}

let plane: ControlPlane;
let operator: OperatorProcess;
let azure: Azure;
let namespace: string;
let storageUri: string;
let token: string;

before(async () => {
  azure = await startAzure({ tls: true });
  await azure.container('models').create();
  plane = await ownPlane('conformance-storage', { nodes: 'fake', kserve });
  namespace = (await freshNamespace('storage')).name;
  operator = await OperatorProcess.start([namespace], ['--image', image]);
  const folder = await mkdtemp(join(tmpdir(), 'modelwright-iris-'));
  await mkdir(join(folder, 'iris'));
  await writeFile(join(folder, 'iris/model.joblib'), 'a model');
  const { path, manifest } = await writePackageFile(await listSource(join(folder, 'iris')), join(folder, 'model.zip'), undefined);
  // A private blob in China: what no stock initializer can read.
  const repository = parseRepository(`az://${account}/models/packages`, 'China');
  const settings = async (name: string) => (name === 'AZURE_STORAGE_ACCESS_KEY' ? azure.key : undefined);
  storageUri = (await pushPackage(path, manifest, repository, { settings })).storageUri;
  const shelf = new Shelf(repository, { kind: 'key', credential: new StorageSharedKeyCredential(account, azure.key) });
  token = await shelf.sign({ kind: 'Read', blob: `packages/${manifest.sha256}/model.zip` }, new Date(Date.now() + 3_600_000));
  await rm(folder, { recursive: true });
  // As KServe looks for credentials: in a Secret that the service account of the pods lists.
  await apply([
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'read', namespace }, stringData: { AZURE_STORAGE_ACCESS_KEY: token } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace }, secrets: [{ name: 'read' }] },
  ]);
});
after(async () => {
  await operator?.[Symbol.asyncDispose]();
  await plane?.stop();
  await azure?.[Symbol.asyncDispose]();
});

/** So that the spec is not empty: the server makes null of an object that an apply empties. */
const rest = { rollout: { strategy: 'OnNextChange' } };
const declare = (spec: object) =>
  apply({ apiVersion: 'modelwright.dev/v1alpha1', kind: 'ServingPlatform', metadata: { name: 'default' }, spec });
const service = (name: string) => get<Service>('inferenceservices.serving.kserve.io', name, namespace);
const initializer = async (name: string) => {
  const pods = await list<Pod>('pods', namespace);
  const own = pods.filter(
    ({ metadata }) => metadata.labels['serving.kserve.io/inferenceservice'] === name && metadata.deletionTimestamp === undefined,
  );
  return own.flatMap(({ spec }) => spec.initContainers ?? []).filter((container) => container.name === 'storage-initializer');
};

describe('the storage container of Modelwright', { timeout: 600_000 }, () => {
  it('is made where the ServingPlatform declares it, and is said to be there', async () => {
    await declare({ ...rest, storageContainer: {} });
    const conditionsOf = async () =>
      (await get<{ status?: { conditions?: { type: string; status: string }[] } }>('servingplatforms.modelwright.dev', 'default')).status
        ?.conditions;
    await eventually(
      conditionsOf,
      (conditions) => conditions?.some(({ type, status }) => type === 'StorageContainerReady' && status === 'True') === true,
    );
  });

  it('downloads a package by its digest, and nothing else of anybody', async () => {
    const model = (name: string, uri: string) => ({
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ModelDeployment',
      metadata: { name, namespace },
      spec: {
        runtime: { type: 'SKLearn' },
        deploymentMode: 'Standard',
        source: { storageUri: uri },
        resources: { limits: { cpu: '100m', memory: '128Mi' } },
      },
    });
    await apply([model('iris', storageUri), model('plain', 'https://models.example.com/iris/model.zip')]);
    const [ours] = await eventually(
      () => initializer('iris'),
      (found) => found.length === 1,
      120,
    );
    const uri = isNamed ? storageUri : storageUri.replace('https://', 'modelwright://');
    const { predictor } = (await service('iris')).spec;
    assert.deepEqual([predictor.storageContainerName, predictor.model.storageUri], [isNamed ? 'modelwright' : undefined, uri]);
    assert.deepEqual([ours?.image, ours?.command, ours?.args], [image, ['modelwright', 'fetch'], [uri, '/mnt/models']]);
    assert.deepEqual(ours?.securityContext, {
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    });
    const [stock] = await eventually(
      () => initializer('plain'),
      (found) => found.length === 1,
      120,
    );
    assert.notEqual(stock?.image, image);
    assert.equal((await service('plain')).spec.predictor.storageContainerName, undefined);
  });

  it('is given the credentials of the service account by reference, and fetches a private blob in China with them', async () => {
    const [container] = await initializer('iris');
    const key = container?.env?.find(({ name }) => name === 'AZURE_STORAGE_ACCESS_KEY');
    assert.deepEqual(key?.valueFrom?.secretKeyRef, { name: 'read', key: 'AZURE_STORAGE_ACCESS_KEY' });
    assert.ok(!JSON.stringify(container).includes('sig='));
    const target = await mkdtemp(join(tmpdir(), 'modelwright-models-'));
    const log = join(target, '..', `${target.split('/').at(-1)}.log`);
    // The command that KServe put together, as the container would run it.
    const args = (container?.args ?? []).map((text) => (text === '/mnt/models' ? target : text));
    const child = spawn(process.execPath, [main, ...(container?.command?.slice(1) ?? []), ...args, '--termination-log', log], {
      env: { ...azure.environment(), AZURE_STORAGE_ACCESS_KEY: token },
      stdio: 'ignore',
    });
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 0);
    assert.equal(await readFile(join(target, 'model.joblib'), 'utf8'), 'a model');
    assert.equal(JSON.parse(await readFile(log, 'utf8')).models[0].verified, true);
    await rm(target, { recursive: true });
    await rm(log);
  });

  it('goes when it is declared no more, after the last service that needs it', async () => {
    await declare(rest);
    await eventually(
      () => service('iris'),
      ({ spec }) => spec.predictor.storageContainerName === undefined && spec.predictor.model.storageUri === storageUri,
    );
    await eventually(
      () => kubectl(['get', 'clusterstoragecontainers.serving.kserve.io', '-o', 'name']),
      (names) => !names.includes('/modelwright'),
    );
    assert.match(
      await kubectl(['get', 'clusterstoragecontainers.serving.kserve.io', '-o', 'name']),
      /^(clusterstoragecontainer.serving.kserve.io\/default\n)?$/,
    );
  });
});
