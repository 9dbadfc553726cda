import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dialectOf } from '../../../kserve/dialect.ts';
import { newestKServe } from '../../../models/kserve-version.ts';
import { aDeployment } from '../testing/objects.ts';
import { renderJob } from './job.ts';
import { downloaderOf, readerOf } from './reader.ts';
import type { ServiceAccountObject } from './resources.ts';
import { taskOf } from './task.ts';

const sha256 = 'a'.repeat(64);
const storageUri = `https://models.blob.core.windows.net/models/${sha256}`;
const china = `https://models.blob.core.chinacloudapi.cn/models/${sha256}/model.zip`;
const newest = dialectOf(newestKServe);
const withOurs = { ...newest, hasStorageContainer: true };
const accountWith = (...secrets: readonly string[]): ServiceAccountObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'default' },
  secrets: secrets.map((name) => ({ name })),
});

describe('who downloads a model', () => {
  for (const [what, uri, dialect, expected] of [
    ['a package on Azure', storageUri, newest, 'kserve-azure'],
    ['a package on Azure, with our storage container', storageUri, withOurs, 'modelwright'],
    [
      'a package on Azure, with our storage container and a KServe that knows none',
      storageUri,
      { ...withOurs, version: { major: 0, minor: 9 } },
      'kserve-azure',
    ],
    ['a package in China', china, newest, 'kserve-http'],
    ['a package in China, with our storage container', china, withOurs, 'modelwright'],
    ['an archive on a web server', 'https://example.com/iris.zip', withOurs, 'kserve-http'],
  ] as const) {
    it(`${what}: ${expected}`, () => assert.equal(downloaderOf(uri, dialect), expected));
  }
});

describe('the Job that reads as the pods of a model', () => {
  const podOf = (spec: object, account: ServiceAccountObject, uri = storageUri) => {
    const deployment = aDeployment({ spec: { source: { storageUri: uri, verify: true }, ...spec } });
    const task = taskOf(deployment);
    assert.ok(task?.kind === 'Verify');
    const reader = readerOf(deployment, uri, account, newest);
    const options = { deployment, task, attempt: 1, run: 'f'.repeat(32), image: 'modelwright:1', settings: undefined, sourceHosts: [] };
    const job = renderJob({ ...options, reader, kserveVersion: '0.20' });
    return job.spec?.['template'] as {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly serviceAccountName: string;
        readonly automountServiceAccountToken: boolean;
        readonly containers: readonly { readonly args: readonly string[]; readonly volumeMounts: readonly object[] }[];
        readonly volumes: readonly { readonly name: string; readonly projected?: { readonly sources: readonly object[] } }[];
      };
    };
  };

  it('has of each Secret of the service account the keys of that download and no others, in its order', () => {
    const { spec } = podOf({ serviceAccountName: 'reader' }, accountWith('b', 'a'));
    assert.deepEqual([spec.serviceAccountName, spec.automountServiceAccountToken], ['reader', false]);
    const keys = [
      ...['AZ_TENANT_ID', 'AZ_CLIENT_ID', 'AZ_CLIENT_SECRET'],
      ...['AZURE_STORAGE_ACCESS_KEY', 'AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET'],
    ];
    assert.deepEqual(
      spec.volumes.find(({ name }) => name === 'credentials')?.projected?.sources,
      ['b', 'a'].map((name, index) => ({
        secret: { name, optional: true, items: keys.map((key) => ({ key, path: `${index}/${key}` })) },
      })),
    );
    const args = spec.containers[0]?.args ?? [];
    for (const arg of ['--downloader=kserve-azure', '--service-account=reader', '--credentials=/credentials'])
      assert.ok(args.includes(arg), `${arg} is not in ${args.join(' ')}`);
  });

  it('has headers for a host where KServe downloads without Azure', () => {
    const { spec } = podOf({}, accountWith('a'), china);
    assert.deepEqual(spec.volumes.find(({ name }) => name === 'credentials')?.projected?.sources, [
      {
        secret: {
          name: 'a',
          optional: true,
          items: [
            { key: 'https-host', path: '0/https-host' },
            { key: 'headers', path: '0/headers' },
          ],
        },
      },
    ]);
  });

  it('mounts nothing where the service account names no Secret', () => {
    const { spec } = podOf({}, accountWith());
    assert.deepEqual([spec.serviceAccountName, spec.volumes.map(({ name }) => name)], ['default', ['work']]);
    assert.ok(!spec.containers[0]?.args.some((arg) => arg.startsWith('--credentials')));
  });

  it("asks for Azure's workload identity where the pods of the model do", () => {
    const labels = { 'azure.workload.identity/use': 'true', team: 'vision' };
    const asked = podOf({ podMetadata: { labels } }, accountWith()).metadata.labels;
    assert.deepEqual([asked['azure.workload.identity/use'], asked['team']], ['true', undefined]);
    assert.equal(podOf({}, accountWith()).metadata.labels['azure.workload.identity/use'], undefined);
    assert.equal(podOf({ podMetadata: { labels } }, accountWith(), china).metadata.labels['azure.workload.identity/use'], undefined);
  });
});
