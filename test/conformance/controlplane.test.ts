/** The control plane of this tier is what it says: KServe's and Knative's own webhooks and controllers answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apply, eventually, freshNamespace, get, kubectl, list } from '../support/cluster.ts';
import { KSERVE_VARIABLE, required } from '../support/environment.ts';

const version = required(KSERVE_VARIABLE);
const [, minor = 0] = version.split('.').map(Number);
/** KServe 0.7 knows no `predictor.model`. */
const oldStyle = minor < 8;
/** They want autoscaling/v2beta2, which Kubernetes dropped in 1.26, and so never finish a service. */
const unfinished = minor < 10;

interface Service {
  readonly spec: { readonly predictor: Record<string, Record<string, unknown>> };
  readonly status?: { readonly url?: string; readonly conditions?: { type: string; status: string }[] };
}
interface Deployment {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: { name: string; image: string }[]; readonly initContainers?: object[] } };
  };
}

function service(namespace: string, predictor: object = {}, annotations: Record<string, string> = {}): object {
  const model = { storageUri: 'https://account.blob.core.windows.net/models/iris.zip' };
  const implementation = oldStyle ? { sklearn: model } : { model: { ...model, modelFormat: { name: 'sklearn' } } };
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name: 'iris', namespace, annotations },
    spec: { predictor: { ...implementation, ...predictor } },
  };
}

function isReady({ status }: Service): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

test('KServe makes a Deployment with its release’s image and storage initializer', async () => {
  await using namespace = await freshNamespace();
  await apply(service(namespace.name));
  const [deployment] = await eventually(
    () => list<Deployment>('deployments', namespace.name),
    (found) => found.length > 0,
  );
  assert.equal(deployment?.spec.template.spec.containers[0]?.image, `kserve/sklearnserver:v${version}`);
  // The storage initializer comes with the Pods' webhook, which only the Pods show.
  const [pod] = await eventually(
    () => list<{ spec: { initContainers?: { name: string }[] } }>('pods', namespace.name),
    (found) => found.length > 0,
  );
  assert.deepEqual(
    pod?.spec.initContainers?.map(({ name }) => name),
    ['storage-initializer'],
  );
});

test('KServe’s validating webhook refuses in its own words', async () => {
  await using namespace = await freshNamespace();
  const wrong = apply(service(namespace.name, { minReplicas: 3, maxReplicas: 1 }));
  await assert.rejects(wrong, /admission webhook "inferenceservice\.kserve-webhook-server\.validator" denied the request: .*MaxReplicas/);
});

if (!unfinished) {
  test('a service in Standard mode gets Ready on fake nodes', async () => {
    await using namespace = await freshNamespace();
    await apply(service(namespace.name));
    const ready = await eventually(() => get<Service>('inferenceservice', 'iris', namespace.name), isReady);
    assert.equal(ready.status?.url, `http://iris-${namespace.name}.example.com`);
  });
}

if (minor >= 15) {
  const mode = { 'serving.kserve.io/deploymentMode': minor >= 16 ? 'Knative' : 'Serverless' };

  test('a service in Knative mode gets Ready on fake nodes', async () => {
    await using namespace = await freshNamespace();
    await apply(service(namespace.name, {}, mode));
    await eventually(() => get<Service>('inferenceservice', 'iris', namespace.name), isReady);
    const [revision] = await list<{ status: { actualReplicas?: number } }>('revisions.serving.knative.dev', namespace.name);
    assert.equal(revision?.status.actualReplicas, 1);
  });

  test('Knative’s webhook guards its feature flags, which are off', async () => {
    await using namespace = await freshNamespace();
    const template = { spec: { nodeSelector: { zone: 'a' }, containers: [{ image: 'example.com/x:v1' }] } };
    const refused = kubectl(['create', '-f', '-'], {
      input: {
        apiVersion: 'serving.knative.dev/v1',
        kind: 'Service',
        metadata: { name: 'x', namespace: namespace.name },
        spec: { template },
      },
    });
    await assert.rejects(refused, /must not set the field\(s\): spec\.template\.spec\.nodeSelector/);
  });
}
