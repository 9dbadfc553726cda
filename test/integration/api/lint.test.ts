import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { judgeManifests } from '../../../src/cli/lint/judge-manifests.ts';
import { applyCrds, freshNamespace, kubectl } from '../../support/cluster.ts';
import { verdictOf } from './verdict.ts';

const head = 'apiVersion: modelwright.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: iris}\nspec:\n';
const rest = '  runtime: {type: Triton}\n  source: {storageUri: "gs://bucket/iris"}\n';
const tensor = (text: string) => `  model: {inputs: [${text}]}\n`;

/** YAML as people write it, and whether it can be applied. What YAML makes of unquoted text is judged alike by kubectl and by lint. */
const texts: readonly (readonly [spec: string, accepted: boolean])[] = [
  ['', true],
  ['  gpu:\n', true],
  ['  model: {version: 1}\n', true],
  ['  model: {version: "1"}\n', false],
  ['  model: {version: 1.0}\n', true],
  ['  model: {version: 1.5}\n', false],
  ['  model: {version: 0}\n', false],
  ['  model: {version: 0x10}\n', true],
  ['  model: {license: yes}\n', false],
  ['  model: {license: "yes"}\n', true],
  ['  model: {license: 2.0}\n', false],
  ['  model: {license: 2.0.1}\n', true],
  ['  model: {license: 1_000}\n', false],
  ['  model: {license: 12:30}\n', true],
  ['  model: {license: 2001-01-01}\n', true],
  ['  model: {license: ~}\n', true],
  ['  model: {metrics: [{name: acc, value: 0.97}]}\n', false],
  ['  model: {metrics: [{name: acc, value: "0.97"}]}\n', true],
  ['  model: {metrics: [{name: acc, value: "1"}, {name: acc, value: "2"}]}\n', false],
  [tensor('{name: y, shape: [1], dataType: FP32}'), false],
  [tensor('{name: x, shape: [-1, 4], dataType: FP32}'), true],
  [tensor('{name: x, shape: [-2], dataType: FP32}'), false],
  [tensor('{name: x, shape: [1.5], dataType: FP32}'), false],
  [tensor('{name: x, shape: [0], dataType: FP32}'), false],
  [tensor('{name: x, shape: 4, dataType: FP32}'), false],
  [tensor('{name: x, dataType: FP32}'), false],
  [tensor('{name: "", shape: [], dataType: FP32}'), false],
  ['  resources: {limits: {cpu: 0.5}}\n', false],
  ['  resources: {limits: {cpu: "0.5"}}\n', true],
  ['  resources: {limits: {cpu: 1, memory: 1e9}}\n', true],
  ['  resources: {limits: {cpu: 1.0}}\n', true],
  ['  resources: {limits: {memory: 1GB}}\n', false],
  ['  resources: {limits: {memory: "1Gi "}}\n', false],
  ['  resources: {limits: {memory: true}}\n', false],
  ['  resources: {limits: {memory: -1}}\n', false],
  ['  resources: {limits: {memory: "-1"}}\n', false],
  ['  resources: [cpu]\n', false],
  ['  resources: {limit: {cpu: 1}}\n', false],
  ['  podMetadata: {labels: {team: on}}\n', false],
  ['  podMetadata: {labels: {team: a b}}\n', false],
  ['  podMetadata: {annotations: {a: 1}}\n', false],
  ['  suspend: yes\n', true],
  ['  suspend: "yes"\n', false],
  ['  suspend: 1\n', false],
  ['  deploymentMode: RawDeployment\n', false],
  ['  scaling: {maxReplicas: 0}\n', false],
  ['  scaling: {maxReplicas: 1_000}\n', true],
  ['  scaling: {maxReplicas: 1001}\n', false],
  ['  imagePullSecrets: [registry]\n', false],
  ['  imagePullSecrets: [{name: registry}]\n', true],
  ['  imagePullSecrets: [{name: registry}, {name: registry}]\n', false],
  ['  scheduling: {affinity: {nodeAffinity: {}}}\n', true],
  ['  scheduling: {affinity: {nodeaffinity: {}}}\n', false],
  ['  rollout: {canaryTrafficPercent: 101}\n', false],
  ['  transformer: {}\n', false],
  ['  transformer: {image: "a b"}\n', false],
  ['  serviceAccountName: Bad_Name\n', false],
];

describe('lint says of a text what kubectl and the API server say', { concurrency: 2 }, () => {
  let namespace: Awaited<ReturnType<typeof freshNamespace>>;
  before(async () => {
    await applyCrds();
    namespace = await freshNamespace('lint');
  });
  after(() => namespace[Symbol.asyncDispose]());

  for (const [spec, accepted] of texts) {
    it(`${spec.trim() || 'nothing but what is needed'}: ${accepted ? 'accepted' : 'refused'}`, async () => {
      const text = `${head}${spec}${rest}`;
      const verdict = await verdictOf(kubectl(['create', '--dry-run=server', '-n', namespace.name, '-f', '-'], { input: text }));
      assert.equal(verdict.accepted, accepted, `the API server: ${verdict.complaints.join('; ')}`);
      const errors = judgeManifests([{ file: 'x.yaml', text }]).findings.filter(({ severity }) => severity === 'error');
      assert.equal(errors.length === 0, accepted, `lint: ${errors.map(({ path, sentence }) => `${path} ${sentence}`).join('; ')}`);
    });
  }
});
