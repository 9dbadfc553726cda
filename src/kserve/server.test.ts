import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDeploymentSpec } from '../api/model-deployment/index.ts';
import { type Dialect, dialectOf } from './dialect.ts';
import type { ServingRuntimeObject } from './facts.ts';
import { chooseServer } from './server.ts';
import { exampleDeployment } from './testing/example.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const kserve = (minor: number, more: Partial<Dialect> = {}): Dialect => ({ ...dialectOf({ major: 0, minor }), ...more });

function clusterRuntime(
  name: string,
  image: string,
  modelFormat: string,
  protocolVersions: string[],
  more: object = {},
): ServingRuntimeObject {
  return {
    apiVersion: 'serving.kserve.io/v1alpha1',
    kind: 'ClusterServingRuntime',
    metadata: { name },
    spec: { protocolVersions, supportedModelFormats: [{ name: modelFormat }], containers: [{ name: 'kserve-container', image }], ...more },
  };
}

function chosen(spec: Partial<ModelDeploymentSpec>, dialect: Dialect) {
  const { runtimeName, image, runtimeVersion } = chooseServer(exampleDeployment(spec), dialect);
  return { runtimeName, image, runtimeVersion };
}

describe('the model server', () => {
  const table: readonly [string, Partial<ModelDeploymentSpec>, Dialect, ReturnType<typeof chosen>][] = [
    [
      'names the runtime',
      { runtime: { type: 'TorchServe' } },
      kserve(20),
      { runtimeName: 'kserve-torchserve', image: undefined, runtimeVersion: undefined },
    ],
    [
      "keeps scikit-learn V2 on KServe's own server",
      { runtime: { type: 'SKLearn', protocol: 'V2' } },
      kserve(20),
      { runtimeName: 'kserve-sklearnserver', image: undefined, runtimeVersion: undefined },
    ],
    [
      "takes MLServer for V2 where KServe's own has V1 only",
      { runtime: { type: 'SKLearn', protocol: 'V2' } },
      kserve(9),
      { runtimeName: 'kserve-mlserver', image: undefined, runtimeVersion: undefined },
    ],
    [
      'writes a tag as runtimeVersion',
      { runtime: { type: 'Triton', version: '20.10-py3' } },
      kserve(20),
      { runtimeName: 'kserve-tritonserver', image: undefined, runtimeVersion: '20.10-py3' },
    ],
    [
      'writes a digest as image',
      { runtime: { type: 'Triton', version: digest } },
      kserve(20),
      { runtimeName: 'kserve-tritonserver', image: `nvcr.io/nvidia/tritonserver@${digest}`, runtimeVersion: undefined },
    ],
    [
      'has the digest put back where -gpu would be appended to it',
      { runtime: { type: 'TFServing', version: digest }, gpu: { count: 1 } },
      kserve(15),
      { runtimeName: 'kserve-tensorflow-serving', image: `tensorflow/serving@${digest}`, runtimeVersion: 'ab'.repeat(32) },
    ],
    [
      'leaves the digest alone where KServe does',
      { runtime: { type: 'TFServing', version: digest }, gpu: { count: 1 } },
      kserve(20),
      { runtimeName: 'kserve-tensorflow-serving', image: `tensorflow/serving@${digest}`, runtimeVersion: undefined },
    ],
    [
      'leaves the default GPU tag to KServe from 0.10 on',
      { runtime: { type: 'TFServing' }, gpu: { count: 1 } },
      kserve(10),
      { runtimeName: 'kserve-tensorflow-serving', image: undefined, runtimeVersion: undefined },
    ],
    [
      'names the default GPU tag before',
      { runtime: { type: 'TorchServe' }, gpu: { count: 1 } },
      kserve(9),
      { runtimeName: 'kserve-torchserve', image: undefined, runtimeVersion: '0.6.0-gpu' },
    ],
    [
      'names it for a MIG slice, which older releases do not count',
      { runtime: { type: 'TFServing' }, gpu: { count: 1, resourceName: 'nvidia.com/mig-1g.5gb' } },
      kserve(15),
      { runtimeName: 'kserve-tensorflow-serving', image: undefined, runtimeVersion: '2.6.2-gpu' },
    ],
    [
      'has no GPU tag on Triton',
      { runtime: { type: 'Triton' }, gpu: { count: 1 } },
      kserve(9),
      { runtimeName: 'kserve-tritonserver', image: undefined, runtimeVersion: undefined },
    ],
    [
      'has no runtime before 0.8',
      { runtime: { type: 'TFServing' }, gpu: { count: 1 } },
      kserve(7),
      { runtimeName: undefined, image: undefined, runtimeVersion: undefined },
    ],
    [
      'takes the image for a digest from the table there',
      { runtime: { type: 'Triton', version: digest } },
      kserve(7),
      { runtimeName: undefined, image: `nvcr.io/nvidia/tritonserver@${digest}`, runtimeVersion: undefined },
    ],
    [
      'takes the image for a digest from the ConfigMap where it is changed',
      { runtime: { type: 'Triton', version: digest } },
      kserve(7, { predictorImages: { Triton: { v2: { image: 'registry:5000/triton', defaultImageVersion: '1' } } } }),
      { runtimeName: undefined, image: `registry:5000/triton@${digest}`, runtimeVersion: undefined },
    ],
    [
      'takes the image for a digest from the runtime that is installed',
      { runtime: { type: 'Triton', version: digest } },
      kserve(20, { runtimes: [clusterRuntime('kserve-tritonserver', 'registry:5000/triton:23', 'triton', ['v2'])] }),
      { runtimeName: 'kserve-tritonserver', image: `registry:5000/triton@${digest}`, runtimeVersion: undefined },
    ],
    [
      "is the only one that fits where KServe's own is not installed",
      { runtime: { type: 'TorchServe' } },
      kserve(20, {
        runtimes: [clusterRuntime('our-torch', 'x/torch:1', 'pytorch', ['v1']), clusterRuntime('other', 'x', 'sklearn', ['v1'])],
      }),
      { runtimeName: 'our-torch', image: undefined, runtimeVersion: undefined },
    ],
    [
      'is left to KServe where several fit',
      { runtime: { type: 'TorchServe' } },
      kserve(20, { runtimes: [clusterRuntime('a', 'x/torch:1', 'pytorch', ['v1']), clusterRuntime('b', 'x', 'pytorch', ['v1'])] }),
      { runtimeName: undefined, image: undefined, runtimeVersion: undefined },
    ],
    [
      'is not one that is disabled, multi-model or of another protocol',
      { runtime: { type: 'TorchServe' } },
      kserve(20, {
        runtimes: [
          clusterRuntime('kserve-torchserve', 'x', 'pytorch', ['v1'], { disabled: true }),
          clusterRuntime('mlserver-1.x', 'x', 'pytorch', ['v1'], { multiModel: true }),
          clusterRuntime('kserve-tritonserver', 'x', 'pytorch', ['v2']),
        ],
      }),
      { runtimeName: undefined, image: undefined, runtimeVersion: undefined },
    ],
  ];
  for (const [name, spec, dialect, expected] of table) {
    it(name, () => assert.deepEqual(chosen(spec, dialect), expected));
  }
});
