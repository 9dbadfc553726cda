import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isAtLeast, type KServeVersion, parseKServeVersion, printVersion } from './kserve-version.ts';
import { parseStorageUri, type StorageRoute } from './storage-uri.ts';
import { lintStorageUri, type StorageUriContext } from './storage-uri-lint.ts';

const v = (minor: number): KServeVersion => ({ major: 0, minor });
const old: KServeVersion = 'kfserving-0.6';
const digest = 'a'.repeat(64);

describe('the route that KServe takes for a storageUri', () => {
  const table: [string, KServeVersion, StorageRoute][] = [
    ['https://acct.blob.core.windows.net/models/iris', v(20), 'AzureBlob'],
    ['https://acct.blob.core.windows.net:443/models/iris', v(20), 'HTTP'],
    ['http://acct.blob.core.windows.net/models/iris.zip', v(20), 'HTTP'],
    ['https://acct.blob.core.chinacloudapi.cn/models/iris.zip', v(20), 'HTTP'],
    ['https://acct.blob.core.usgovcloudapi.net/models/iris.zip', v(20), 'HTTP'],
    ['https://acct.z12.blob.storage.azure.net/models/iris', v(14), 'AzureBlob'],
    ['https://acct.z12.blob.storage.azure.net/models/iris', v(13), 'HTTP'],
    ['https://example.com/mirror/acct.blob.core.windows.net/models/iris', v(20), 'AzureBlob'],
    ['https://acct.file.core.windows.net/share/iris', v(9), 'AzureFile'],
    ['https://raw.githubusercontent.com/o/r/main/x.zip', v(17), 'Git'],
    ['https://raw.githubusercontent.com/o/r/main/x.zip', v(16), 'HTTP'],
    ['https://acct.blob.core.windows.net/models/x.git/y', v(20), 'AzureBlob'],
    ['hf://org/model', v(14), 'HuggingFace'],
    ['hf://org/model', v(13), 'Unsupported'],
    ['hdfs://nn/models', v(9), 'HDFS'],
    ['hdfs://nn/models', old, 'Unsupported'],
    ['pvc://claim/path', v(7), 'PVC'],
    ['s3://bucket/key', old, 'S3'],
    ['gs://bucket/key', old, 'GCS'],
    ['ftp://host/file', v(20), 'Unsupported'],
    ['models/iris', v(20), 'Local'],
    ['https://example.com', v(20), 'Unsupported'],
  ];
  for (const [uri, version, route] of table) {
    it(`${printVersion(version)}: ${uri} is ${route}`, () => assert.equal(parseStorageUri(uri, version).route, route));
  }

  it('never fails and never shows a query value, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.constantFrom(old, v(7), v(20)), (text, version) => {
        parseStorageUri(text, version);
        lintStorageUri(text, version);
      }),
    );
  });
});

describe('findings about a storageUri', () => {
  const codes = (uri: string, version: KServeVersion, context?: StorageUriContext) =>
    lintStorageUri(uri, version, context).map((finding) => finding.code);
  const table: [string, KServeVersion, string[], StorageUriContext?][] = [
    [`https://acct.blob.core.windows.net/models/packages/${digest}`, v(20), []],
    [`https://acct.blob.core.windows.net/models/packages/${digest}/`, v(7), ['MW-L0726']],
    [`https://acct.blob.core.windows.net/models/packages/${digest}`, old, ['MW-L0723']],
    [`https://acct.blob.core.chinacloudapi.cn/models/packages/${digest}/model.zip`, v(9), []],
    [`https://acct.blob.core.chinacloudapi.cn/models/packages/${digest}/`, v(9), ['MW-L0734']],
    ['', v(20), ['MW-L0701']],
    [' https://acct.blob.core.chinacloudapi.cn/m/x.zip', old, ['MW-L0702']],
    ['https://acct.blob.core.chinacloudapi.cn/m/x y.zip', v(20), ['MW-L0703']],
    ['https://user:pass@example.com/m/x.zip', v(20), ['MW-L0704']],
    ['https://acct.blob.core.chinacloudapi.cn/m/x.zip?sv=1&sig=abc', v(20), ['MW-L0705']],
    ['https://example.com/m/x.zip?version=3', v(20), ['MW-L0706']],
    ['https://example.com/m/x.zip#part', v(20), ['MW-L0707']],
    ['https://example.com/m/../x.zip', v(20), ['MW-L0708']],
    ['ftp://example.com/x.zip', v(20), ['MW-L0710']],
    ['acct.blob.core.windows.net/models/iris', v(20), ['MW-L0711']],
    ['https://github.com/o/r.git', v(20), ['MW-L0712']],
    ['pvc://', v(20), ['MW-L0713']],
    ['https://example.com/a.blob.core.windows.net/c/d', v(20), ['MW-L0720']],
    ['https://acct.blob.core.windows.net/models/', v(20), ['MW-L0721']],
    ['https://acct.blob.core.windows.net/models/x.zip', v(12), ['MW-L0722']],
    ['https://acct.blob.core.windows.net/models/x.zip', old, ['MW-L0722']],
    ['https://acct.blob.core.windows.net/models/foo', v(20), ['MW-L0724']],
    ['https://acct.blob.core.windows.net/models/x.zip', v(13), ['MW-L0725']],
    ['http://acct.blob.core.windows.net/models/x.zip', v(20), ['MW-L0730']],
    ['https://acct.blob.core.windows.net:443/models/x.zip', v(20), ['MW-L0731']],
    ['https://acct.z1.blob.storage.azure.net/models/x.zip', v(13), ['MW-L0732']],
    ['https://acct.blob.core.chinacloudapi.cn/m/x.zip', v(10), ['MW-L0733'], { isPrivate: true }],
    ['https://acct.blob.core.chinacloudapi.cn/m/x.zip', v(11), [], { isPrivate: true, modelwrightFetch: true }],
    ['https://example.com/models/model.joblib', v(20), ['MW-L0735']],
    ['https://example.com/models/model.mar', v(20), ['MW-L0735', 'MW-L0736']],
  ];
  for (const [uri, version, expected, context] of table) {
    it(`${printVersion(version)}: ${JSON.stringify(uri)} gives ${expected.join(', ') || 'nothing'}`, () => {
      assert.deepEqual(codes(uri, version, context), expected);
    });
  }

  it('shows no signature, no password and no other query value', () => {
    const uri = 'https://user:hunter2@acct.blob.core.chinacloudapi.cn/m/x.zip?sv=2021&sig=s3cr3t%3D&other=hidden';
    const text = JSON.stringify(lintStorageUri(uri, v(20))) + JSON.stringify({ ...parseStorageUri(uri, v(20)), uri: undefined });
    for (const secret of ['hunter2', 's3cr3t', 'hidden', '2021']) assert.ok(!text.includes(secret), secret);
  });
});

describe('a KServe version', () => {
  it('reads the ways people write it', () => {
    assert.deepEqual(parseKServeVersion('v0.15.2'), v(15));
    assert.deepEqual(parseKServeVersion('kserve-0.7'), v(7));
    assert.equal(parseKServeVersion('0.6.1'), old);
    assert.equal(parseKServeVersion('kfserving-0.6'), old);
    assert.equal(parseKServeVersion('latest'), undefined);
  });
  it('orders KFServing 0.6 before every KServe and 1.0 after 0.20', () => {
    assert.equal(isAtLeast(old, 0, 7), false);
    assert.equal(isAtLeast({ major: 1, minor: 0 }, 0, 20), true);
  });
});
