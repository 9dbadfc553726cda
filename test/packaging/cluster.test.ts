/** Volumes and archives, packaged in the cluster: the real API server and Job controller, the operator as people run it, Azurite. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  BlobSASPermissions,
  ContainerClient,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { fetchModel } from '../../src/packaging/fetch.ts';
import { writePackageFile } from '../../src/packaging/package-file.ts';
import { pullPackage } from '../../src/packaging/pull.ts';
import { listSource } from '../../src/packaging/source-folder.ts';
import { playStatus, servingStatus } from '../integration/deployment/light-kserve.ts';
import { apply, eventually, get, kubectl } from '../support/cluster.ts';
import { account as azureAccount, hosts } from './support/azure.ts';
import { type Kubelet, packagingPods, startKubelet } from './support/kubelet.ts';
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
import { client, startTokenServer, tenant } from './support/token-server.ts';

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
  await declarePolicy({ sourceHosts: [webHost] });
});

function declarePolicy(policy: object): Promise<void> {
  const { namespace, other } = cluster;
  return declarePlatform({
    repositories: [
      repository('default', { matchLabels: { 'kubernetes.io/metadata.name': namespace } }, { reclaimPolicy: 'Delete' }),
      repository('team-b', { matchLabels: { 'kubernetes.io/metadata.name': other } }),
    ],
    policy,
  });
}

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

  it('has its manifest where everybody looks for it, by which it can be pulled and verified', async () => {
    const { status } = await deployedWhere('iris', cluster.namespace, packaged('True'));
    const { sha256 = '', storageUri = '' } = status?.package ?? {};
    const folder = new URL(storageUri).pathname.replace(/^\/models\//, '').slice(0, -sha256.length);
    const manifest = await cluster.azure.container('models').getBlobClient(`${folder}_manifests/${sha256}.json`).downloadToBuffer();
    const { files } = JSON.parse(manifest.toString()) as { files: { path: string }[] };
    assert.deepEqual(
      files.map(({ path }) => path),
      ['model.pkl'],
    );
    const target = await mkdtemp(join(tmpdir(), 'modelwright-pulled-'));
    const settings = async (name: string) => (name === 'AZURE_STORAGE_ACCESS_KEY' ? cluster.azure.key : undefined);
    assert.equal((await pullPackage(storageUri, join(target, 'model.zip'), { settings })).verifiedBy, 'manifest');
    await rm(target, { recursive: true });
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

  it('has its signature renewed when half of its time is over', async () => {
    const { status } = await deployedWhere('iris', cluster.namespace, packaged('True'));
    const secretName = status?.package?.access?.secretName ?? '';
    const versionOf = async () =>
      (await get<{ metadata: { resourceVersion: string } }>('secret', secretName, cluster.namespace)).metadata.resourceVersion;
    const before = await versionOf();
    const inAnHour = `${new Date(Date.now() + 3_600_000).toISOString().slice(0, 19)}Z`;
    const aging = JSON.stringify({ status: { package: { access: { expirationTime: inAnHour } } } });
    await kubectl(['patch', 'modeldeployment', 'iris', '-n', cluster.namespace, '--subresource=status', '--type=merge', '-p', aging]);
    await deployedWhere(
      'iris',
      cluster.namespace,
      (seen) => Date.parse(seen.status?.package?.access?.expirationTime ?? '') > Date.now() + 40 * 3_600_000,
    );
    assert.notEqual(await versionOf(), before);
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

describe('an archive on a web server', { timeout: 300_000 }, () => {
  let sha256: string;
  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'modelwright-archive-'));
    await mkdir(join(folder, 'model'));
    await writeFile(join(folder, 'model/model.pkl'), pickle(7));
    await writeFile(join(folder, 'model/notes.txt'), 'made by hand\n');
    const { manifest } = await writePackageFile(await listSource(join(folder, 'model')), join(folder, 'raw.zip'), undefined);
    served.set('/raw.zip', await readFile(join(folder, 'raw.zip')));
    sha256 = manifest.sha256;
    await rm(folder, { recursive: true });
  });
  const archive = (path: string, digest = sha256) => ({ archive: { url: `http://${webHost}${path}`, sha256: digest } });

  it('is checked, packaged again and uploaded', async () => {
    await deploy('from-archive', cluster.namespace, archive('/raw.zip'));
    const { status } = await deployedWhere('from-archive', cluster.namespace, packaged('True'));
    assert.deepEqual([status?.package?.files, status?.package?.layout], [2, 'SKLearn']);
  });

  it('is not packaged again for a second deployment: no Job is made', async () => {
    const before = kubelet.played.length;
    await deploy('again', cluster.namespace, archive('/raw.zip'));
    const [first, second] = await Promise.all(
      ['from-archive', 'again'].map((name) => deployedWhere(name, cluster.namespace, packaged('True'))),
    );
    assert.equal(second?.status?.package?.storageUri, first?.status?.package?.storageUri);
    assert.notEqual(second?.status?.package?.access?.secretName, first?.status?.package?.access?.secretName);
    assert.equal(kubelet.played.length, before);
  });

  it('of another content is refused, with both digests, and once only', async () => {
    await deploy('wrong-digest', cluster.namespace, archive('/raw.zip', 'f'.repeat(64)));
    const { status } = await deployedWhere('wrong-digest', cluster.namespace, packaged('False', 'DigestMismatch'));
    assert.match(conditionOf(status, 'Packaged')?.message ?? '', new RegExp(`has the SHA-256 ${sha256}, and f{64} was expected`));
    assert.equal((await jobsOf('wrong-digest', cluster.namespace)).length, 1);
  });

  it('of a host that is not allowed is not fetched, neither directly nor by a redirect', async () => {
    const before = kubelet.played.length;
    await deploy('elsewhere', cluster.namespace, { archive: { url: 'http://169.254.169.254/latest.zip', sha256 } });
    await deployedWhere('elsewhere', cluster.namespace, packaged('False', 'SourceHostNotAllowed'));
    assert.equal(kubelet.played.length, before);
    await deploy('redirected', cluster.namespace, archive('/away.zip'));
    const { status } = await deployedWhere('redirected', cluster.namespace, packaged('False', 'AccessDenied'));
    assert.match(conditionOf(status, 'Packaged')?.message ?? '', /leads to 127\.0\.0\.2:9, which is not among the hosts/);
  });
});

describe('verify', { timeout: 300_000 }, () => {
  it('reads a package before it is deployed, and says what it is', async () => {
    const digest = (await deployedWhere('from-archive', cluster.namespace, packaged('True'))).status?.package?.sha256 ?? '';
    served.set('/packages/model.zip', await packageBytes());
    await deploy('verified', cluster.namespace, { storageUri: `http://${webHost}/packages/model.zip`, verify: true, sha256: digest });
    const { status } = await deployedWhere('verified', cluster.namespace, packaged('True', 'Verified'));
    assert.deepEqual([status?.package?.sha256, status?.package?.files, status?.package?.repository], [digest, 2, undefined]);
    await eventually(
      () => service('verified').catch(() => undefined),
      (found) => found?.spec.predictor.model.storageUri === `http://${webHost}/packages/model.zip`,
    );
  });

  it('keeps a package of another content, or of another runtime, from being deployed', async () => {
    const storageUri = `http://${webHost}/packages/model.zip`;
    await deploy('changed', cluster.namespace, { storageUri, verify: true, sha256: 'e'.repeat(64) });
    const digest = (await deployedWhere('from-archive', cluster.namespace, packaged('True'))).status?.package?.sha256;
    await deploy('other-layout', cluster.namespace, { storageUri, verify: true, sha256: digest }, { runtime: { type: 'Triton' } });
    await deployedWhere('changed', cluster.namespace, packaged('False', 'DigestMismatch'));
    await deployedWhere('other-layout', cluster.namespace, packaged('False', 'LayoutUnknown'));
    for (const name of ['changed', 'other-layout']) await assert.rejects(service(name), /NotFound/);
  });

  describe('of a package that may not be read without credentials', () => {
    const secret = (name: string, stringData: Readonly<Record<string, string>>) =>
      apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: cluster.namespace }, stringData });
    const account = (name: string, ...secrets: readonly string[]) =>
      apply({
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name, namespace: cluster.namespace },
        secrets: secrets.map((one) => ({ name: one })),
      });
    const podOf = (name: string) => kubelet.played.findLast(({ pod }) => pod.metadata.labels['modelwright.dev/packaging'] === name)?.pod;
    let storageUri: string;
    before(async () => {
      storageUri = (await deployedWhere('from-archive', cluster.namespace, packaged('True'))).status?.package?.storageUri ?? '';
      await declarePolicy({
        sourceHosts: [webHost, hosts.Public],
        serviceAccounts: ['with-key', 'with-signature', 'with-identity', 'without'],
      });
    });
    after(() => declarePolicy({ sourceHosts: [webHost] }));
    const verified = (name: string, serviceAccountName: string, spec: object = {}) =>
      deploy(name, cluster.namespace, { storageUri, verify: true }, { serviceAccountName, ...spec });

    it("reads it with the account key of the model's service account, and mounts no other key of its Secrets", async () => {
      await secret('azure-key', { AZURE_STORAGE_ACCESS_KEY: cluster.azure.key, 'database-password': 'hush' });
      await secret('unrelated', { token: 'hush' });
      await account('with-key', 'unrelated', 'not-there', 'azure-key');
      await verified('private', 'with-key');
      const { status } = await deployedWhere('private', cluster.namespace, packaged('True', 'Verified'));
      assert.deepEqual([status?.package?.files, status?.package?.storageUri], [2, storageUri]);
      const pod = podOf('private');
      assert.deepEqual([pod?.spec.serviceAccountName, pod?.spec.automountServiceAccountToken], ['with-key', false]);
      const keys = pod?.spec.volumes.flatMap(({ projected }) => projected?.sources.flatMap(({ secret: { items } }) => items) ?? []);
      assert.ok(keys?.length && keys.every(({ key }) => /^(?:AZ_|AZURE_)/.test(key)));
      await eventually(
        () => service('private').catch(() => undefined),
        (found) => found?.spec.predictor.model.storageUri === storageUri,
      );
    });

    it('reads it with a signature for that one package', async () => {
      const blobName = `${new URL(storageUri).pathname.replace(/^\/models\//, '')}/model.zip`;
      const signature = generateBlobSASQueryParameters(
        {
          containerName: 'models',
          blobName,
          permissions: BlobSASPermissions.parse('r'),
          startsOn: new Date(Date.now() - 60_000),
          expiresOn: new Date(Date.now() + 3_600_000),
          protocol: SASProtocol.Https,
        },
        new StorageSharedKeyCredential(azureAccount, cluster.azure.key),
      ).toString();
      await secret('azure-signature', { AZURE_STORAGE_ACCESS_KEY: signature });
      await account('with-signature', 'azure-signature');
      await verified('private-by-signature', 'with-signature');
      await deployedWhere('private-by-signature', cluster.namespace, packaged('True', 'Verified'));
    });

    it('reads it by workload identity, where the pods of the model ask for it', async () => {
      await using tokens = await startTokenServer();
      const tokenFile = join(cluster.work, 'federated-token');
      await writeFile(tokenFile, 'federated');
      kubelet.identity = {
        AZURE_CLIENT_ID: client,
        AZURE_TENANT_ID: tenant,
        AZURE_FEDERATED_TOKEN_FILE: tokenFile,
        AZURE_AUTHORITY_HOST: tokens.authority,
      };
      await account('with-identity');
      await verified('private-by-identity', 'with-identity', { podMetadata: { labels: { 'azure.workload.identity/use': 'true' } } });
      await deployedWhere('private-by-identity', cluster.namespace, packaged('True', 'Verified'));
      assert.ok(tokens.asked.every(({ body }) => body.get('client_assertion') === 'federated') && tokens.asked.length > 0);
      kubelet.identity = {};
    });

    it('says what is missing where there is nothing to read it with, and reads it when that is mended', async () => {
      await account('without');
      await verified('private-mended', 'without');
      const { status } = await deployedWhere('private-mended', cluster.namespace, ({ status: seen }) =>
        /AccessDenied|NotFound/.test(conditionOf(seen, 'Packaged')?.reason ?? ''),
      );
      assert.match(
        conditionOf(status, 'Packaged')?.message ?? '',
        /without credentials, since no Secret that service account "without" lists under secrets has any that KServe uses here \(AZURE_STORAGE_ACCESS_KEY, or/,
      );
      await assert.rejects(service('private-mended'), /NotFound/);
      await account('without', 'azure-key');
      await deployedWhere('private-mended', cluster.namespace, packaged('True', 'Verified'));
    });

    it('does not read under a service account that the policy does not allow', async () => {
      const before = kubelet.played.length;
      await account('privileged', 'azure-key');
      await verified('private-forbidden', 'privileged');
      await deployedWhere('private-forbidden', cluster.namespace, packaged('False', 'ServiceAccountNotAllowed'));
      assert.deepEqual([await jobsOf('private-forbidden', cluster.namespace), kubelet.played.length], [[], before]);
    });

    it('waits for a service account that is not there', async () => {
      await verified('private-early', 'with-signature');
      await deployedWhere('private-early', cluster.namespace, packaged('True', 'Verified'));
      await kubectl(['delete', 'serviceaccount', 'with-signature', '-n', cluster.namespace]);
      await verified('private-late', 'with-signature');
      await deployedWhere('private-late', cluster.namespace, packaged('False', 'ServiceAccountMissing'));
      await account('with-signature', 'azure-signature');
      await deployedWhere('private-late', cluster.namespace, packaged('True', 'Verified'));
    });
  });

  async function packageBytes(): Promise<Buffer> {
    const { package: made } = (await deployedWhere('from-archive', cluster.namespace, packaged('True'))).status ?? {};
    const path = new URL(made?.storageUri ?? '').pathname.replace(/^\/models\//, '');
    return cluster.azure.container('models').getBlobClient(`${path}/model.zip`).downloadToBuffer();
  }
});

describe('what must not be', { timeout: 600_000 }, () => {
  it('a repository of another namespace is not to be had, and the words do not tell that it is there', async () => {
    await deploy('thief', cluster.namespace, { volume: { claimName: 'models', path: 'iris', repository: 'team-b' } });
    await deploy('guess', cluster.namespace, { volume: { claimName: 'models', path: 'iris', repository: 'nowhere' } });
    const [thief, guess] = await Promise.all(
      ['thief', 'guess'].map((name) => deployedWhere(name, cluster.namespace, packaged('False', 'RepositoryNotAvailable'))),
    );
    const words = (one: typeof thief) => conditionOf(one?.status, 'Packaged')?.message.replaceAll(/team-b|nowhere/g, 'X');
    assert.equal(words(thief), words(guess));
    assert.deepEqual(await jobsOf('thief', cluster.namespace), []);
  });

  it('a result that is not true is not believed: neither another digest nor a message of another run', async () => {
    const forge = new Set<string>();
    kubelet.alter = (ended) => {
      const name = ended.pod.metadata.labels['modelwright.dev/packaging'] ?? '';
      if (!['forged', 'foreign'].includes(name) || forge.has(name)) return ended;
      forge.add(name);
      const message = JSON.parse(ended.message) as { run: string; result: { sha256: string } };
      if (name === 'foreign') message.run = '0'.repeat(32);
      else message.result.sha256 = 'a'.repeat(64);
      return { ...ended, message: JSON.stringify(message) };
    };
    await volume('models/forged', 30);
    await volume('models/foreign', 31);
    for (const name of ['forged', 'foreign']) await deploy(name, cluster.namespace, { volume: { claimName: 'models', path: name } });
    for (const name of ['forged', 'foreign']) {
      const { status } = await deployedWhere(name, cluster.namespace, packaged('True'));
      assert.notEqual(status?.package?.sha256, 'a'.repeat(64));
      assert.equal(kubelet.played.filter(({ pod }) => pod.metadata.labels['modelwright.dev/packaging'] === name).length, 2);
    }
    kubelet.alter = undefined;
    assert.ok(!(await blobs()).some((name) => name.includes('a'.repeat(64))));
  });

  it('a link in the volume leads nowhere', async () => {
    await mkdir(join(cluster.work, 'models/linked'), { recursive: true });
    await symlink('/etc', join(cluster.work, 'models/linked/out'));
    await deploy('linked', cluster.namespace, { volume: { claimName: 'models', path: 'linked' } });
    await deploy('climbing', cluster.namespace, { volume: { claimName: 'models', path: 'linked/out/ssl' } });
    await deployedWhere('linked', cluster.namespace, packaged('False', 'SourceRefused'));
    const { status } = await deployedWhere('climbing', cluster.namespace, packaged('False', 'SourceRefused'));
    assert.match(conditionOf(status, 'Packaged')?.message ?? '', /leads out of the volume/);
  });

  it('a Pod that is killed in the middle leaves nothing half, and is tried again', async () => {
    let kills = 0;
    kubelet.started = (child, pod) => {
      if (pod.metadata.labels['modelwright.dev/packaging'] !== 'killed' || kills > 0) return;
      kills += 1;
      setTimeout(() => child.kill('SIGKILL'), 100);
    };
    await volume('models/killed', 40);
    await deploy('killed', cluster.namespace, { volume: { claimName: 'models', path: 'killed' } });
    await deployedWhere('killed', cluster.namespace, packaged('Unknown', 'PackagingRetries'));
    await deployedWhere('killed', cluster.namespace, packaged('True'));
    kubelet.started = undefined;
    assert.equal(kills, 1);
  });

  it('a signature that has expired before the Pod ran is made anew, and the words do not blame the model', async () => {
    kubelet.paused = true;
    await volume('models/expired', 41);
    await deploy('expired', cluster.namespace, { volume: { claimName: 'models', path: 'expired' } });
    const [pod] = await eventually(
      async () =>
        (await packagingPods(cluster.namespace)).filter(({ metadata }) => metadata.labels['modelwright.dev/packaging'] === 'expired'),
      (pods) => pods.length === 1,
    );
    const container = pod?.spec.containers[0];
    const flag = (name: string) => container?.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? '';
    const expired = (url: string) =>
      generateBlobSASQueryParameters(
        {
          containerName: 'models',
          blobName: decodeURIComponent(new URL(url).pathname).replace('/models/', ''),
          permissions: BlobSASPermissions.parse('cw'),
          startsOn: new Date(Date.now() - 3_600_000),
          expiresOn: new Date(Date.now() - 1000),
          protocol: SASProtocol.Https,
          version: '2022-11-02',
        },
        new StorageSharedKeyCredential(azureAccount, cluster.azure.key),
      ).toString();
    const secretName = pod?.spec.volumes.find(({ name }) => name === 'credentials')?.secret?.secretName ?? '';
    const stringData = {
      AZURE_STORAGE_ACCESS_KEY: expired(flag('destination')),
      MANIFEST_SAS_TOKEN: expired(flag('manifest-destination')),
    };
    await kubectl(['patch', 'secret', secretName, '-n', cluster.namespace, '--type=merge', '-p', JSON.stringify({ stringData })]);
    kubelet.paused = false;
    const retried = await deployedWhere('expired', cluster.namespace, packaged('Unknown', 'PackagingRetries'));
    assert.match(conditionOf(retried.status, 'Packaged')?.message ?? '', /The signature for the upload was not accepted: it has expired/);
    await deployedWhere('expired', cluster.namespace, packaged('True'));
    assert.equal((await blobs()).filter((name) => name.includes('_incoming')).length, 0);
  });

  it('an operator that is killed at any moment loses nothing and leaves nothing', async () => {
    const trials = Number(process.env['KILL_TRIALS'] ?? 4);
    for (let trial = 0; trial < trials; trial += 1) {
      const name = `crash-${trial}`;
      await volume(`models/${name}`, 100 + trial);
      await deploy(name, cluster.namespace, { volume: { claimName: 'models', path: name } });
      await new Promise((resolve) => setTimeout(resolve, (trial * 2500) / trials));
      await cluster.killOperator();
      await cluster.startOperator();
      const { status } = await deployedWhere(name, cluster.namespace, packaged('True'));
      await eventually(
        () => jobsOf(name, cluster.namespace),
        (jobs) => jobs.length === 0,
      );
      const own = (await blobs()).filter((blob) => blob.includes(status?.package?.sha256 ?? '-'));
      assert.equal(own.length, 2, `the package and its manifest, not ${own.join(', ')}`);
    }
    assert.deepEqual(
      (await blobs()).filter((name) => name.includes('_incoming')),
      [],
    );
  });

  it('no signature and no key is in any status, event, Job, Pod or line of the log', async () => {
    const kinds = 'modeldeployments.modelwright.dev,servingplatforms.modelwright.dev,inferenceservices,jobs,pods,events';
    const everything = await kubectl(['get', kinds, '-A', '-o', 'json']);
    const log = cluster.operator.lines.map((line) => JSON.stringify(line)).join('\n');
    const outputs = kubelet.played.map(({ output, message }) => `${output}${message}`).join('\n');
    for (const text of [everything, log, outputs]) {
      assert.doesNotMatch(text, /[?&"']sig=|sv=20\d\d-/);
      assert.ok(!text.includes(cluster.azure.key));
    }
  });
});

describe('packages that nobody refers to', { timeout: 300_000 }, () => {
  it('go, and those that another deployment shares stay, also where the repository was given another name', async () => {
    const shared = (await deployedWhere('iris-twin', cluster.namespace, packaged('True'))).status?.package?.sha256 ?? '-';
    const gone = (await deployedWhere('killed', cluster.namespace, packaged('True'))).status?.package?.sha256 ?? '-';
    await declarePlatform({
      repositories: [
        repository(
          'renamed',
          { matchLabels: { 'kubernetes.io/metadata.name': cluster.namespace } },
          { reclaimPolicy: 'Delete', reclaimAfterSeconds: 60 },
          { prefix: 'packages/default' },
        ),
      ],
      policy: { sourceHosts: [webHost] },
    });
    await kubectl(['delete', 'modeldeployment', 'killed', '-n', cluster.namespace]);
    await eventually(blobs, (names) => !names.some((name) => name.includes(gone)), 150);
    // Both were old enough at that moment: the other one is older still.
    assert.ok((await blobs()).some((name) => name.includes(shared)));
  });
});
