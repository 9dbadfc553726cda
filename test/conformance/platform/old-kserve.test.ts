/**
 * The ServingPlatform on KServe 0.7.0, where the ConfigMap decides images, and on 0.9.0, where it no longer does. Their HorizontalPodAutoscalers are of an API
 * that Kubernetes has no more, so no service becomes ready; the webhook and the Deployments are what is looked at.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { KServeVersion } from '../../../hack/controlplane/kserve-releases.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { OperatorProcess } from '../../integration/deployment/operator-process.ts';
import { type ConfigMap, conditionOf, declare, isReady, platformWhere, removePlatform } from '../../integration/platform/objects.ts';
import { ownPlane } from '../../integration/platform/own-plane.ts';
import { apply, eventually, freshNamespace, get, kubectl } from '../../support/cluster.ts';

interface Deployment {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly name: string; readonly image: string }[] } };
  };
}

/** A control plane with an old KServe and the operator, for the tests of one `describe`. */
function onKServe(kserve: KServeVersion) {
  let plane: ControlPlane;
  let operator: OperatorProcess;
  let namespace = '';
  before(async () => {
    plane = await ownPlane('conformance', { nodes: 'fake', kserve });
    namespace = (await freshNamespace('platform')).name;
    operator = await OperatorProcess.start([namespace]);
  });
  after(async () => {
    await operator?.[Symbol.asyncDispose]();
    await plane?.stop();
  });
  return {
    model: (name: string) =>
      apply({
        apiVersion: 'modelwright.dev/v1alpha1',
        kind: 'ModelDeployment',
        metadata: { name, namespace },
        spec: { runtime: { type: 'SKLearn' }, deploymentMode: 'Standard', source: { storageUri: 'gs://bucket/iris' } },
      }),
    imageWhere: (name: string, wanted: (image: string) => boolean) =>
      eventually(
        async () => {
          const deployment = await get<Deployment>('deployment', `${name}-predictor-default`, namespace).catch(() => undefined);
          return deployment?.spec.template.spec.containers.find((container) => container.name === 'kserve-container')?.image ?? '';
        },
        wanted,
        60,
      ),
  };
}

const config = () => get<ConfigMap>('configmap', 'inferenceservice-config', 'kserve');
const setPredictors = (predictors: string) =>
  kubectl([
    'patch',
    'configmap',
    'inferenceservice-config',
    '-n',
    'kserve',
    '--type=merge',
    '-p',
    JSON.stringify({ data: { predictors } }),
  ]);

describe('on KServe 0.7.0', { timeout: 600_000 }, () => {
  const { model, imageWhere } = onKServe('0.7.0');
  const declared = [{ type: 'SKLearn', version: 'v9.9.9' }];
  let shipped: ConfigMap;

  it('a new model gets the declared image, by one value of the ConfigMap', async () => {
    shipped = await config();
    await model('before');
    const image = await imageWhere('before', Boolean);
    assert.match(image, /^kserve\/sklearnserver:v0\.7\.0$/);
    await declare({ runtimes: declared });
    const { status } = await platformWhere(isReady);
    assert.equal(status?.runtimes?.[0]?.managedVia, 'ConfigMap');
    const expected = shipped.data?.['predictors']?.replace(
      /("image": "kserve\/sklearnserver",\s*"defaultImageVersion": ")v0\.7\.0"/,
      '$1v9.9.9"',
    );
    assert.notEqual(expected, shipped.data?.['predictors']);
    assert.deepEqual((await config()).data, { ...shipped.data, predictors: expected });
    await model('after');
    await imageWhere('after', (seen) => seen === 'kserve/sklearnserver:v9.9.9');
    assert.equal(await imageWhere('before', Boolean), image, 'and the one that is there keeps its own');
  });

  it('a model that is there already follows when the rollout says so', async () => {
    await declare({ runtimes: declared, rollout: { strategy: 'Immediate', maxUnavailable: 2 } });
    await imageWhere('before', (seen) => seen === 'kserve/sklearnserver:v9.9.9');
  });

  it('a digest is refused, which would be taken for a tag', async () => {
    await declare({ runtimes: [{ type: 'SKLearn', version: `sha256:${'0'.repeat(64)}` }] });
    const platform = await platformWhere((seen) => conditionOf(seen, 'Ready')?.status === 'False');
    assert.equal(conditionOf(platform, 'RuntimesReady')?.reason, 'DigestNotPossible');
    assert.deepEqual((await config()).data, shipped.data);
  });

  it('JSON that does not parse is left alone, and said', async () => {
    await setPredictors('{"sklearn": {');
    await declare({ runtimes: declared });
    const platform = await platformWhere((seen) => conditionOf(seen, 'RuntimesReady')?.reason === 'PredictorsMalformed');
    assert.match(conditionOf(platform, 'Ready')?.message ?? '', /not valid JSON.*correct it by hand/);
    await setPredictors(shipped.data?.['predictors'] ?? '');
    await platformWhere(isReady);
  });

  it('everything is byte for byte as before when the ServingPlatform is deleted', async () => {
    await removePlatform();
    const { data, metadata } = await config();
    assert.deepEqual(data, shipped.data);
    assert.deepEqual(metadata.annotations, shipped.metadata.annotations);
  });
});

describe('on KServe 0.9.0', { timeout: 600_000 }, () => {
  const { model, imageWhere } = onKServe('0.9.0');

  it('a model gets the declared image by a runtime of our own, and the ConfigMap, which decides nothing any more, stays', async () => {
    const shipped = await config();
    assert.ok(shipped.data?.['predictors'], '0.9.0 still ships the key');
    await declare({ runtimes: [{ type: 'SKLearn', image: 'mirror.example:5000/sklearnserver', version: 'v9.9.9' }] });
    const { status } = await platformWhere(isReady);
    assert.equal(status?.runtimes?.[0]?.managedVia, 'ClusterServingRuntime');
    await model('iris');
    await imageWhere('iris', (seen) => seen === 'mirror.example:5000/sklearnserver:v9.9.9');
    assert.deepEqual((await config()).data, shipped.data);
  });
});
