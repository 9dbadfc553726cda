import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type Downloader, downloadSettings, secretKeysOf } from './download-secrets.ts';

const work = mkdtempSync(join(tmpdir(), 'modelwright-secrets-'));
after(() => rmSync(work, { recursive: true, force: true }));
let made = 0;

/** Mounts these Secrets as the Job has them, and gives the settings that are not empty. */
async function given(downloader: Downloader, secrets: readonly Readonly<Record<string, string>>[], environment: NodeJS.ProcessEnv = {}) {
  made += 1;
  const folder = join(work, String(made));
  for (const [index, secret] of secrets.entries()) {
    mkdirSync(join(folder, String(index)), { recursive: true });
    for (const [key, value] of Object.entries(secret)) writeFileSync(join(folder, String(index), key), value);
  }
  // The kubelet's own, beside what was asked for.
  if (secrets.length > 0) mkdirSync(join(folder, '..2026_11_21'));
  const { settings, means } = await downloadSettings(downloader, secrets.length === 0 ? undefined : folder, environment);
  const names = ['AZURE_STORAGE_ACCESS_KEY', 'AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET', 'AZURE_FEDERATED_TOKEN_FILE'];
  const values = await Promise.all(
    [...names, 'AZURE_STORAGE_CONNECTION_STRING', 'a.example-headers'].map(async (name) => [name, await settings(name)]),
  );
  return { values: Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Record<string, string>, means };
}

const identity = { AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client', AZURE_CLIENT_SECRET: 'secret' };
const legacy = { AZ_TENANT_ID: 'tenant', AZ_CLIENT_ID: 'client', AZ_CLIENT_SECRET: 'secret' };
const workload = { AZURE_TENANT_ID: 'T', AZURE_CLIENT_ID: 'C', AZURE_FEDERATED_TOKEN_FILE: '/token' };

describe('what a download is given of Secrets', () => {
  it('nothing where there are none', async () => {
    assert.deepEqual(await given('kserve-azure', []), { values: {}, means: undefined });
    assert.deepEqual(await given('modelwright', [{}]), { values: {}, means: undefined });
  });

  it('an access key, which may be a signature', async () => {
    const { values, means } = await given('kserve-azure', [{ AZURE_STORAGE_ACCESS_KEY: 'sv=1&sig=x\n' }]);
    assert.deepEqual([values, means], [{ AZURE_STORAGE_ACCESS_KEY: 'sv=1&sig=x' }, 'AZURE_STORAGE_ACCESS_KEY']);
  });

  it('an identity, in the names of today and of before', async () => {
    for (const secret of [identity, legacy]) {
      const { values, means } = await given('kserve-azure', [secret]);
      assert.deepEqual([values, means], [identity, 'the client id client']);
    }
  });

  it('of two Secrets what the later one says', async () => {
    const { values } = await given('modelwright', [{ AZURE_STORAGE_ACCESS_KEY: 'first' }, { AZURE_STORAGE_ACCESS_KEY: 'second' }]);
    assert.equal(values['AZURE_STORAGE_ACCESS_KEY'], 'second');
  });

  it('to KServe the identity rather than the key, and its secret rather than a token; to our own program all of it', async () => {
    const secrets = [{ ...identity, AZURE_STORAGE_ACCESS_KEY: 'key' }];
    assert.deepEqual((await given('kserve-azure', secrets, workload)).values, identity);
    assert.deepEqual((await given('modelwright', secrets, workload)).values, {
      ...identity,
      AZURE_STORAGE_ACCESS_KEY: 'key',
      AZURE_FEDERATED_TOKEN_FILE: '/token',
    });
  });

  it('workload identity from the environment, and nothing else from there', async () => {
    const environment = { ...workload, AZURE_STORAGE_ACCESS_KEY: 'of the image', AZURE_STORAGE_CONNECTION_STRING: 'of the image' };
    assert.deepEqual((await given('kserve-azure', [], environment)).values, workload);
  });

  it('to a plain download headers for a host, and nothing of Azure', async () => {
    const secrets = [{ 'https-host': 'a.example', headers: '{"x": "y"}' }, { AZURE_STORAGE_ACCESS_KEY: 'key' }];
    const { values, means } = await given('kserve-http', secrets, workload);
    assert.deepEqual([values, means], [{ 'a.example-headers': '{"x": "y"}' }, 'headers for a.example']);
  });

  it('no word of a secret in what is said of it', async () => {
    const { means } = await given('modelwright', [
      { ...identity, AZURE_STORAGE_ACCESS_KEY: 'hush' },
      { 'https-host': 'a.example', headers: 'psst' },
    ]);
    assert.doesNotMatch(means ?? '', /hush|psst|secret/);
  });
});

describe('which keys of a Secret are mounted', () => {
  it('those that the KServe uses, by its version', () => {
    assert.deepEqual(secretKeysOf('kserve-http', { major: 0, minor: 20 }), ['https-host', 'headers']);
    assert.deepEqual(secretKeysOf('kserve-azure', { major: 0, minor: 8 }), Object.keys(legacy));
    assert.deepEqual(secretKeysOf('kserve-azure', { major: 0, minor: 9 }), [...Object.keys(legacy), 'AZURE_STORAGE_ACCESS_KEY']);
    assert.deepEqual(secretKeysOf('modelwright', { major: 0, minor: 11 }), [
      ...Object.keys(legacy),
      'AZURE_STORAGE_ACCESS_KEY',
      ...Object.keys(identity),
    ]);
  });
});
