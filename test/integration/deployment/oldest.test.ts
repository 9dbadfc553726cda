/**
 * The oldest that the operator copes with: an API server without streamed lists, as Kubernetes before 1.32, and the resources of KFServing 0.6 (its names, its
 * version and its kinds, without its controller).
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { established } from '../../../hack/controlplane/established.ts';
import { start } from '../../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { permissions } from '../../../src/controllers/deployment/permissions.ts';
import { platformPermissions } from '../../../src/controllers/platform/permissions.ts';
import { profilePermissions } from '../../../src/controllers/profile/permissions.ts';
import { auditMark, auditSince } from '../../support/audit.ts';
import { apply, eventually, kubectl } from '../../support/cluster.ts';
import { useControlPlane } from '../../support/shared-plane.ts';
import { installInferenceServices, installKnative, lightDefinition } from './light-kserve.ts';
import { aModel, deployed, says, serviceIfAny } from './objects.ts';
import { operatorUser } from './operator-process.ts';
import { Stage } from './stage.ts';

function ofCluster(plural: string, kind: string): object {
  const definition = lightDefinition('serving.kserve.io', 'v1alpha1', plural, kind) as { spec: object };
  return { ...definition, spec: { ...definition.spec, scope: 'Cluster' } };
}

describe('an operator on an old API server, with KFServing 0.6', () => {
  let plane: ControlPlane | undefined;
  let stage: Stage;
  let mark: number;

  before(async () => {
    plane = await start({ name: `oldest-${process.pid}`, apiServer: ['--feature-gates=WatchList=false'] });
    useControlPlane(plane);
    await apply(lightDefinition('serving.kubeflow.org', 'v1beta1', 'inferenceservices', 'InferenceService'));
    await established(kubectl, ['crd/inferenceservices.serving.kubeflow.org']);
    await installKnative();
    mark = auditMark();
    stage = await Stage.start('oldest');
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
    await plane?.stop();
  });

  const service = (wanted: boolean) =>
    eventually(
      () => serviceIfAny('iris', stage.namespace),
      (found) => (found !== undefined) === wanted,
    );

  it("makes an InferenceService of KFServing's API, in its words", async () => {
    await apply(aModel('iris', stage.namespace, { deploymentMode: 'Knative' }));
    const made = (await service(true)) as { apiVersion?: string; spec: { predictor: object } } | undefined;
    assert.equal(made?.apiVersion, 'serving.kubeflow.org/v1beta1');
    assert.deepEqual(Object.keys(made?.spec.predictor ?? {}), ['sklearn']);
  });

  it('takes it away while the model is suspended, and makes it again', async () => {
    const suspend = (value: boolean) =>
      kubectl([
        'patch',
        'modeldeployment',
        'iris',
        '-n',
        stage.namespace,
        '--type=merge',
        '-p',
        JSON.stringify({ spec: { suspend: value } }),
      ]);
    await suspend(true);
    await service(false);
    await eventually(() => deployed('iris', stage.namespace), says('Ready', 'False', 'Suspended'));
    await suspend(false);
    await service(true);
  });

  it('asks for lists of all that it caches, those of a KServe that comes as well, and is permitted every one', async () => {
    await apply([
      ofCluster('clusterservingruntimes', 'ClusterServingRuntime'),
      ofCluster('clusterstoragecontainers', 'ClusterStorageContainer'),
    ]);
    await installInferenceServices();
    const wanted = [...permissions, ...platformPermissions, ...profilePermissions]
      .filter(({ verbs }) => verbs.includes('list'))
      .flatMap(({ group, resource, names = [undefined] }) => names.map((name) => `${resource}.${group} ${name ?? ''}`));
    const listed = async () => {
      const seen = await auditSince(mark, ({ verb, user }) => verb === 'list' && user.username === operatorUser);
      // The name counts where the role has one.
      const one = (name: string | undefined, resource: string) => (resource === 'configmaps' ? (name ?? '') : '');
      return new Set(
        seen
          .filter(({ responseStatus }) => responseStatus?.code !== 403)
          .map(({ objectRef: { resource = '', apiGroup = '', name } = {} }) => `${resource}.${apiGroup} ${one(name, resource)}`),
      );
    };
    await eventually(
      async () => {
        const seen = await listed();
        return wanted.filter((one) => !seen.has(one));
      },
      (missing) => missing.length === 0,
    );
    const refused = await auditSince(mark, ({ responseStatus, user }) => responseStatus?.code === 403 && user.username === operatorUser);
    assert.deepEqual(
      refused.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
      [],
    );
    assert.deepEqual(stage.operator.errors(), []);
  });
});
