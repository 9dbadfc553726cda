import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { findCredential, settingsFrom } from './credentials.ts';

const key = Buffer.alloc(64, 7).toString('base64');
const other = Buffer.alloc(64, 8).toString('base64');

/** What each way to prove who asks needs, the first of the order first. */
const ways = [
  ['a connection string', 'key', { AZURE_STORAGE_CONNECTION_STRING: `AccountName=models;AccountKey=${key}` }],
  ['an account key', 'key', { AZURE_STORAGE_ACCESS_KEY: other }],
  ['a SAS', 'sas', { AZURE_STORAGE_SAS_TOKEN: '?sv=2022-11-02&sig=abc' }],
  [
    'workload identity',
    'token',
    { AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client', AZURE_FEDERATED_TOKEN_FILE: '/there/is/no/token' },
  ],
  ['a service principal', 'token', { AZURE_CLIENT_SECRET: 'hush' }],
] as const;

const credentialOf = (values: Readonly<Record<string, string>>) => findCredential('models', 'Public', async (name) => values[name]);
const valuesOf = (parts: readonly (typeof ways)[number][]) =>
  Object.assign({}, ...parts.map(([, , values]) => values)) as Record<string, string>;

describe('which credential is used', () => {
  for (const [index, [what, kind]] of ways.slice(0, 4).entries()) {
    it(`${what} before everything that comes after it`, async () => {
      const found = await credentialOf(valuesOf(ways.slice(index)));
      assert.equal(found.kind, kind);
      if (found.kind === 'key') assert.equal(index === 0, Reflect.get(found.credential, 'accountKey').toString('base64') === key);
      // The file is asked for before the secret, so what fails here is the file.
      if (found.kind === 'token') await assert.rejects(found.credential.getToken('x'), { code: 'ENOENT' });
    });
  }

  it('a service principal when there is no token of workload identity', async () => {
    const found = await credentialOf({ AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client', AZURE_CLIENT_SECRET: 'hush' });
    assert.equal(found.kind, 'token');
  });

  it('nothing without anything, and not half a service principal', async () => {
    assert.equal((await credentialOf({})).kind, 'anonymous');
    assert.equal((await credentialOf({ AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client' })).kind, 'anonymous');
    assert.equal((await credentialOf({ AZURE_CLIENT_ID: 'client', AZURE_CLIENT_SECRET: 'hush' })).kind, 'anonymous');
  });

  it('no connection string of another account', async () => {
    const found = await credentialOf({
      AZURE_STORAGE_CONNECTION_STRING: `AccountName=others;AccountKey=${key}`,
      AZURE_STORAGE_SAS_TOKEN: 'sv=1&sig=abc',
    });
    assert.deepEqual(found, { kind: 'sas', token: 'sv=1&sig=abc' });
  });
});

describe('settings from a folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'modelwright-settings-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const settings = settingsFrom({ BOTH: 'environment', BLANK: ' ' }, folder);

  it('are used where the environment has none', async () => {
    for (const [name, text] of Object.entries({ BOTH: 'file', BLANK: 'file\n', EMPTY: '\n' })) writeFileSync(join(folder, name), text);
    assert.deepEqual(await Promise.all(['BOTH', 'BLANK', 'EMPTY', 'NONE'].map(settings)), ['environment', 'file', undefined, undefined]);
  });

  it("are headers for a host, as KServe's Secrets have them", async () => {
    writeFileSync(join(folder, 'https-host'), 'models.example.com\n');
    writeFileSync(join(folder, 'headers'), '{"x-token": "abc"}');
    assert.equal(await settings('models.example.com-headers'), '{"x-token": "abc"}');
    assert.equal(await settings('example.com-headers'), undefined);
    writeFileSync(join(folder, 'example.com-headers'), '{"x-token": "own"}');
    assert.equal(await settings('example.com-headers'), '{"x-token": "own"}');
  });
});
