/** Push, pull, inspect, lint and fetch against Azurite under the names and by the paths of the real service. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  BlobSASPermissions,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import type { Settings } from '../../src/packaging/azure/credentials.ts';
import { parseRepository } from '../../src/packaging/azure/repository.ts';
import { fetchModel } from '../../src/packaging/fetch.ts';
import { inspectArchive } from '../../src/packaging/inspect.ts';
import { lintPackage } from '../../src/packaging/lint.ts';
import type { Manifest } from '../../src/packaging/manifest.ts';
import { writePackageFile } from '../../src/packaging/package-file.ts';
import { prepareFolder } from '../../src/packaging/prepare.ts';
import { pullPackage } from '../../src/packaging/pull.ts';
import { pushPackage } from '../../src/packaging/push.ts';
import { type Azure, account, hosts, startAzure } from './support/azure.ts';

const kserve = { major: 0, minor: 20 } as const;
const settings =
  (values: Record<string, string>): Settings =>
  async (name) =>
    values[name];

describe('packages on Azure Blob', { timeout: 300_000 }, () => {
  let azure: Azure;
  let work: string;
  let zip: { path: string; manifest: Manifest };
  let keyed: Settings;

  before(async () => {
    azure = await startAzure();
    work = await mkdtemp(join(tmpdir(), 'modelwright-azure-test-'));
    for (const name of ['models', 'public']) await azure.container(name).create(name === 'public' ? { access: 'container' } : {});
    keyed = settings({ AZURE_STORAGE_ACCESS_KEY: azure.key });
    await mkdir(join(work, 'iris/1/variables'), { recursive: true });
    await writeFile(
      join(work, 'iris/1/saved_model.pb'),
      Buffer.from([0x08, 1, 0x12, 0x0b, 0x0a, 0x07, 0x22, 5, ...Buffer.from('serve'), 0x18, 0]),
    );
    await writeFile(join(work, 'iris/1/weights.bin'), createHash('sha512').update('x').digest());
    await writeFile(
      join(work, 'iris/1/big.bin'),
      Buffer.concat(Array.from({ length: 100_000 }, (_, index) => createHash('sha256').update(String(index)).digest())),
    );
    const prepared = await prepareFolder(join(work, 'iris'), { kserve, settings: keyed } as never);
    zip = await writePackageFile(prepared.entries, join(work, 'iris.zip'), prepared.layout);
  });
  after(async () => {
    await azure?.[Symbol.asyncDispose]();
    await rm(work, { recursive: true, force: true });
  });

  it('push sends once, puts nothing beside the zip, and names the folder', async () => {
    const repository = parseRepository(`az://${account}/models/packages`);
    const first = await pushPackage(zip.path, zip.manifest, repository, { settings: keyed, blockBytes: 1 << 16 });
    assert.equal(first.storageUri, `https://${hosts.Public}/models/packages/${zip.manifest.sha256}`);
    assert.deepEqual([first.uploaded, first.sentBytes], [true, zip.manifest.sizeBytes]);
    const second = await pushPackage(zip.path, zip.manifest, repository, { settings: keyed });
    assert.deepEqual([second.uploaded, second.sentBytes], [false, 0]);
    const names: string[] = [];
    for await (const blob of azure.container('models').listBlobsFlat()) names.push(blob.name);
    assert.deepEqual(names, [`packages/_manifests/${zip.manifest.sha256}.json`, `packages/${zip.manifest.sha256}/model.zip`].sort());
    const properties = await azure.container('models').getBlobClient(`packages/${zip.manifest.sha256}/model.zip`).getProperties();
    assert.equal(properties.contentType, 'application/zip');
  });

  for (const cloud of ['China', 'USGovernment'] as const) {
    it(`${cloud}: the storageUri is the zip itself, and fetch takes it with the account key`, async () => {
      const repository = parseRepository(`az://${account}/models/${cloud.toLowerCase()}`, cloud);
      const { storageUri } = await pushPackage(zip.path, zip.manifest, repository, { settings: keyed });
      assert.equal(storageUri, `https://${hosts[cloud]}/models/${cloud.toLowerCase()}/${zip.manifest.sha256}/model.zip`);
      const target = join(work, `fetched-${cloud}`);
      const result = await fetchModel(storageUri, target, { settings: keyed });
      assert.deepEqual([result.verified, result.sha256], [true, zip.manifest.sha256]);
      assert.ok((await readFile(join(target, '1/big.bin'))).equals(await readFile(join(work, 'iris/1/big.bin'))));
      assert.deepEqual(await readdir(target), ['1']);
    });
  }

  it('every kind of credential opens it, and none does not', async () => {
    const shared = new StorageSharedKeyCredential(account, azure.key);
    const uri = `https://${hosts.Public}/models/packages/${zip.manifest.sha256}`;
    const expires = { startsOn: new Date(Date.now() - 60_000), expiresOn: new Date(Date.now() + 600_000) };
    const blobSas = generateBlobSASQueryParameters(
      {
        containerName: 'models',
        blobName: `packages/${zip.manifest.sha256}/model.zip`,
        permissions: BlobSASPermissions.parse('r'),
        ...expires,
      },
      shared,
    ).toString();
    const ways: Record<string, string>[] = [
      {
        AZURE_STORAGE_CONNECTION_STRING: `DefaultEndpointsProtocol=https;AccountName=${account};AccountKey=${azure.key};EndpointSuffix=core.windows.net`,
      },
      { AZURE_STORAGE_ACCESS_KEY: azure.key },
      { AZURE_STORAGE_KEY: azure.key },
      { AZURE_STORAGE_ACCESS_KEY: blobSas },
      { AZURE_STORAGE_SAS_TOKEN: `?${blobSas}` },
    ];
    for (const [index, values] of ways.entries()) {
      const result = await fetchModel(uri, join(work, `way-${index}`), { settings: settings(values) });
      assert.equal(result.verified, true);
    }
    await assert.rejects(fetchModel(uri, join(work, 'way-none'), { settings: settings({}) }), (error: Error & { code: string }) =>
      /AccessDenied|NotFound/.test(error.code),
    );
    await assert.rejects(
      fetchModel(uri, join(work, 'way-wrong'), {
        settings: settings({ AZURE_STORAGE_ACCESS_KEY: Buffer.alloc(64, 9).toString('base64') }),
      }),
      { code: 'AccessDenied' },
    );
  });

  it('a write-only SAS is enough to push: every block is checked by its MD5', async () => {
    const shared = new StorageSharedKeyCredential(account, azure.key);
    const repository = parseRepository(`az://${account}/models/tenant`);
    const token = (permissions: string) =>
      generateBlobSASQueryParameters(
        {
          containerName: 'models',
          permissions: ContainerSASPermissions.parse(permissions),
          startsOn: new Date(Date.now() - 60_000),
          expiresOn: new Date(Date.now() + 600_000),
        },
        shared,
      ).toString();
    const result = await pushPackage(zip.path, zip.manifest, repository, { settings: settings({ AZURE_STORAGE_SAS_TOKEN: token('cw') }) });
    assert.equal(result.uploaded, true);
  });

  it('a blob of other content under the same name is never replaced', async () => {
    const repository = parseRepository(`az://${account}/models/taken`);
    await azure.container('models').getBlockBlobClient(`taken/${zip.manifest.sha256}/model.zip`).upload('other', 5);
    await assert.rejects(pushPackage(zip.path, zip.manifest, repository, { settings: keyed }), { code: 'Conflict' });
  });

  it('pull verifies against the manifest and refuses changed content', async () => {
    const uri = `https://${hosts.Public}/models/packages/${zip.manifest.sha256}`;
    const result = await pullPackage(uri, join(work, 'pulled.zip'), { settings: keyed });
    assert.equal(result.verifiedBy, 'manifest');
    assert.ok((await readFile(result.path)).equals(await readFile(zip.path)));
    const digest = 'b'.repeat(64);
    await azure.container('models').getBlockBlobClient(`wrong/${digest}/model.zip`).uploadFile(zip.path);
    for (const attempt of [
      pullPackage(`https://${hosts.Public}/models/wrong/${digest}`, join(work, 'wrong.zip'), { settings: keyed }),
      fetchModel(`https://${hosts.Public}/models/wrong/${digest}`, join(work, 'wrong'), { settings: keyed }),
    ]) {
      await assert.rejects(attempt, { code: 'ChecksumMismatch' });
    }
    assert.equal((await readdir(work)).includes('wrong.zip'), false);
    assert.deepEqual(await readdir(join(work, 'wrong')), []);
  });

  it('inspect reads the central directory only', async () => {
    const inspection = await inspectArchive(`https://${hosts.Public}/models/packages/${zip.manifest.sha256}`, { settings: keyed });
    assert.deepEqual(
      inspection.entries.map(({ path }) => path).filter((path) => !path.endsWith('/')),
      zip.manifest.files.map(({ path }) => path),
    );
    assert.ok(inspection.readBytes < 2000, String(inspection.readBytes));
    const verified = await inspectArchive(`https://${hosts.Public}/models/packages/${zip.manifest.sha256}`, {
      settings: keyed,
      verify: true,
    });
    assert.equal(verified.sha256, zip.manifest.sha256);
  });

  it('lint judges an address: type, credentials, shape', async () => {
    await pushPackage(zip.path, zip.manifest, parseRepository(`az://${account}/public/p`), { settings: keyed });
    const codes = async (uri: string, minor = 20) =>
      (await lintPackage(uri, { kserve: { major: 0, minor }, settings: settings({}) })).map(({ code }) => code);
    const digest = zip.manifest.sha256;
    assert.deepEqual(await codes(`https://${hosts.Public}/public/p/${digest}`), ['MW-L0115']);
    assert.deepEqual(await codes(`https://${hosts.China}/public/p/${digest}/model.zip`), ['MW-L0115']);
    assert.deepEqual(await codes(`https://${hosts.Public}/public/p/${digest}/model.zip`, 12), ['MW-L0722', 'MW-L0115']);
    await azure.container('public').getBlockBlobClient('plain/iris.zip').uploadFile(zip.path);
    assert.deepEqual(await codes(`https://${hosts.China}/public/plain/iris.zip`), ['MW-L0801', 'MW-L0115']);
    assert.ok((await codes(`https://${hosts.China}/models/packages/${digest}/model.zip`)).includes('MW-L0733'));
  });

  it('lint judges the type of what may not be read without credentials by those there are', async () => {
    await azure.container('models').getBlockBlobClient('plain/iris.zip').uploadFile(zip.path);
    const uri = `https://${hosts.China}/models/plain/iris.zip`;
    const codes = async (given: Settings) => (await lintPackage(uri, { kserve, settings: given })).map(({ code }) => code);
    assert.deepEqual((await codes(keyed)).toSorted(), ['MW-L0115', 'MW-L0733', 'MW-L0801', 'MW-L0802']);
    assert.ok(!(await codes(settings({}))).includes('MW-L0801'));
  });

  it('takes the 409 of an account that allows no anonymous access for what it is', async () => {
    azure.misbehave = ({ headers }, response) => {
      if (headers.authorization !== undefined) return false;
      response.writeHead(409, { 'x-ms-error-code': 'PublicAccessNotPermitted' }).end();
      return true;
    };
    try {
      const folder = `https://${hosts.Public}/models/packages/${zip.manifest.sha256}`;
      for (const [name, uri] of Object.entries({ archive: folder, folder: `https://${hosts.Public}/models/unpacked` })) {
        await assert.rejects(fetchModel(uri, join(work, `closed-${name}`), { settings: settings({}) }), { code: 'AccessDenied' });
      }
      assert.equal((await fetchModel(folder, join(work, 'closed-keyed'), { settings: keyed })).verified, true);
    } finally {
      azure.misbehave = undefined;
    }
  });

  it('lint sees what lies beside a package', async () => {
    const digest = zip.manifest.sha256;
    await azure
      .container('public')
      .getBlockBlobClient(`beside/${digest}/model.zip`)
      .uploadFile(zip.path, { blobHTTPHeaders: { blobContentType: 'application/zip' } });
    await azure.container('public').getBlockBlobClient(`beside/${digest}/model.zip.sha256`).upload(digest, 64);
    const codes = (await lintPackage(`https://${hosts.Public}/public/beside/${digest}`, { kserve, settings: settings({}) })).map(
      ({ code }) => code,
    );
    assert.deepEqual(codes, ['MW-L0742', 'MW-L0115']);
  });

  it('fetch copies an unpacked folder, a single file, and clears what a killed run left', async () => {
    const container = azure.container('public');
    for (const [name, text] of Object.entries({
      'tree/foo/1/model.onnx': 'onnx',
      'tree/foo/empty.txt': '',
      'tree/foo-v2/other': 'foreign',
      'single/model.joblib': 'pickle',
    })) {
      await container.getBlockBlobClient(name).upload(text, text.length);
    }
    const target = join(work, 'tree');
    await mkdir(join(target, '.modelwright-fetch/content'), { recursive: true });
    await writeFile(join(target, 'half'), 'left by a killed run');
    const result = await fetchModel(`https://${hosts.Public}/public/tree/foo`, target, { settings: settings({}) });
    assert.equal(result.files, 2);
    assert.deepEqual((await readdir(target, { recursive: true })).sort(), ['1', '1/model.onnx', 'empty.txt']);
    await fetchModel(`https://${hosts.China}/public/single/model.joblib`, join(work, 'single'), { settings: settings({}) });
    assert.equal(await readFile(join(work, 'single/model.joblib'), 'utf8'), 'pickle');
    await assert.rejects(fetchModel(`https://${hosts.Public}/public/tree/foo`, work, { settings: settings({}) }), {
      code: 'TargetNotEmpty',
    });
  });
});
