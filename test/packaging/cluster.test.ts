/** Volumes and archives, packaged in the cluster: the real API server and Job controller, the operator as people run it, Azurite. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ContainerClient } from '@azure/storage-blob';
import { fetchModel } from '../../src/packaging/fetch.ts';
import { writePackageFile } from '../../src/packaging/package-file.ts';
import { listSource } from '../../src/packaging/source-folder.ts';
import { playStatus, servingStatus } from '../integration/deployment/light-kserve.ts';
import { apply, eventually, get, kubectl } from '../support/cluster.ts';
import { hosts } from './support/azure.ts';
import { type Kubelet, startKubelet } from './support/kubelet.ts';
import {
  conditionOf,
  declarePlatform,
  deploy,
  deployedWhere,
  image,
  jobsOf,
  PackagingCluster,
  packaged,
  repository,
} from './support/packaging-cluster.ts';

interface Service {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>>; readonly uid: string };
  readonly spec: { readonly predictor: { readonly model: { readonly storageUri: string }; readonly storageContainerName?: string } };
}

let cluster: PackagingCluster;
let kubelet: Kubelet;
let web: Server;
let webHost: string;
const served = new Map<string, Buffer>();

const secretsIn = async (namespace: string) =>
  (await kubectl(['get', 'secrets', '-n', namespace, '-o', 'name'])).split('\n').filter(Boolean);
const service = (name: string) => get<Service>('inferenceservice', name, cluster.namespace);
const blobs = async () => {
  const names: string[] = [];
  for await (const { name } of cluster.azure.container('models').listBlobsFlat()) names.push(name);
  return names.sort();
};

/** A pickle as old as pickles can be: `{"v": N}`, which lint finds harmless. */
const pickle = (value: number) => Buffer.from([0x80, 2, 0x7d, 0x58, 1, 0, 0, 0, 0x76, 0x4b, value, 0x73, 0x2e]);

async function volume(name: string, value: number): Promise<void> {
  await mkdir(join(cluster.work, name), { recursive: true });
  await writeFile(join(cluster.work, name, 'model.pkl'), pickle(value));
}

