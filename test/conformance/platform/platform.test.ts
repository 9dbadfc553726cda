/** The ServingPlatform on KServe 0.20 and Knative, with the operator as people run it and the permissions that its ClusterRole gives. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { OperatorProcess } from '../../integration/deployment/operator-process.ts';
import { type ConfigMap, conditionOf, declare, isReady, platformWhere, removePlatform } from '../../integration/platform/objects.ts';
import { ownPlane } from '../../integration/platform/own-plane.ts';
import { apply, eventually, freshNamespace, get, kubectl, list } from '../../support/cluster.ts';

const skipKey = 'registries-skipping-tag-resolving';

interface Revision {
  readonly metadata: { readonly name: string; readonly uid: string; readonly labels: Readonly<Record<string, string>> };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[] };
}

interface Model {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly deploymentMode?: string;
    readonly runtime?: { readonly name?: string; readonly image?: string };
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[];
  };
}

let plane: ControlPlane;
let operator: OperatorProcess;
let namespace: string;

before(async () => {
  plane = await ownPlane('conformance', { nodes: 'fake', kserve: '0.20.0', knative: true });
  namespace = (await freshNamespace('platform')).name;
  operator = await OperatorProcess.start([namespace]);
});
after(async () => {
  await operator?.[Symbol.asyncDispose]();
  await plane?.stop();
});

function model(name: string, spec: object = {}): Promise<Model> {
  return apply<Model>({
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace },
    spec: {
      runtime: { type: 'Triton' },
      source: { storageUri: 'https://models.blob.core.chinacloudapi.cn/cv-models/resnet50.zip' },
      resources: { limits: { cpu: '100m', memory: '128Mi' } },
      ...spec,
    },
  });
}

/** Runs the command line as the administrator; gives what it printed and its exit code. */
async function modelwright(...args: string[]): Promise<{ readonly stdout: string; readonly stderr: string; readonly code: number }> {
  const main = new URL('../../../src/cli/main.ts', import.meta.url).pathname;
  const run = promisify(execFile)(process.execPath, [main, ...args, '--kubeconfig', plane.kubeconfig]);
  return run.then(
    (output) => ({ ...output, code: 0 }),
    ({ stdout, stderr, code }: { stdout: string; stderr: string; code: number }) => ({ stdout, stderr, code }),
  );
}

const readyOf = ({ status }: Model) => status?.conditions?.find(({ type }) => type === 'Ready');
const modelWhere = (name: string, wanted: (model: Model) => boolean) =>
  eventually(() => get<Model>('modeldeployments.modelwright.dev', name, namespace), wanted, 90);
const serving = (image: string) => (model: Model) => readyOf(model)?.status === 'True' && model.status?.runtime?.image === image;
const revisionsOf = async (name: string) =>
  (await list<Revision>('revisions.serving.knative.dev', namespace)).filter(
    ({ metadata }) => metadata.labels['serving.kserve.io/inferenceservice'] === name,
  );
const configDeployment = () => get<ConfigMap>('configmap', 'config-deployment', 'knative-serving');

const stock = 'nvcr.io/nvidia/tritonserver:23.05-py3';
const [first, second] = ['nvcr.io/nvidia/tritonserver:20.10-py3', 'nvcr.io/nvidia/tritonserver:21.09-py3'];

