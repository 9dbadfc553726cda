import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PodTemplate } from './observation.ts';
import { restrictedServer } from './pod-security.ts';
import { unreflected } from './reflected.ts';
import { slimWorkload } from './slim-workload.ts';
import { deploymentOf } from './testing/observed.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const model = {
  modelFormat: { name: 'triton' },
  storageUri: 'gs://a/b',
  runtimeVersion: '23',
  resources: { limits: { memory: '1Gi', cpu: 1 } },
};

function differs(
  predictor: object,
  change: { labels?: object; annotations?: object; container?: object; spec?: object } = {},
): string | undefined {
  const template: PodTemplate = {
    metadata: {
      labels: { 'modelwright.dev/version': '1', team: 'a', ...change.labels },
      annotations: { 'internal.serving.kserve.io/storage-initializer-sourceuri': 'gs://a/b', note: 'b', ...change.annotations },
    },
    spec: {
      containers: [
        { name: 'kserve-container', image: 'x/triton:23', resources: { limits: { memory: '1Gi', cpu: '1' } }, ...change.container },
      ],
      nodeSelector: { pool: 'gpu' },
      serviceAccountName: 'models',
      ...change.spec,
    },
  };
  const service = {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name: 'iris', labels: { 'modelwright.dev/version': '1', other: 'x' } },
    spec: {
      predictor: {
        labels: { team: 'a' },
        annotations: { note: 'b' },
        nodeSelector: { pool: 'gpu' },
        serviceAccountName: 'models',
        ...predictor,
      },
    },
  };
  return unreflected(service, slimWorkload({ ...deploymentOf(), spec: { replicas: 1, template } }).spec?.template ?? {});
}

describe('a pod template shows an InferenceService', () => {
  it('when all that can be compared agrees', () => {
    assert.equal(differs({ model }), undefined);
    assert.equal(differs({ tensorflow: model }), undefined);
    assert.equal(differs({ model: { ...model, runtimeVersion: undefined } }, { container: { image: 'anything:1' } }), undefined);
    assert.equal(
      differs({ model: { ...model, image: `x/triton@${digest}`, runtimeVersion: 'ab' } }, { container: { image: `x/triton@${digest}` } }),
      undefined,
    );
    // Knative has replaced the tag by what it resolved it to.
    assert.equal(differs({ model }, { container: { image: `x/triton@${digest}` } }), undefined);
  });
  it('also with its security context', () => {
    const container = { securityContext: { ...restrictedServer, runAsUser: 1000 } };
    assert.equal(differs({ model: { ...model, securityContext: restrictedServer } }, { container }), undefined);
    assert.equal(differs({ model }, { container }), undefined);
  });
  const rows: readonly [string, object, Parameters<typeof differs>[1]][] = [
    ['storageUri', { model: { ...model, storageUri: 'gs://a/c' } }, {}],
    ['runtimeVersion', { model: { ...model, runtimeVersion: '24' } }, {}],
    ['runtimeVersion', { model: { ...model, image: `x/triton@${digest}` } }, {}],
    ['labels.modelwright.dev/version', { model }, { labels: { 'modelwright.dev/version': '2' } }],
    ['labels.team', { model }, { labels: { team: 'b' } }],
    ['annotations.note', { model }, { annotations: { note: 'c' } }],
    ['nodeSelector.pool', { model, nodeSelector: { pool: 'cpu' } }, {}],
    ['resources.memory', { model: { ...model, resources: { limits: { memory: '2Gi' } } } }, {}],
    [
      'securityContext.seccompProfile.type',
      { model: { ...model, securityContext: restrictedServer } },
      { container: { securityContext: {} } },
    ],
    ['serviceAccountName', { model, serviceAccountName: 'other' }, {}],
  ];
  for (const [path, predictor, change] of rows) it(`but not ${path}`, () => assert.equal(differs(predictor, change), path));

  it('through the part of a Deployment that caches keep', () => {
    const owner = deploymentOf();
    const slim = slimWorkload({
      ...owner,
      metadata: {
        ...owner.metadata,
        annotations: { 'deployment.kubernetes.io/revision': '3', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
      },
    });
    assert.deepEqual(slim.metadata.annotations, { 'deployment.kubernetes.io/revision': '3' });
    assert.deepEqual([slim.spec, slim.status], [owner.spec, owner.status]);
  });
});
