/**
 * Secrets of a tenant, in use on real pods: they are in Secrets and nowhere else. And secrets that a model server prints into its log as it
 * dies: the operator reads that log, tells its end, and leaves them out.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ModelProfile } from '../../src/api/model-profile/index.ts';
import { makeModels, type RealModels } from '../packaging/support/models.ts';
import { apply, controlPlane, eventually, get, kubectl, list } from '../support/cluster.ts';
import { toldSecrets } from '../support/secret-forms.ts';
import { everywhere, leaks, logFiles, type Planted } from './support/leaks.ts';
import { deploy, readyReason, untilReady } from './support/model.ts';
import { modelsNamespace, push, SYSTEM } from './support/world.ts';

const planted: Planted[] = [];
/** A secret that is nowhere else, remembered under this name. */
function plant(name: string): string {
  const value = `planted+${createHash('sha256').update(name).digest('base64').slice(0, 30)}`;
  planted.push({ name, value });
  return value;
}

const told = toldSecrets();

/** Fails to load, and prints every form of a secret before: in the last 30 lines, which the operator reads. */
function server(secrets: typeof told): string {
  const lines = secrets.map(({ text }) => text.replaceAll('\n', ' '));
  return `import sys


class TritonPythonModel:
    def initialize(self, args):
        raise RuntimeError("the server cannot start\\n" + "\\n".join(${JSON.stringify(lines)}))
`;
}

const config = `name: "leaky"
backend: "python"
input [ { name: "x" data_type: TYPE_FP32 dims: [ 4 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 4 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
`;

describe('secrets in the cluster', () => {
  let models: RealModels;
  let namespace: Awaited<ReturnType<typeof modelsNamespace>>;
  let name: string;
  const folders: string[] = [];
  before(async () => {
    models = await makeModels();
    folders.push(models.folder);
    namespace = await modelsNamespace();
    ({ name } = namespace);
  });
  after(async () => {
    await namespace?.[Symbol.asyncDispose]();
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  });

  it('a tenant has many, and models and measurements use them', async () => {
    await apply(tenantSecrets(name));
    const storageUri = await push(models.sources.SKLearn);
    await deploy(name, 'quiet', { storageUri, more: { imagePullSecrets: [{ name: 'registry' }] } });
    await untilReady(name, 'quiet');
    await deploy(name, 'lost', { storageUri: storageUri.replace(/[0-9a-f]{64}/, '0'.repeat(64)) });
    await readyReason(name, 'lost', ({ reason }) => reason === 'DownloadFailed');
    await apply({
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ModelProfile',
      metadata: { name: 'quiet', namespace: name },
      spec: {
        target: { modelDeployment: 'quiet', tokenSecretRef: { name: 'token', key: 'token' } },
        placement: 'SameNode',
        payload: { json: '{"instances": [[5.1, 3.5, 1.4, 0.2]]}' },
        sweep: { concurrency: [1] },
        load: { warmupSeconds: 1, durationSeconds: 3 },
      },
    });
    const { status } = await eventually(
      () => get<ModelProfile>('modelprofile', 'quiet', name),
      (profile) => ['Complete', 'Failed', 'Cancelled'].includes(profile.status?.run?.state ?? ''),
      420,
    );
    assert.equal(status?.run?.state, 'Complete', JSON.stringify(status));
  });

  it('none of them is in a log, an object, an event, a status, an argument, a variable of a pod or a metric', async () => {
    assert.ok(planted.length >= 10, `${planted.length} secrets`);
    assert.deepEqual(await leaks(controlPlane(), [...planted, ...everywhere]), []);
  });

  it('the search would see one', async () => {
    const plane = controlPlane();
    assert.ok(
      logFiles(plane).some((file) => file.includes('/pods/')),
      'logs of pods',
    );
    const public_ = { name: 'what a status says', value: 'modelwright.dev/v1alpha1' };
    const places = (await leaks(plane, [public_])).map(({ where }) => where);
    for (const place of ['logs/audit.log', 'objects of kind modeldeployments.modelwright.dev'])
      assert.ok(places.includes(place), `${place} is not among ${places.join(', ')}`);
  });

  it('what a server prints as it dies is told without the secrets in it', async () => {
    const half = Math.ceil(told.length / 2);
    for (const [model, secrets] of [
      ['leaky-a', told.slice(0, half)],
      ['leaky-b', told.slice(half)],
    ] as const) {
      const folder = await mkdtemp(join(tmpdir(), 'modelwright-leaky-'));
      folders.push(folder);
      await mkdir(join(folder, 'leaky/1'), { recursive: true });
      await writeFile(join(folder, 'leaky/1/model.py'), server(secrets));
      await writeFile(join(folder, 'leaky/config.pbtxt'), config);
      await deploy(name, model, { storageUri: await push(folder), runtime: 'Triton', memory: '768Mi' });
      const { message } = await readyReason(name, model, ({ reason }) => reason === 'CrashLoop');
      assert.match(message, /REDACTED/, 'the end of the log was read');
    }
    const logs = await list<{ metadata: { name: string } }>('pods', SYSTEM);
    const ours = [
      ...(await Promise.all(logs.map(({ metadata }) => kubectl(['logs', '-n', SYSTEM, metadata.name])))),
      JSON.stringify(await list('modeldeployments', name)),
      JSON.stringify((await list<{ reportingComponent?: string }>('events', name)).filter(isOurs)),
    ];
    for (const { form, secret } of told) assert.ok(!ours.some((text) => text.includes(secret)), form);
  });
});

function isOurs({ reportingComponent = '' }: { readonly reportingComponent?: string }): boolean {
  return reportingComponent.startsWith('modelwright.dev/');
}

/** What a tenant keeps: passwords of registries, keys and tokens of stores that KServe hands to downloads, and a token for requests. */
function tenantSecrets(namespace: string): object[] {
  const registries = ['registry.example', 'mirror.example:5000', 'nvcr.io'].map((host) => {
    const password = plant(`password of ${host}`);
    const auth = Buffer.from(`robot:${password}`).toString('base64');
    planted.push({ name: `login of ${host}`, value: auth });
    return [host, { username: 'robot', password, auth, identitytoken: plant(`identity token of ${host}`) }] as const;
  });
  const secret = (name: string, stringData: object, more: object = {}) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    stringData,
    ...more,
  });
  return [
    secret(
      'registry',
      { '.dockerconfigjson': JSON.stringify({ auths: Object.fromEntries(registries) }) },
      { type: 'kubernetes.io/dockerconfigjson' },
    ),
    secret('s3', { AWS_ACCESS_KEY_ID: plant('S3 key id'), AWS_SECRET_ACCESS_KEY: plant('S3 secret key') }),
    secret('hub', { HF_TOKEN: plant('token of a model hub') }),
    secret('token', { token: plant('token for requests') }),
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace },
      secrets: ['storage', 's3', 'hub'].map((name) => ({ name })),
    },
  ];
}