describe('a ServingPlatform', { timeout: 600_000 }, () => {
  let shipped: ConfigMap;

  it('is waited for by a model whose tag Knative cannot resolve', async () => {
    shipped = await configDeployment();
    await model('knative', { deploymentMode: 'Knative' });
    await modelWhere('knative', (seen) => readyOf(seen)?.reason === 'TagNotResolved');
    const [failed] = await eventually(
      () => revisionsOf('knative'),
      (revisions) => revisions.length === 1,
    );
    assert.ok(failed?.status?.conditions?.some(({ reason }) => reason === 'ContainerMissing'));
  });

  it('names the failed Revision and its cause before anything is skipped', async () => {
    await declare({ tagResolution: {} });
    const { status } = await platformWhere(({ status }) => (status?.tagResolution?.failedRevisions.length ?? 0) > 0);
    const [failed] = status?.tagResolution?.failedRevisions ?? [];
    assert.equal(failed?.image, stock);
    assert.match(failed.cause, /nvcr\.io .*(DNS|reach|answer)/);
    assert.ok(Date.parse(failed.nextTryTime ?? '') > Date.parse(failed.since));
    assert.deepEqual((await configDeployment()).data, shipped.data);
  });

  it('lets Knative skip the registry, and frees the failed Revision at once', async () => {
    // Knative tries again by itself 1, 3, 7, 15, 31 s after it made the Revision: only when the next try is far off, it is ours that frees it.
    await platformWhere(({ status }) =>
      (status?.tagResolution?.failedRevisions ?? []).some(({ nextTryTime }) => Date.parse(nextTryTime ?? '') - Date.now() > 12_000),
    );
    const [failed] = await revisionsOf('knative');
    await declare({ tagResolution: { skipRegistries: ['nvcr.io'], retryFailedRevisions: true } });
    await modelWhere('knative', serving(stock));
    const [revision, ...others] = await revisionsOf('knative');
    assert.equal(others.length, 0);
    assert.equal(revision?.metadata.name, failed?.metadata.name);
    assert.notEqual(revision?.metadata.uid, failed?.metadata.uid);
    const { data } = await configDeployment();
    assert.deepEqual(data, { ...shipped.data, [skipKey]: 'kind.local,ko.local,dev.local,nvcr.io' });
    const { status } = await platformWhere(({ status }) => status?.tagResolution?.failedRevisions.length === 0);
    assert.deepEqual(status?.tagResolution?.needed, [{ registry: 'nvcr.io', models: 1, examples: [`${namespace}/knative`] }]);
  });

  it('gives new models of both modes the declared image, and leaves those that serve alone', async () => {
    await model('standard', { deploymentMode: 'Standard' });
    await modelWhere('standard', serving(stock));
    const before = await revisionsOf('knative');
    await declare({ tagResolution: { skipRegistries: ['nvcr.io'] }, runtimes: [{ type: 'Triton', version: '20.10-py3' }] });
    const { status } = await platformWhere(isReady);
    const [runtime] = status?.runtimes ?? [];
    assert.equal(runtime?.managedVia, 'ClusterServingRuntime');
    assert.equal(runtime.image, first);
    await model('new-knative', { deploymentMode: 'Knative' });
    await model('new-standard', { deploymentMode: 'Standard' });
    await modelWhere('new-knative', serving(first));
    await modelWhere('new-standard', serving(first));
    const seen = await platformWhere(({ status }) => status?.summary === '2/4');
    assert.deepEqual(seen.status?.runtimes?.[0]?.models.behind, [`${namespace}/knative`, `${namespace}/standard`]);
    assert.deepEqual(await revisionsOf('knative'), before);
  });

  it('reaches a model with its next change', async () => {
    await model('standard', { deploymentMode: 'Standard', podMetadata: { labels: { changed: 'yes' } } });
    await modelWhere('standard', serving(first));
    await platformWhere(({ status }) => status?.summary === '3/4');
  });

  it('reaches every model one by one when it says Immediate', async () => {
    await declare({
      tagResolution: { skipRegistries: ['nvcr.io'] },
      runtimes: [{ type: 'Triton', version: '21.09-py3' }],
      rollout: { strategy: 'Immediate', maxUnavailable: 1 },
    });
    let mostMoving = 0;
    await eventually(
      async () => {
        const models = await list<Model>('modeldeployments.modelwright.dev', namespace);
        mostMoving = Math.max(mostMoving, models.filter((one) => readyOf(one)?.status !== 'True').length);
        return models.map(({ status }) => status?.runtime?.image);
      },
      (images) => images.every((image) => image === second),
      120,
    );
    assert.ok(mostMoving <= 1, `${mostMoving} models were on their way at once`);
    await platformWhere(({ status }) => status?.summary === '4/4');
    const ours = (await kubectl(['get', 'clusterservingruntimes', '-l', 'modelwright.dev/runtime-type', '-o', 'name'])).trim().split('\n');
    assert.equal(ours.length, 1, `the runtime that nobody uses any more is gone: ${ours}`);
  });

  it('survives that KServe is applied anew: nothing of ours changes', async () => {
    const services = () =>
      list<{ readonly metadata: { readonly generation: number; readonly name: string } }>('inferenceservices', namespace);
    const before = (await services()).map(({ metadata }) => [metadata.name, metadata.generation]);
    const shippedRuntime = await get<{ metadata: object }>('clusterservingruntime', 'kserve-tritonserver');
    const { metadata: _, ...rest } = shippedRuntime;
    await kubectl(['replace', '-f', '-'], {
      input: {
        ...rest,
        metadata: { name: 'kserve-tritonserver', annotations: (shippedRuntime.metadata as { annotations?: object }).annotations },
      },
    });
    await kubectl(['annotate', 'clusterservingruntime', 'kserve-tritonserver', 'helm.sh/resource-policy=keep']);
    await platformWhere(isReady);
    assert.deepEqual(
      (await services()).map(({ metadata }) => [metadata.name, metadata.generation]),
      before,
    );
  });

  it('is read and changed from the command line', async () => {
    const images = await modelwright('images', 'ls');
    assert.match(
      images.stdout,
      /^TYPE +VERSION +IMAGE IN EFFECT.*\nTriton +21\.09-py3 +nvcr\.io\/nvidia\/tritonserver:21\.09-py3 .*ClusterServingRuntime modelwright-triton-\w+ +4\/4/,
    );
    assert.deepEqual(await modelwright('platform', 'diff'), { stdout: 'Everything is as declared.\n', stderr: '', code: 0 });

    const wanted = {
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ServingPlatform',
      metadata: { name: 'default' },
      spec: { runtimes: [{ type: 'Triton', version: '20.10-py3' }] },
    };
    const file = join(mkdtempSync(join(tmpdir(), 'platform-')), 'platform.json');
    writeFileSync(file, JSON.stringify(wanted));
    const diff = await modelwright('platform', 'diff', '-f', file);
    assert.equal(diff.code, 1);
    assert.match(diff.stdout, /ClusterServingRuntime modelwright-triton-\w+ +image +\S+:20\.10-py3 +\S+:21\.09-py3/);
    assert.match(
      diff.stdout,
      new RegExp(
        `Models that would come to another image: ${namespace}/knative, ${namespace}/new-knative, ${namespace}/new-standard, ${namespace}/standard\n`,
      ),
    );

    assert.equal((await modelwright('tag-resolution', 'add', 'quay.io')).stdout, 'declared: nvcr.io, quay.io\n');
    await platformWhere(isReady);
    const shown = await modelwright('tag-resolution', 'show');
    assert.match(shown.stdout, /\nkind\.local +others.*\n(.*\n)*nvcr\.io +ServingPlatform +2 +.*\nquay\.io +ServingPlatform/);
    const refused = await modelwright('tag-resolution', 'add', 'docker.io');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /write index\.docker\.io/);
    assert.equal((await modelwright('tag-resolution', 'remove', 'quay.io')).stdout, 'declared: nvcr.io\n');
    assert.match((await modelwright('tag-resolution', 'remove', 'kind.local')).stderr, /not ours to remove/);

    await modelwright('images', 'set', 'Triton', '20.10-py3');
    await modelWhere('standard', serving(first));
    await platformWhere(({ status }) => status?.summary === '4/4');
    await modelwright('images', 'set', 'Triton', 'nvcr.io/nvidia/tritonserver:21.09-py3');
    await platformWhere(({ status }) => status?.summary === '4/4' && status.runtimes?.[0]?.image === second);
  });

  it('brings pull secrets to the pods of both modes, and so to the resolver of Knative', async () => {
    await declare({
      tagResolution: { skipRegistries: ['nvcr.io'] },
      runtimes: [{ type: 'Triton', version: '21.09-py3', imagePullSecrets: ['nvcr'] }],
      rollout: { strategy: 'Immediate', maxUnavailable: 4 },
    });
    await platformWhere(({ status }) => status?.summary === '4/4');
    interface Pod {
      readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly deletionTimestamp?: string };
      readonly spec: { readonly imagePullSecrets?: readonly { readonly name: string }[] };
    }
    for (const name of ['new-knative', 'new-standard']) {
      await eventually(
        async () =>
          (await list<Pod>('pods', namespace)).filter(({ metadata }) => metadata.labels['serving.kserve.io/inferenceservice'] === name),
        (pods) =>
          pods.some(
            ({ metadata, spec }) => metadata.deletionTimestamp === undefined && spec.imagePullSecrets?.some((one) => one.name === 'nvcr'),
          ),
      );
    }
  });

  it('says in plain words what cannot be had: a runtime that is not there, while the other goes on', async () => {
    await kubectl(['delete', 'clusterservingruntime', 'kserve-lgbserver']);
    await declare({
      tagResolution: { skipRegistries: ['nvcr.io'] },
      runtimes: [
        { type: 'Triton', version: '21.09-py3' },
        { type: 'LightGBM', version: 'v0.20.0' },
      ],
    });
    const platform = await platformWhere((seen) => conditionOf(seen, 'Ready')?.status === 'False');
    assert.equal(conditionOf(platform, 'Ready')?.reason, 'RuntimeMissing');
    assert.match(conditionOf(platform, 'RuntimesReady')?.message ?? '', /kserve-lgbserver.*install it as KServe ships it/);
    assert.equal(conditionOf(platform, 'TagResolutionReady')?.status, 'True');
    await modelWhere('new-standard', serving(second));
  });

  it('gives the default mode to new models, and leaves those there in theirs', async () => {
    await declare({ tagResolution: { skipRegistries: ['nvcr.io'] }, kserve: { defaultDeploymentMode: 'Knative' } });
    await platformWhere(isReady);
    await model('modeless');
    await modelWhere('modeless', ({ status }) => status?.deploymentMode === 'Knative');
    await declare({ tagResolution: { skipRegistries: ['nvcr.io'] }, kserve: { defaultDeploymentMode: 'Standard' } });
    await platformWhere(isReady);
    await model('modeless-2');
    await modelWhere('modeless-2', ({ status }) => status?.deploymentMode === 'Standard');
    assert.equal((await get<Model>('modeldeployments.modelwright.dev', 'modeless', namespace)).status?.deploymentMode, 'Knative');
  });

  it('holds its policy at once, and without it the flags of the operator', async () => {
    await model('account', { deploymentMode: 'Standard', serviceAccountName: 'trainer' });
    await modelWhere('account', (seen) => readyOf(seen)?.reason === 'ServiceAccountNotAllowed');
    await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'trainer', namespace } });
    await declare({ tagResolution: { skipRegistries: ['nvcr.io'] }, policy: { serviceAccounts: ['trainer'] } });
    await modelWhere('account', (seen) => readyOf(seen)?.status === 'True');
    await declare({ tagResolution: { skipRegistries: ['nvcr.io'] } });
    await modelWhere('account', (seen) => readyOf(seen)?.reason === 'ServiceAccountNotAllowed');
  });

  it('takes everything back when it is deleted', async () => {
    await kubectl(['delete', 'modeldeployment.modelwright.dev', 'account', '-n', namespace]);
    await declare({ tagResolution: { skipRegistries: ['nvcr.io'] }, runtimes: [{ type: 'Triton', version: '20.10-py3' }] });
    await platformWhere(isReady);
    await removePlatform();
    const { data, metadata } = await configDeployment();
    assert.deepEqual(data, shipped.data);
    assert.deepEqual(metadata.annotations, shipped.metadata.annotations);
    await modelWhere('new-standard', serving(stock));
    assert.equal((await kubectl(['get', 'clusterservingruntimes', '-l', 'modelwright.dev/runtime-type', '-o', 'name'])).trim(), '');
  });

  it('makes the operator write no line of level error', () => assert.deepEqual(operator.errors(), []));
});
