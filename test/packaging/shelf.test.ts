/** What the operator does in a repository, against Azurite: signatures, taking over uploads, collecting what nobody uses. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { StorageSharedKeyCredential } from '@azure/storage-blob';
import { containerClient } from '../../src/packaging/azure/client.ts';
import type { AzureCredential } from '../../src/packaging/azure/credentials.ts';
import { packageBlob, type Repository } from '../../src/packaging/azure/repository.ts';
import { Shelf } from '../../src/packaging/azure/shelf.ts';
import { uploadPackage } from '../../src/packaging/azure/upload.ts';
import { fromBuffer } from '../../src/packaging/random-access.ts';
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
    const listed = (await shelf.list()).find(({ sha256 }) => sha256 === a.sha256);
    assert.ok(listed);
    assert.equal(await shelf.keep(a), true);
    assert.equal(await shelf.remove(listed), false);
    const again = (await shelf.list()).find(({ sha256 }) => sha256 === a.sha256);
    assert.equal(again !== undefined && (await shelf.remove(again)), true);
    assert.equal(await shelf.keep(a), false);
  });

  it('cannot sign with credentials that are a signature themselves', async () => {
    const token = await shelf.sign({ kind: 'ReadContainer' }, soon());
    const weak = new Shelf(place, { kind: 'sas', token });
    await assert.rejects(weak.sign({ kind: 'Upload', blob: 'x' }, soon()), /cannot sign: give an account key or a service principal/);
  });
});
