/** What the operator does in a repository, against Azurite: signatures, taking over uploads, collecting what nobody uses. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { StorageSharedKeyCredential } from '@azure/storage-blob';
import { sweep } from '../../src/controllers/deployment/packaging/reclaim.ts';
import { containerClient } from '../../src/packaging/azure/client.ts';
import type { AzureCredential } from '../../src/packaging/azure/credentials.ts';
import { manifestBlob, packageBlob, type Repository } from '../../src/packaging/azure/repository.ts';
import { Shelf } from '../../src/packaging/azure/shelf.ts';
import { uploadOnce, uploadPackage } from '../../src/packaging/azure/upload.ts';
import { fromBuffer } from '../../src/packaging/random-access.ts';
import { noLogger } from '../../src/telemetry/logger.ts';
import { type Azure, account, hosts, startAzure } from './support/azure.ts';

const place: Repository = { account, cloud: 'Public', endpoint: `https://${hosts.Public}`, container: 'models', prefix: 'packages/team-a' };
const bytesOf = (text: string) => Buffer.from(text.repeat(1000));
const claimOf = (bytes: Buffer) => ({ sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length });
const soon = () => new Date(Date.now() + 600_000);

describe('a shelf of a repository', { timeout: 120_000 }, () => {
  let azure: Azure;
  let shelf: Shelf;
  before(async () => {
    azure = await startAzure({ tls: true });
    await azure.container('models').create();
    const credential: AzureCredential = { kind: 'key', credential: new StorageSharedKeyCredential(account, azure.key) };
    shelf = new Shelf(place, credential, { attempts: 2, delayMilliseconds: 50, maxDelayMilliseconds: 100, timeoutMilliseconds: 20_000 });
  });
  after(() => azure?.[Symbol.asyncDispose]());

  /** Uploads as a packaging Job does: with the signature alone. */
  async function upload(run: string, bytes: Buffer, sha256 = claimOf(bytes).sha256, expires = soon()): Promise<void> {
    const token = await shelf.sign({ kind: 'Upload', blob: shelf.incomingBlob(run) }, expires);
    const container = containerClient(place.endpoint, place.container, { kind: 'sas', token });
    await uploadPackage(container, shelf.incomingBlob(run), fromBuffer(bytes), sha256, {
      retry: { attempts: 1, delayMilliseconds: 1, maxDelayMilliseconds: 1, timeoutMilliseconds: 20_000 },
    });
  }
  const names = async () => {
    const found: string[] = [];
    for await (const { name } of azure.container('models').listBlobsFlat()) found.push(name);
    return found.sort();
  };
  const blobOf = (sha256: string) => azure.container('models').getBlobClient(packageBlob(place, sha256));

  it('takes over an upload under its digest, and nothing stays under the passing name', async () => {
    const bytes = bytesOf('a');
    const claim = claimOf(bytes);
    await upload('run-1', bytes);
    await shelf.promote('run-1', claim);
    assert.deepEqual(await names(), [`packages/team-a/${claim.sha256}/model.zip`]);
    const properties = await blobOf(claim.sha256).getProperties();
    assert.deepEqual(
      [properties.contentType, properties.contentLength, properties.metadata?.['sha256']],
      ['application/zip', bytes.length, claim.sha256],
    );
    assert.deepEqual(await blobOf(claim.sha256).downloadToBuffer(), bytes);
  });

  it('comes to the same when it is done again, also for an equal upload of another run', async () => {
    const bytes = bytesOf('a');
    await shelf.promote('run-1', claimOf(bytes));
    await upload('run-2', bytes);
    await Promise.all([shelf.promote('run-2', claimOf(bytes)), shelf.promote('run-2', claimOf(bytes))]);
    assert.equal((await names()).length, 1);
  });

  it('takes over the manifest of an upload, and drops what is none', async () => {
    const manifestOf = (sha256: string) => manifestBlob(place, sha256);
    async function uploadManifest(run: string, text: string, contentType = 'application/json'): Promise<void> {
      const token = await shelf.sign({ kind: 'Upload', blob: shelf.incomingManifest(run) }, soon());
      const container = containerClient(place.endpoint, place.container, { kind: 'sas', token });
      await uploadOnce(container, shelf.incomingManifest(run), text, contentType);
      await assert.rejects(container.getBlobClient(shelf.incomingManifest(run)).download(), { statusCode: 403 });
      await assert.rejects(container.getBlockBlobClient(shelf.incomingBlob(run)).upload('x', 1), { statusCode: 403 });
    }
    const [bytes, other] = [bytesOf('with a manifest'), bytesOf('with another thing')];
    await upload('run-8', bytes);
    await uploadManifest('run-8', '{"format":"x"}');
    await Promise.all([shelf.promote('run-8', claimOf(bytes)), shelf.promote('run-8', claimOf(bytes))]);
    await upload('run-9', other);
    await uploadManifest('run-9', 'MZ', 'application/octet-stream');
    await shelf.promote('run-9', claimOf(other));
    assert.deepEqual(
      (await names()).filter((name) => name.includes('_')),
      [manifestOf(claimOf(bytes).sha256)],
    );
    const manifest = azure.container('models').getBlobClient(manifestOf(claimOf(bytes).sha256));
    assert.equal((await manifest.downloadToBuffer()).toString(), '{"format":"x"}');
    assert.equal((await manifest.getProperties()).contentType, 'application/json');

    // A package that is there keeps the manifest it has.
    await upload('run-10', bytes);
    await uploadManifest('run-10', '{"format":"y"}');
    await shelf.promote('run-10', claimOf(bytes));
    assert.equal((await manifest.downloadToBuffer()).toString(), '{"format":"x"}');

    await uploadManifest('a'.repeat(32), '{}');
    assert.deepEqual(
      (await shelf.list()).uploads.map(({ name }) => name),
      [shelf.incomingManifest('a'.repeat(32))],
    );
    await shelf.discard('a'.repeat(32));
    for (const one of (await shelf.list()).packages)
      if ([bytes, other].some((known) => claimOf(known).sha256 === one.sha256)) assert.equal(await shelf.remove(one), true);
    assert.deepEqual(
      (await names()).filter((name) => name.includes('_')),
      [],
    );
  });

  it('refuses an upload that is not what its maker says', async () => {
    const bytes = bytesOf('b');
    await upload('run-3', bytes, claimOf(bytesOf('a')).sha256);
    await assert.rejects(shelf.promote('run-3', claimOf(bytes)), { code: 'ChecksumMismatch' });
    await assert.rejects(shelf.promote('run-3', { ...claimOf(bytesOf('a')), sizeBytes: 1 }), { code: 'ChecksumMismatch' });
    await assert.rejects(shelf.promote('never', claimOf(bytes)), { code: 'ChecksumMismatch' });
    await shelf.discard('run-3');
    await shelf.discard('run-3');
    assert.equal((await names()).length, 1);
  });

  it('gives a signature for an upload that can neither read nor touch anything else, and ends', async () => {
    const token = await shelf.sign({ kind: 'Upload', blob: shelf.incomingBlob('run-4') }, soon());
    const container = containerClient(place.endpoint, place.container, { kind: 'sas', token });
    const [other] = await names();
    await assert.rejects(container.getBlockBlobClient(other ?? '').upload('x', 1), { statusCode: 403 });
    await assert.rejects(container.getBlobClient(other ?? '').download(), { statusCode: 403 });
    await assert.rejects(container.getBlobClient(other ?? '').delete(), { statusCode: 403 });
    await assert.rejects(container.listBlobsFlat().next(), { statusCode: 403 });
    await container.getBlockBlobClient(shelf.incomingBlob('run-4')).upload('x', 1);
    await assert.rejects(container.getBlobClient(shelf.incomingBlob('run-4')).download(), { statusCode: 403 });
    await shelf.discard('run-4');
    await assert.rejects(upload('run-5', bytesOf('c'), undefined, new Date(Date.now() - 1000)), { code: 'AccessDenied' });
  });

  it('gives a signature for reading that opens one package', async () => {
    const [a, d] = [bytesOf('a'), bytesOf('d')];
    await upload('run-6', d);
    await shelf.promote('run-6', claimOf(d));
    const token = await shelf.sign({ kind: 'Read', blob: packageBlob(place, claimOf(a).sha256) }, soon());
    const container = containerClient(place.endpoint, place.container, { kind: 'sas', token });
    assert.deepEqual(await container.getBlobClient(packageBlob(place, claimOf(a).sha256)).downloadToBuffer(), a);
    await assert.rejects(container.getBlobClient(packageBlob(place, claimOf(d).sha256)).download(), { statusCode: 403 });
  });

  it('lists packages, and removes only one that was not used since', async () => {
    const a = claimOf(bytesOf('a'));
    const listed = (await shelf.list()).packages.find(({ sha256 }) => sha256 === a.sha256);
    assert.ok(listed);
    assert.equal(await shelf.keep(a), true);
    assert.equal(await shelf.remove(listed), false);
    const again = (await shelf.list()).packages.find(({ sha256 }) => sha256 === a.sha256);
    assert.equal(again !== undefined && (await shelf.remove(again)), true);
    assert.equal(await shelf.keep(a), false);
  });

  describe('from which unused packages are collected', () => {
    const declared = {
      name: 'default',
      azureBlob: { account, container: 'models', prefix: 'packages', credentials: { secretRef: { name: 'x' } } },
      allowedNamespaces: {},
      reclaimPolicy: 'Delete',
      reclaimAfterSeconds: 60,
    } as const;
    const namespace = { name: 'swept', uid: '01234567-89ab' };
    const own: Repository = { ...place, prefix: 'packages/swept-01234567' };
    const later = () => Date.now() + 120_000;
    let top: Shelf;
    let folder: Shelf;
    before(() => {
      const credential: AzureCredential = { kind: 'key', credential: new StorageSharedKeyCredential(account, azure.key) };
      top = new Shelf({ ...place, prefix: 'packages' }, credential);
      folder = new Shelf(own, credential);
    });
    const options = (used: readonly string[], now = later()) => ({
      declared,
      namespaces: [namespace],
      references: async () => new Set(used),
      now,
    });
    async function put(text: string, at: Shelf = folder) {
      const claim = claimOf(bytesOf(text));
      const run = createHash('md5')
        .update(text + Math.random())
        .digest('hex');
      const token = await at.sign({ kind: 'Upload', blob: at.incomingBlob(run) }, soon());
      const container = containerClient(place.endpoint, place.container, { kind: 'sas', token });
      await uploadPackage(container, at.incomingBlob(run), fromBuffer(bytesOf(text)), claim.sha256);
      await at.promote(run, claim);
      return claim;
    }
    const there = async () => (await top.list()).packages.filter((one) => one.folder === 'swept-01234567').map(({ sha256 }) => sha256);

    it('keeps what is referred to, what is young, and what is in folders of others', async () => {
      const [used, unused] = [await put('used'), await put('unused')];
      assert.equal((await sweep(top, options([used.sha256], Date.now()), noLogger)) <= 60_000, true);
      assert.deepEqual((await there()).sort(), [used.sha256, unused.sha256].sort());
      const others = (await top.list()).packages.filter((one) => one.folder !== 'swept-01234567').length;
      assert.ok(others > 0);
      await sweep(top, options([used.sha256]), noLogger);
      assert.deepEqual(await there(), [used.sha256]);
      assert.equal((await top.list()).packages.filter((one) => one.folder !== 'swept-01234567').length, others);
    });

    it('keeps everything where packages are retained', async () => {
      await sweep(top, { ...options([]), declared: { ...declared, reclaimPolicy: 'Retain' } }, noLogger);
      assert.equal((await there()).length, 1);
    });

    it('leaves its manifest to a package that is made anew while the one before is deleted', async () => {
      const [text, manifest] = ['renewed', '{"format":"renewed"}'];
      const claim = claimOf(bytesOf(text));
      const uploadBoth = async (run: string) => {
        for (const [blob, body] of [
          [folder.incomingManifest(run), manifest],
          [folder.incomingBlob(run), undefined],
        ] as const) {
          const token = await folder.sign({ kind: 'Upload', blob }, soon());
          const container = containerClient(place.endpoint, place.container, { kind: 'sas', token });
          if (body !== undefined) await uploadOnce(container, blob, body, 'application/json');
          else await uploadPackage(container, blob, fromBuffer(bytesOf(text)), claim.sha256);
        }
      };
      const manifestOf = () => azure.container('models').getBlobClient(manifestBlob(own, claim.sha256));
      // Somebody makes the same package right before, and right after, the collector's request for the manifest reaches the service.
      for (const moment of ['before', 'after'] as const) {
        await uploadBoth('d'.repeat(32));
        await folder.promote('d'.repeat(32), claim);
        await uploadBoth('e'.repeat(32));
        let renewed = false;
        azure.misbehave = async ({ method, url = '' }, response, _, forward) => {
          if (method !== 'DELETE' || !url.includes('/_manifests/') || renewed) return false;
          renewed = true;
          if (moment === 'before') await folder.promote('e'.repeat(32), claim);
          const { status, headers, body } = await forward();
          if (moment === 'after') await folder.promote('e'.repeat(32), claim);
          response.writeHead(status, { ...headers, 'content-length': body.length }).end(body);
          return true;
        };
        await sweep(top, options([]), noLogger).finally(() => (azure.misbehave = undefined));
        assert.equal(renewed, true);
        assert.ok((await there()).includes(claim.sha256), `${moment}: the package is there`);
        assert.equal((await manifestOf().downloadToBuffer()).toString(), manifest, `${moment}: and so is its manifest`);
        await sweep(top, options([]), noLogger);
        assert.deepEqual([(await there()).includes(claim.sha256), await manifestOf().exists()], [false, false]);
      }
    });

    it('never takes a package from whoever begins to use it at the same time', async () => {
      const trials = Number(process.env['RECLAIM_TRIALS'] ?? 40);
      const [lost, won] = [[] as number[], [] as number[]];
      for (let trial = 0; trial < trials; trial += 1) {
        const claim = await put('contested');
        const used: string[] = [];
        let taken = false;
        const user = async () => {
          await sleep(Math.random() * 30);
          taken = await folder.keep(claim);
          // The reference is written after the package was marked, as the operator does it.
          if (taken) used.push(claim.sha256);
        };
        const references = async () => {
          const seen = new Set(used);
          await sleep(Math.random() * 60);
          return seen;
        };
        const collector = sweep(top, { ...options([]), references }, noLogger);
        await Promise.all([user(), collector]);
        if (!taken) {
          won.push(trial);
          assert.equal(await folder.keep(claim), false);
          continue;
        }
        lost.push(trial);
        assert.ok((await there()).includes(claim.sha256), `trial ${trial}: the package is gone and in use`);
      }
      // Both must have happened, or the race was none.
      assert.ok(lost.length > 0 && won.length > 0, `${lost.length} kept, ${won.length} collected`);
    });
  });

  it('cannot sign with credentials that are a signature themselves', async () => {
    const token = await shelf.sign({ kind: 'ReadContainer' }, soon());
    const weak = new Shelf(place, { kind: 'sas', token });
    await assert.rejects(weak.sign({ kind: 'Upload', blob: 'x' }, soon()), /cannot sign: give an account key or a service principal/);
  });
});
