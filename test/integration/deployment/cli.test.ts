/** The commands that read a cluster, and how they say what is wrong. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { apply, applyCrds, freshNamespace } from '../../support/cluster.ts';
import { modelwright } from './modelwright.ts';
import { aModel } from './objects.ts';

describe('modelwright get', () => {
  let namespace: string;
  let dispose: (() => Promise<void>) | undefined;

  before(async () => {
    await applyCrds();
    const fresh = await freshNamespace('library');
    namespace = fresh.name;
    dispose = async () => await fresh[Symbol.asyncDispose]();
    await apply([
      aModel('resnet', namespace, {
        model: { description: 'Images in 1,000 classes', framework: 'ONNX', task: 'image-classification' },
        runtime: { type: 'Triton', version: '23.05-py3' },
      }),
      aModel('iris', namespace, { model: { framework: 'SKLearn', task: 'tabular-classification' } }),
    ]);
  });
  after(() => dispose?.());

  it('prints the library table', async () => {
    const { code, stdout } = await modelwright(['get', '-n', namespace]);
    assert.equal(code, 0);
    assert.match(stdout, /^MODEL +DESCRIPTION +TASK +FRAMEWORK +RUNTIME +PROTOCOL +VERSION +READY +URL\n/);
    assert.match(
      stdout,
      /^resnet +Images in 1,000 classes +image-classification +ONNX +Triton +V2 +23\.05-py3 +Unknown \(NotObserved\) +<none>$/m,
    );
  });
  it('selects by what a model is', async () => {
    const { stdout } = await modelwright(['get', '-n', namespace, '--framework', 'onnx', '-o', 'name']);
    assert.equal(stdout, 'modeldeployment.modelwright.dev/resnet\n');
  });
  it('prints objects for programs', async () => {
    const one = JSON.parse((await modelwright(['get', 'iris', '-n', namespace, '-o', 'json'])).stdout) as { metadata: { name: string } };
    assert.equal(one.metadata.name, 'iris');
    const all = JSON.parse((await modelwright(['get', '-n', namespace, '-o', 'json'])).stdout) as { kind: string; items: unknown[] };
    assert.deepEqual([all.kind, all.items.length], ['List', 2]);
  });

  const mistakes: readonly [string, () => string[], number, RegExp][] = [
    [
      'a model that is not there',
      () => ['get', 'nobody', '-n', namespace],
      1,
      /^Error from server \(NotFound\): modeldeployments\.modelwright\.dev "nobody" not found\n$/,
    ],
    [
      'a format that is none',
      () => ['get', '-o', 'xml'],
      1,
      /^error: unable to match a printer suitable for the output format "xml", allowed formats are: wide, json, yaml, name\n$/,
    ],
    ['a name in all namespaces', () => ['get', 'iris', '-A'], 1, /^error: a resource cannot be retrieved by name across all namespaces\n$/],
    ['an unknown flag', () => ['get', '--colour'], 2, /^error: unknown option '--colour'\n/],
    ['an unknown command', () => ['gte'], 2, /^error: unknown command 'gte'\n\(Did you mean get\?\)\n/],
    ['a context that is none', () => ['get', '--context', 'mars'], 1, /^error: the kubeconfig has no context "mars"; it has /],
    ['a file that is none', () => ['render', '-f', '/nowhere.yaml'], 2, /^error: the path "\/nowhere\.yaml" does not exist\n$/],
    [
      'a version that is none',
      () => ['render', '-f', '-', '--kserve-version', 'new'],
      1,
      /^error: --kserve-version: "new" is no version of KServe; give one such as 0\.15/,
    ],
  ];
  for (const [what, args, exitCode, message] of mistakes) {
    it(`says what is wrong with ${what}, without a stack`, async () => {
      const { code, stdout, stderr } = await modelwright(args());
      assert.match(stderr, message);
      assert.equal(stdout, '');
      assert.equal(code, exitCode);
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
  }
});

describe('modelwright render', () => {
  const manifest = JSON.stringify(
    aModel('iris', 'models', {
      runtime: { type: 'SKLearn', protocol: 'V2' },
      model: { inputs: [{ name: 'x', shape: [-1, 2], dataType: 'FP32' }] },
    }),
  );

  it('prints the InferenceService without a cluster', async () => {
    const { code, stdout } = await modelwright(['render', '-f', '-', '-o', 'json'], manifest);
    assert.equal(code, 0);
    const service = JSON.parse(stdout) as { kind: string; spec: { predictor: { model: { modelFormat: { name: string } } } } };
    assert.deepEqual([service.kind, service.spec.predictor.model.modelFormat.name], ['InferenceService', 'sklearn']);
  });
  it('prints a request that the model takes', async () => {
    const { stdout } = await modelwright(['render', '-f', '-', '--request'], manifest);
    assert.deepEqual(JSON.parse(stdout), { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [0, 0] }] });
  });
  it('refuses what the chosen KServe cannot do', async () => {
    const torch = JSON.stringify(aModel('torch', 'models', { runtime: { type: 'TorchServe', protocol: 'V2' }, deploymentMode: 'Knative' }));
    const { code, stderr } = await modelwright(['render', '-f', '-', '--kserve-version', 'kfserving-0.6'], torch);
    assert.equal(code, 1);
    assert.match(stderr, /^error: ModelDeployment torch:\n {2}spec\.runtime\.protocol/);
  });
});
