import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeDialect, detectDialect } from './dialect.ts';
import { type ClusterFacts, type ServedResource, schemaFieldsOf } from './facts.ts';

const served = (...texts: string[]): ServedResource[] =>
  texts.map((text) => {
    const [group = '', version = '', resource = ''] = text.split('/');
    return { group, version, resource };
  });
const kserve = 'serving.kserve.io/v1beta1/inferenceservices';
const kfserving = 'serving.kubeflow.org/v1beta1/inferenceservices';
const knative = 'serving.knative.dev/v1/services';

function found(facts: ClusterFacts) {
  const dialect = detectDialect(facts);
  if (dialect.kind !== 'Found') assert.fail(dialect.message);
  return dialect;
}

describe('the installed KServe', () => {
  it('is missing where no InferenceService is served', () => {
    assert.equal(detectDialect({ resources: served(knative) }).kind, 'Missing');
    assert.match((detectDialect({ resources: [] }) as { message: string }).message, /not installed.*work resumes by itself/);
  });
  it('is too old where only v1alpha2 is served', () => {
    const dialect = detectDialect({ resources: served('serving.kubeflow.org/v1alpha2/inferenceservices', knative) });
    assert.equal(dialect.kind === 'Missing' && dialect.reason, 'VersionNotServed');
  });
  it('tells its release by the image of its controller', () => {
    const dialect = found({ resources: served(kserve), controllerImage: 'kserve/kserve-controller:v0.15.2' });
    assert.deepEqual([dialect.version, dialect.release, dialect.versionFrom], [{ major: 0, minor: 15 }, '0.15.2', 'Image']);
    assert.equal(describeDialect(dialect), 'KServe 0.15.2');
  });
  it('has the tag read behind a registry port and before a digest', () => {
    const image = `registry:5000/kserve-controller:v0.11.2@sha256:${'a'.repeat(64)}`;
    assert.equal(found({ resources: served(kserve), controllerImage: image }).release, '0.11.2');
  });
  for (const image of [
    'kserve/kserve-controller:latest',
    'registry:5000/kserve-controller',
    `x/kserve-controller@sha256:${'a'.repeat(64)}`,
  ]) {
    it(`is judged by its CRDs where the image is ${image}`, () => {
      assert.equal(found({ resources: served(kserve), controllerImage: image }).versionFrom, 'Schema');
    });
  }

  // What each release's own CRDs have, read from their files.
  const releases: readonly [number, string[], string[]][] = [
    [7, [kserve], ['spec.predictor.x']],
    [8, [kserve, 'serving.kserve.io/v1alpha1/clusterservingruntimes'], ['spec.predictor.model']],
    [9, [kserve, 'serving.kserve.io/v1alpha1/inferencegraphs'], ['spec.predictor.model', 'spec.predictor.scaleTarget']],
    [11, [kserve, 'serving.kserve.io/v1alpha1/clusterstoragecontainers'], ['spec.predictor.model', 'spec.predictor.labels']],
    [15, [kserve], ['spec.predictor.model', 'spec.predictor.deploymentStrategy', 'status.deploymentMode']],
    [16, [kserve], ['spec.predictor.model', 'spec.predictor.storageUris']],
    [20, [kserve], ['spec.predictor.model', 'spec.canary', 'spec.predictor.storageUris']],
  ];
  for (const [minor, resources, inferenceServiceFields] of releases) {
    it(`is 0.${minor} or newer by its CRDs`, () => {
      const dialect = found({ resources: served(...resources), inferenceServiceFields });
      assert.deepEqual(dialect.version, { major: 0, minor });
      assert.equal(describeDialect(dialect), `KServe 0.${minor} or newer`);
    });
  }

  it('is judged by other CRDs where its own has no schema (minimal CRDs)', () => {
    const dialect = found({ resources: served(kserve, 'serving.kserve.io/v1alpha1/llminferenceservices'), inferenceServiceFields: [] });
    assert.deepEqual(dialect.version, { major: 0, minor: 16 });
    assert.equal(dialect.features.deploymentStrategy, true);
  });
  it('is not told fields that its CRD lacks, whatever the controller knows', () => {
    const inferenceServiceFields = ['spec.predictor.model', 'spec.predictor.scaleTarget'];
    const { features } = found({ resources: served(kserve), controllerImage: 'x:v0.20.0', inferenceServiceFields });
    assert.deepEqual([features.scaleMetric, features.podMetadata, features.deploymentStrategy], [true, false, false]);
  });
  it('offers Knative mode only with Knative, and Standard mode first', () => {
    assert.deepEqual(found({ resources: served(kserve) }).modes, ['Standard']);
    assert.deepEqual(found({ resources: served(kserve, knative) }).modes, ['Standard', 'Knative']);
  });
  it('is preferred to KFServing beside it', () => {
    assert.equal(found({ resources: served(kfserving, kserve, knative) }).group, 'serving.kserve.io');
  });
  it('is KFServing 0.6 where only its group is served, which needs Knative', () => {
    const dialect = found({ resources: served(kfserving, knative) });
    assert.deepEqual([dialect.apiVersion, dialect.version, dialect.modes], ['serving.kubeflow.org/v1beta1', 'kfserving-0.6', ['Knative']]);
    assert.equal(describeDialect(dialect), 'KFServing 0.6');
    const without = detectDialect({ resources: served(kfserving) });
    assert.equal(without.kind === 'Missing' && without.reason, 'KnativeMissing');
  });
  it('gives its predictor images until 0.7, flat and nested ones', () => {
    const predictors = JSON.stringify({
      tensorflow: { image: 'tf', defaultImageVersion: '1', defaultGpuImageVersion: '1-gpu' },
      sklearn: { v1: { image: 'sk', defaultImageVersion: 'v0' }, v2: { image: 'ml' } },
      pytorch: { v1: { image: 'pickled' }, v2: { image: 'ts' } },
      xgboost: 'nonsense',
    });
    const images = found({
      resources: served(kserve),
      inferenceServiceConfig: { namespace: 'kserve', data: { predictors } },
    }).predictorImages;
    assert.equal(images?.TFServing?.v1?.defaultGpuImageVersion, '1-gpu');
    assert.deepEqual([images?.SKLearn?.v1?.image, images?.SKLearn?.v2?.image, images?.TorchServe?.v1?.image], ['sk', 'ml', 'ts']);
    assert.equal(images?.XGBoost, undefined);
    const broken = { namespace: 'kserve', data: { predictors: '{' } };
    assert.equal(found({ resources: served(kserve), inferenceServiceConfig: broken }).predictorImages, undefined);
  });
});

describe('the fields of an InferenceService CRD', () => {
  it('are read from v1beta1', () => {
    const schema = (predictor: object) => ({
      openAPIV3Schema: { properties: { spec: { properties: { predictor: { properties: predictor } } } } },
    });
    const crd = {
      spec: {
        versions: [
          { name: 'v1alpha2', schema: schema({ labels: {} }) },
          { name: 'v1beta1', schema: schema({ model: {}, name: {} }) },
        ],
      },
    };
    assert.deepEqual(schemaFieldsOf(crd), ['spec.predictor.model', 'spec.predictor.name']);
  });
  for (const nothing of [undefined, null, 'text', {}, { spec: { versions: [{ name: 'v1beta1', schema: { openAPIV3Schema: {} } }] } }]) {
    it(`are none in ${JSON.stringify(nothing)}`, () => assert.deepEqual(schemaFieldsOf(nothing), []));
  }
});
