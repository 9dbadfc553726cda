/** Pod Security `restricted`, enforced where models are: what the operator writes is admitted, and what it was told not to write is explained. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { controlPlane, eventually, get, kubectl } from '../support/cluster.ts';
import { accountHost, container, containerClient } from './support/azure.ts';
import { tellsFlowersApart } from './support/flowers.ts';
import { deploy, predictors, readyReason, untilReady } from './support/model.ts';
import { push, useModels } from './support/world.ts';

/** What `restricted` asks of each container. */
interface SecurityContext {
  readonly allowPrivilegeEscalation?: boolean;
  readonly runAsNonRoot?: boolean;
  readonly capabilities?: { readonly drop?: readonly string[] };
  readonly seccompProfile?: { readonly type?: string };
}

describe('models in a namespace that enforces restricted', () => {
  const models = useModels();

  it('is a namespace that refuses a Pod without a security context', async () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'plain' }, spec: { containers: [{ name: 'a', image: 'a:1' }] } };
    await assert.rejects(
      kubectl(['apply', '--dry-run=server', '-n', models.namespace, '-f', '-'], { input: pod }),
      /violates PodSecurity "restricted:latest"/,
    );
  });

  it('serve, and each container of their pods has the whole context', async () => {
    await deploy(models.namespace, 'iris', { storageUri: await push(models.sources.SKLearn) });
    await untilReady(models.namespace, 'iris');
    const [pod] = await predictors(models.namespace, 'iris');
    const containers = [...(pod?.spec.initContainers ?? []), ...(pod?.spec.containers ?? [])];
    assert.deepEqual(containers.map(({ name }) => name).sort(), ['kserve-container', 'storage-initializer']);
    for (const { name, securityContext = {} } of containers) {
      const { allowPrivilegeEscalation, runAsNonRoot, capabilities, seccompProfile } = securityContext as SecurityContext;
      assert.deepEqual(
        [name, allowPrivilegeEscalation, runAsNonRoot, capabilities?.drop, seccompProfile?.type],
        [name, false, true, ['ALL'], 'RuntimeDefault'],
      );
    }
    await tellsFlowersApart(models.namespace, 'iris');
  });

  it('are downloaded by KServe’s own initializer where it is no package, if the administrator gave that a security context', async () => {
    const blob = containerClient(controlPlane()).getBlockBlobClient('plain/iris/model.joblib');
    await blob.uploadData(await readFile(join(models.sources.SKLearn, 'model.joblib')));
    await deploy(models.namespace, 'stock', { storageUri: `https://${accountHost}/${container}/plain/iris` });
    await untilReady(models.namespace, 'stock');
    await tellsFlowersApart(models.namespace, 'stock');
    const [pod] = await predictors(models.namespace, 'stock');
    assert.match(pod?.spec.initContainers?.[0]?.image ?? '', /\/storage-initializer:/);
    await kubectl(['delete', 'modeldeployment', 'stock', '-n', models.namespace]);
  });

  it('say why no pod comes and what to set, and serve once it is set', async () => {
    const storageUri = await push(models.sources.SKLearn);
    await deploy(models.namespace, 'bare', { storageUri, more: { podSecurity: 'Unset' } });
    const { message } = await readyReason(models.namespace, 'bare', ({ reason }) => reason === 'PodRefused');
    assert.match(message, /violates PodSecurity "restricted:latest".*seccompProfile.*set spec\.podSecurity to Restricted/);
    await deploy(models.namespace, 'bare', { storageUri, more: { podSecurity: 'Restricted' } });
    await untilReady(models.namespace, 'bare');
    await tellsFlowersApart(models.namespace, 'bare');
    await kubectl(['delete', 'modeldeployment', 'bare', '-n', models.namespace]);
  });

  it('get no context of ours when the namespace enforces nothing any more, and keep serving on the way', async () => {
    const contextOf = async () =>
      (await get<{ spec: { predictor: { model: { securityContext?: object } } } }>('inferenceservice', 'iris', models.namespace)).spec
        .predictor.model.securityContext;
    assert.ok(await contextOf());
    await kubectl(['label', 'namespace', models.namespace, 'pod-security.kubernetes.io/enforce-']);
    await eventually(contextOf, (context) => context === undefined);
    await untilReady(models.namespace, 'iris');
    await tellsFlowersApart(models.namespace, 'iris');
  });
});
