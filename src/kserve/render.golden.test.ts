import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { stringify } from 'yaml';
import type { ModelDeployment } from '../api/model-deployment/index.ts';
import type { frameworks } from '../api/model-deployment/model.ts';
import { type RuntimeType, runtimeTypes } from '../api/model-deployment/runtime.ts';
import type { DeploymentMode } from '../api/model-deployment/serving.ts';
import { type KServeVersion, printVersion } from '../models/kserve-version.ts';
import { dialectOf } from './dialect.ts';
import { judge } from './judge.ts';
import { renderInferenceService } from './render.ts';

/**
 * What is rendered for each dialect, whole, in files that people review: `testdata/<dialect>.golden.yaml`.
 * KFServing 0.6 is checked by these files alone, since neither its code nor its CRDs run on a current Kubernetes.
 * UPDATE_GOLDEN=1 writes them anew.
 */
const versions: readonly KServeVersion[] = [20, 15, 11, 9, 7].map((minor) => ({ major: 0, minor }));
const dialects: readonly KServeVersion[] = [...versions, 'kfserving-0.6'];

const fileOf = (version: KServeVersion) =>
  new URL(`testdata/${printVersion(version).toLowerCase().replace(' ', '-')}.golden.yaml`, import.meta.url);

const frameworkOf: Readonly<Record<RuntimeType, (typeof frameworks)[number]>> = {
  TFServing: 'TensorFlow',
  TorchServe: 'PyTorch',
  Triton: 'ONNX',
  SKLearn: 'SKLearn',
  XGBoost: 'XGBoost',
  LightGBM: 'LightGBM',
};

/** One of each runtime as people write them; `gpu` with the tag that a GPU needs. */
function example(type: RuntimeType, gpu: boolean): ModelDeployment {
  const version: Partial<Record<RuntimeType, string>> = { TFServing: gpu ? '2.2.0-gpu' : '2.2.0', Triton: '20.10-py3' };
  const tag = version[type];
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name: type.toLowerCase(), namespace: 'models' },
    spec: {
      model: { architecture: 'resnet 50', framework: frameworkOf[type], version: 3 },
      runtime: { type, ...(tag !== undefined && { version: tag }) },
      source: { storageUri: 'https://models.blob.core.chinacloudapi.cn/cv-models/resnet50.zip' },
      resources: { limits: { cpu: '2', memory: '8Gi' } },
      ...(gpu && { gpu: { count: 1 } }),
    },
  };
}

/** Every optional field that the mode allows. */
function fullExample(mode: DeploymentMode): ModelDeployment {
  const { spec, ...rest } = example('TFServing', true);
  return {
    ...rest,
    spec: {
      ...spec,
      runtime: { type: 'TFServing' },
      gpu: { count: 2, product: 'Tesla-T4' },
      resources: { requests: { cpu: 0.5, memory: '8192Mi' }, limits: { cpu: '1000m' } },
      scaling: {
        minReplicas: mode === 'Knative' ? 0 : 1,
        maxReplicas: 3,
        metric: mode === 'Knative' ? 'Concurrency' : 'CPU',
        target: 4,
        ...(mode === 'Knative' && { containerConcurrency: 8 }),
      },
      batching: { maxBatchSize: 16, maxLatencyMilliseconds: 5 },
      scheduling: {
        nodeSelector: { pool: 'gpu' },
        tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
        affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
      },
      podSecurity: 'Restricted',
      podMetadata: { labels: { team: 'vision' }, annotations: { 'example.com/note': 'a note' } },
      imagePullSecrets: [{ name: 'registry' }],
      serviceAccountName: 'models',
      transformer: {
        image: 'ghcr.io/acme/resize:1',
        args: ['--size=224'],
        env: [
          { name: 'MODE', value: 'fast' },
          { name: 'EMPTY', value: '' },
        ],
        resources: { limits: { memory: '512Mi' } },
        maxReplicas: 2,
      },
      ...(mode === 'Knative' && { rollout: { canaryTrafficPercent: 10 } }),
      suspend: true,
    },
  };
}

function documents(version: KServeVersion): string {
  const dialect = dialectOf(version);
  const modes: readonly DeploymentMode[] = dialect.modes;
  const texts: string[] = [];
  for (const type of runtimeTypes) {
    for (const gpu of type === 'XGBoost' || type === 'LightGBM' || type === 'SKLearn' ? [false] : [false, true]) {
      for (const mode of modes) {
        const deployment = example(type, gpu);
        assert.deepEqual(judge(deployment, { dialect, mode, policy: {} }), []);
        const { object, notes } = renderInferenceService(deployment, { dialect, mode });
        const comments = [`${type}, ${gpu ? 'GPU' : 'CPU'}, ${mode}`, ...notes].map((line) => `# ${line}\n`).join('');
        texts.push(`${comments}${stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })}`);
      }
    }
  }
  for (const mode of modes) {
    const { object, notes, absent } = renderInferenceService(fullExample(mode), { dialect, mode });
    const comments = [`every field, ${mode}${absent ? ', not applied while suspended' : ''}`, ...notes].map((line) => `# ${line}\n`).join('');
    texts.push(`${comments}${stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })}`);
  }
  return texts.join('---\n');
}

describe('the InferenceService of each dialect', () => {
  for (const version of dialects) {
    it(`${printVersion(version)}${version === 'kfserving-0.6' ? ' (render only)' : ''} is as reviewed`, () => {
      const file = fileOf(version);
      const rendered = documents(version);
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, rendered);
      assert.equal(rendered, readFileSync(file, 'utf8'));
    });
  }
});
