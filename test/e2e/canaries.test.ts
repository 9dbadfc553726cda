/**
 * Secrets of a tenant, in use on real pods: they are in Secrets and nowhere else. And secrets that a model server prints into its log as it
 * dies: the operator reads that log, tells its end, and leaves them out.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ModelDeployment } from '../../src/api/model-deployment/index.ts';
import type { ModelProfile } from '../../src/api/model-profile/index.ts';
import { apply, controlPlane, eventually, get, kubectl, list } from '../support/cluster.ts';
import { toldSecrets } from '../support/secret-forms.ts';
import { pushEnvironment } from './support/azure.ts';
import { everywhere, leaks, logFiles, type Planted } from './support/leaks.ts';
import { deploy, readyReason, untilReady } from './support/model.ts';
import { modelwright, push, SYSTEM, useModels } from './support/world.ts';

const planted: Planted[] = [];
/** A secret that is nowhere else, remembered under this name. */
function plant(name: string): string {
  const value = `planted+${createHash('sha256').update(name).digest('base64').slice(0, 30)}`;
  planted.push({ name, value });
  return value;
}

/** Private keys last: what follows the beginning of one is left out to the end. */
const told = toldSecrets().toSorted((a, b) => Number(a.form.includes('KEY---')) - Number(b.form.includes('KEY---')));

/**
 * A pickle that is no model: loading it ends the server, with every form of a secret in the last line of its log.
 * The text is that of pickle's protocol 0: call builtins.exec with one argument.
 */
function hostile(secrets: typeof told): string {
  const words = secrets.map(({ text }) => text.replaceAll('\n', ' ')).join(' | ');
  return `cbuiltins\nexec\n(Vraise RuntimeError(${JSON.stringify(words)})\ntR.`;
}

describe('secrets in the cluster', () => {
  const models = useModels();
  const folders: string[] = [];
  let name: string;
  before(() => {
    name = models.namespace;
  });
  after(async () => {
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
      await writeFile(join(folder, 'model.joblib'), hostile(secrets));
      // Who packages it is told what it is, and has to insist.
      const args = ['push', folder, '--to', 'az://modelwright/models/packages', '--force'];
      const storageUri = (await modelwright(args, pushEnvironment(controlPlane()))).trim();
      await deploy(name, model, { storageUri });
      const { status } = await eventually(
        () => get<ModelDeployment>('modeldeployment', model, name),
        (seen) => seen.status?.lastError?.logTail?.includes('REDACTED') === true,
        300,
      );
      assert.match(status?.lastError?.logTail ?? '', /a\.blob\.core\.windows\.net|clientSecret/, 'what is no secret is told');
    }
    const operators = await list<{ metadata: { name: string } }>('pods', SYSTEM);
    const events = (await list<{ reportingComponent?: string }>('events', name)).filter(isOurs);
    assert.ok(events.length > 0);
    const ours = [
      ...(await Promise.all(operators.map(({ metadata }) => kubectl(['logs', '-n', SYSTEM, metadata.name])))),
      JSON.stringify(await list('modeldeployments', name)),
      JSON.stringify(events),
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