before(async () => {
  cluster = await PackagingCluster.start('packaging');
  const { namespace, other, work, azure } = cluster;
  await volume('models/iris', 1);
  kubelet = startKubelet({ namespaces: [namespace, other], claims: { models: join(work, 'models') }, env: azure.environment() });
  web = createServer((request, response) => {
    const body = served.get(request.url ?? '');
    if (request.url === '/away.zip') response.writeHead(302, { location: 'http://127.0.0.2:9/model.zip' }).end();
    else if (body === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': 'application/zip', 'content-length': body.length }).end(body);
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const address = web.address();
  webHost = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  await declarePlatform({
    repositories: [
      repository('default', { matchLabels: { 'kubernetes.io/metadata.name': namespace } }, { reclaimPolicy: 'Delete' }),
      repository('team-b', { matchLabels: { 'kubernetes.io/metadata.name': other } }),
    ],
    policy: { sourceHosts: [webHost] },
  });
});
after(async () => {
  web?.close();
  await kubelet?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

describe('a folder of a volume', { timeout: 600_000 }, () => {
  it('is packaged by a Job, and what KServe is given is the package', async () => {
    await deploy('iris', cluster.namespace, { volume: { claimName: 'models', path: 'iris' } });
    const { status } = await deployedWhere('iris', cluster.namespace, packaged('True'));
    const { package: made } = status ?? {};
    assert.equal(made?.repository, 'default');
    assert.deepEqual([made.files, made.layout], [1, 'SKLearn']);
    assert.match(
      made.storageUri,
      new RegExp(`^https://${hosts.Public}/models/packages/default/${cluster.namespace}-[0-9a-f]{8}/${made.sha256}$`),
    );
    await eventually(
      () => service('iris').catch(() => undefined),
      (found) => found?.spec.predictor.model.storageUri === made.storageUri,
    );
    // The same bytes that a person would get on any machine.
    const folder = await mkdtemp(join(tmpdir(), 'modelwright-by-hand-'));
    const { manifest } = await writePackageFile(await listSource(join(cluster.work, 'models/iris')), join(folder, 'x.zip'), undefined);
    await rm(folder, { recursive: true });
    assert.equal(made.sha256, manifest.sha256);
  });

  it('is readable with the signature that the pods are given, and with nothing else', async () => {
    const { status } = await deployedWhere('iris', cluster.namespace, packaged('True'));
    const access = status?.package?.access;
    assert.equal(access?.scope, 'Container');
    assert.equal((await service('iris')).metadata.annotations?.['serving.kserve.io/storageSecretName'], access.secretName);
    const secret = await get<{ data: Record<string, string>; metadata: { ownerReferences: { kind: string }[] } }>(
      'secret',
      access.secretName,
      cluster.namespace,
    );
    assert.deepEqual(
      secret.metadata.ownerReferences.map(({ kind }) => kind),
      ['ModelDeployment'],
    );
    const token = Buffer.from(secret.data['AZURE_STORAGE_ACCESS_KEY'] ?? '', 'base64').toString();
    const target = await mkdtemp(join(tmpdir(), 'modelwright-fetched-'));
    const settings = async (name: string) => (name === 'AZURE_STORAGE_ACCESS_KEY' ? token : undefined);
    const fetched = await fetchModel(status?.package?.storageUri ?? '', target, { settings });
    assert.equal(fetched.verified, true);
    assert.deepEqual(await readFile(join(target, 'model.pkl')), pickle(1));
    await rm(target, { recursive: true });
    const container = new ContainerClient(`https://${hosts.Public}/models?${token}`);
    await assert.rejects(container.getBlockBlobClient('mine').upload('x', 1), /AuthorizationPermissionMismatch|not authorized/i);
  });

  it('leaves no Job, no upload and no Secret of the upload behind', async () => {
    const access = (await deployedWhere('iris', cluster.namespace, packaged('True'))).status?.package?.access?.secretName;
    await eventually(
      () => jobsOf('iris', cluster.namespace),
      (jobs) => jobs.length === 0,
    );
    await eventually(
      () => secretsIn(cluster.namespace),
      (names) => names.join() === `secret/${access}`,
    );
    assert.equal((await blobs()).filter((name) => name.includes('_incoming')).length, 0);
  });

  it('ran in a Pod that Pod Security calls restricted, without a token, with the volume read-only and no secret to be seen', async () => {
    const pod = kubelet.played.find(({ pod }) => pod.metadata.labels['modelwright.dev/packaging'] === 'iris')?.pod;
    assert.ok(pod);
    assert.equal(pod.spec.automountServiceAccountToken, false);
    assert.deepEqual(pod.spec.volumes.find(({ name }) => name === 'volume')?.persistentVolumeClaim, {
      claimName: 'models',
      readOnly: true,
    });
    assert.equal(pod.spec.containers[0]?.image, image);
    assert.doesNotMatch(JSON.stringify(pod), /sig=|AccountKey/);
    const { containers, volumes, ...rest } = pod.spec as unknown as Record<string, unknown>;
    const name = `${cluster.namespace}-strict`;
    await apply({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
    const { serviceAccountName: _, serviceAccount: __, nodeName: ___, ...spec } = rest;
    const again = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pack', namespace: name }, spec: { ...spec, containers, volumes } };
    await kubectl(['create', '--dry-run=server', '-f', '-'], {
      input: { ...again, spec: { ...again.spec, serviceAccountName: 'default' } },
    }).catch((error: Error) => {
      // Admission judges before the ServiceAccount is looked up in some orders; only a verdict of Pod Security would be ours.
      assert.doesNotMatch(error.message, /violates PodSecurity/);
    });
  });

  it('is not uploaded again for another deployment of the same content', async () => {
    await deploy('iris-twin', cluster.namespace, { volume: { claimName: 'models', path: 'iris' } });
    const { status } = await deployedWhere('iris-twin', cluster.namespace, packaged('True'));
    const twin = kubelet.played.find(({ pod }) => pod.metadata.labels['modelwright.dev/packaging'] === 'iris-twin');
    assert.equal(JSON.parse(twin?.message ?? '{}').result.uploaded, false);
    assert.equal(status?.package?.sha256, (await deployedWhere('iris', cluster.namespace, packaged('True'))).status?.package?.sha256);
  });

  it('becomes another package when its revision is raised, and the one before stays until the new one serves', async () => {
    const before = (await deployedWhere('iris', cluster.namespace, packaged('True'))).status?.package;
    await playStatus('iris', cluster.namespace, servingStatus('iris', cluster.namespace));
    await deployedWhere('iris', cluster.namespace, ({ status }) => conditionOf(status, 'Ready')?.status === 'True');
    await volume('models/iris', 2);
    await deploy('iris', cluster.namespace, { volume: { claimName: 'models', path: 'iris', revision: '2' } });
    const { status } = await deployedWhere(
      'iris',
      cluster.namespace,
      (seen) => packaged('True')(seen) && seen.status?.package?.sha256 !== before?.sha256,
    );
    assert.deepEqual(status?.package?.former?.map(({ sha256 }) => sha256) ?? [before?.sha256], [before?.sha256]);
    await eventually(
      () => service('iris'),
      ({ spec }) => spec.predictor.model.storageUri === status?.package?.storageUri,
    );
    assert.ok((await blobs()).some((name) => name.includes(before?.sha256 ?? '-')));
    const done = await deployedWhere('iris', cluster.namespace, (seen) => seen.status?.package?.former === undefined);
    assert.ok(!(await secretsIn(cluster.namespace)).includes(`secret/${before?.access?.secretName}`), JSON.stringify(done.status?.package));
  });
});
