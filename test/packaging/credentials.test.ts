/** Service principals and workload identity: a token server that checks what it is asked, and Azurite that takes its tokens. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { containerClient } from '../../src/packaging/azure/client.ts';
import { findCredential, type Settings } from '../../src/packaging/azure/credentials.ts';
import { parseRepository } from '../../src/packaging/azure/repository.ts';
import { Shelf } from '../../src/packaging/azure/shelf.ts';
import { uploadPackage } from '../../src/packaging/azure/upload.ts';
import { fromBuffer } from '../../src/packaging/random-access.ts';
import { type Azure, account, startAzure } from './support/azure.ts';
import { client, startTokenServer, type TokenServer, tenant } from './support/token-server.ts';

describe('credentials that are tokens', { timeout: 120_000 }, () => {
  let azure: Azure;
  let tokens: TokenServer;
  let folder: string;

  before(async () => {
    azure = await startAzure({ tls: true });
    await azure.container('models').create();
    folder = await mkdtemp(join(tmpdir(), 'modelwright-identity-'));
    tokens = await startTokenServer();
  });
  after(async () => {
    await tokens?.[Symbol.asyncDispose]();
    await azure?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    tokens.asked = [];
    tokens.answer = { status: 200, lifetime: 3600 };
  });

  const settings = (values: Readonly<Record<string, string>>): Settings => {
    const all: Readonly<Record<string, string>> = { AZURE_AUTHORITY_HOST: tokens.authority, ...values };
    return async (name) => all[name];
  };
  const principal = { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client, AZURE_CLIENT_SECRET: 'hush' };
  const legacy = { AZ_TENANT_ID: tenant, AZ_CLIENT_ID: client, AZ_CLIENT_SECRET: 'hush' };
  const repository = parseRepository(`az://${account}/models/packages`);
  const bytes = Buffer.from('a package '.repeat(1000));
  const sha256 = createHash('sha256').update(bytes).digest('hex');

  for (const [what, values] of [
    ['a service principal', principal],
    ['a service principal in the names of KServe', legacy],
  ] as const) {
    it(`${what} uploads with a token for the storage service`, async () => {
      const credential = await findCredential(account, 'Public', settings(values));
      assert.equal(credential.kind, 'token');
      const blob = `packages/${what.length}/${sha256}/model.zip`;
      await uploadPackage(containerClient(repository.endpoint, 'models', credential), blob, fromBuffer(bytes), sha256);
      assert.equal(tokens.asked.length, 1, 'one token for all requests');
      assert.equal(tokens.asked[0]?.path, `/${tenant}/oauth2/v2.0/token`);
      assert.deepEqual(Object.fromEntries(tokens.asked[0]?.body ?? []), {
        grant_type: 'client_credentials',
        client_id: client,
        client_secret: 'hush',
        scope: 'https://storage.azure.com/.default',
      });
      assert.deepEqual(await azure.container('models').getBlobClient(blob).downloadToBuffer(), bytes);
    });
  }

  it('workload identity gives the token of its file, as it is at that moment', async () => {
    const file = join(folder, 'token');
    const values = { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client, AZURE_FEDERATED_TOKEN_FILE: file };
    await writeFile(file, 'first\n');
    // Shorter than the five minutes that a token is not relied on any more: asked anew each time.
    tokens.answer = { status: 200, lifetime: 200 };
    const credential = await findCredential(account, 'Public', settings(values));
    assert.ok(credential.kind === 'token');
    await containerClient(repository.endpoint, 'models', credential).getProperties();
    await writeFile(file, 'second');
    await credential.credential.getToken('https://storage.azure.com/.default');
    const proofs = tokens.asked.map(({ body }) => body.get('client_assertion'));
    assert.equal(proofs[0], 'first');
    assert.equal(proofs.at(-1), 'second');
    assert.equal(tokens.asked[0]?.body.get('client_assertion_type'), 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    assert.equal(tokens.asked[0]?.body.has('client_secret'), false);
  });

  it('a refusal names the client and what to check, and no secret', async () => {
    tokens.answer = { status: 401, lifetime: 0 };
    const credential = await findCredential(account, 'Public', settings(principal));
    assert.ok(credential.kind === 'token');
    await assert.rejects(credential.credential.getToken('x'), (error: Error) => {
      assert.match(error.message, /No token for the service principal 66666666.*: invalid_client\. Check AZURE_TENANT_ID/);
      return !error.message.includes('hush');
    });
  });

  it('a service principal signs for single blobs, by a key that the service delegates to it', async () => {
    const shelf = new Shelf(repository, await findCredential(account, 'Public', settings(principal)));
    const expires = new Date(Date.now() + 600_000);
    const run = 'a'.repeat(32);
    const token = await shelf.sign({ kind: 'Upload', blob: shelf.incomingBlob(run) }, expires);
    assert.match(token, /skoid=/);
    const container = containerClient(repository.endpoint, 'models', { kind: 'sas', token });
    await assert.rejects(container.getBlockBlobClient('packages/other').upload('x', 1), { statusCode: 403 });
    await uploadPackage(container, shelf.incomingBlob(run), fromBuffer(bytes), sha256);
    assert.equal((await shelf.list()).uploads.length, 1);
  });
});
