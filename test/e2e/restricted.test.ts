/** Pod Security `restricted`, enforced where models are: what the operator writes is admitted, and what it was told not to write is explained. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makeModels, type RealModels } from '../packaging/support/models.ts';
import { controlPlane, eventually, get, kubectl } from '../support/cluster.ts';
import { accountHost, container, containerClient } from './support/azure.ts';
import { deploy, predictors, readyReason, untilReady } from './support/model.ts';
import { ask, modelsNamespace, push } from './support/world.ts';

/** What `restricted` asks of each container. */
interface SecurityContext {
  readonly allowPrivilegeEscalation?: boolean;
  readonly runAsNonRoot?: boolean;
  readonly capabilities?: { readonly drop?: readonly string[] };
  readonly seccompProfile?: { readonly type?: string };
}

describe('models in a namespace that enforces restricted', () => {
  let models: RealModels;
  let namespace: Awaited<ReturnType<typeof modelsNamespace>>;
  before(async () => {
    models = await makeModels();
    namespace = await modelsNamespace();
  });
  after(async () => {
    await namespace?.[Symbol.asyncDispose]();
    if (models) await rm(models.folder, { recursive: true, force: true });
  });

  it('is a namespace that refuses a Pod without a security context', async () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'plain' }, spec: { containers: [{ name: 'a', image: 'a:1' }] } };
    await assert.rejects(
      kubectl(['apply', '--dry-run=server', '-n', namespace.name, '-f', '-'], { input: pod }),
      /violates PodSecurity "restricted:latest"/,
    );
  });

  it('serve, and each container of their pods has the whole context', async () => {
    await deploy(namespace.name, 'iris', { storageUri: await push(models.sources.SKLearn) });
    const { addresses } = await untilReady(namespace.name, 'iris');
    const [pod] = await predictors(namespace.name, 'iris');
    const containers = [...(pod?.spec.initContainers ?? []), ...(pod?.spec.containers ?? [])];
    assert.deepEqual(containers.map(({ name }) => name).sort(), ['kserve-container', 'storage-initializer']);
    for (const { name, securityContext = {} } of containers) {
      const { allowPrivilegeEscalation, runAsNonRoot, capabilities, seccompProfile } = securityContext as SecurityContext;
      assert.deepEqual(
        [name, allowPrivilegeEscalation, runAsNonRoot, capabilities?.drop, seccompProfile?.type],
        [name, false, true, ['ALL'], 'RuntimeDefault'],
      );
    }
    const answer = await ask(namespace.name, addresses?.internal?.predictUrl ?? '', { instances: [[5.1, 3.5, 1.4, 0.2]] });
    assert.deepEqual(answer.body, { predictions: [0] });
  });

  it('are downloaded by KServe’s own initializer where it is no package, if the administrator gave that a security context', async () => {
    const blob = containerClient(controlPlane()).getBlockBlobClient('plain/iris/model.joblib');
    await blob.uploadData(await readFile(join(models.sources.SKLearn, 'model.joblib')));
    await deploy(namespace.name, 'stock', { storageUri: `https://${accountHost}/${container}/plain/iris` });
    await untilReady(namespace.name, 'stock');
    const [pod] = await predictors(namespace.name, 'stock');
    assert.match(pod?.spec.initContainers?.[0]?.image ?? '', /\/storage-initializer:/);
    await kubectl(['delete', 'modeldeployment', 'stock', '-n', namespace.name]);
  });

  it('say why no pod comes and what to set, and serve once it is set', async () => {
    const storageUri = await push(models.sources.SKLearn);
    await deploy(namespace.name, 'bare', { storageUri, more: { podSecurity: 'Unset' } });
    const { message } = await readyReason(namespace.name, 'bare', ({ reason }) => reason === 'PodRefused');
    assert.match(message, /violates PodSecurity "restricted:latest".*seccompProfile.*set spec\.podSecurity to Restricted/);
    await deploy(namespace.name, 'bare', { storageUri, more: { podSecurity: 'Restricted' } });
    await untilReady(namespace.name, 'bare');
    await kubectl(['delete', 'modeldeployment', 'bare', '-n', namespace.name]);
  });

  it('get no context of ours when the namespace enforces nothing any more, and keep serving on the way', async () => {
    const contextOf = async () =>
      (await get<{ spec: { predictor: { model: { securityContext?: object } } } }>('inferenceservice', 'iris', namespace.name)).spec
        .predictor.model.securityContext;
    assert.ok(await contextOf());
    await kubectl(['label', 'namespace', namespace.name, 'pod-security.kubernetes.io/enforce-']);
    await eventually(contextOf, (context) => context === undefined);
    const { addresses } = await untilReady(namespace.name, 'iris');
    const answer = await ask(namespace.name, addresses?.internal?.predictUrl ?? '', { instances: [[6.7, 3, 5.2, 2.3]] });
    assert.deepEqual(answer.body, { predictions: [2] });
  });
});
