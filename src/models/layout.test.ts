import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Layout, recogniseLayout } from './layout.ts';
import { lintGpuSuffix, lintSKLearn, lintSKLearnVersion, lintTFServing } from './layout-lint.ts';
import type { RuntimeType } from './names.ts';

const kserve = { major: 0, minor: 20 };

describe('the layout of a folder', () => {
  const table: [string, string[], RuntimeType, string[], number[], Record<string, string>, RuntimeType?][] = [
    ['Triton repository', ['a/1/model.onnx', 'a/config.pbtxt', 'b/2/model.pt'], 'Triton', ['a', 'b'], [1, 2], {}],
    ['TFServing versions', ['1/saved_model.pb', '3/saved_model.pb', '3/variables/variables.index'], 'TFServing', [], [1, 3], {}],
    ['TorchServe', ['config/config.properties', 'model-store/rcnn.mar'], 'TorchServe', ['rcnn'], [], {}],
    ['scikit-learn', ['model.joblib'], 'SKLearn', [], [], {}],
    ['scikit-learn under its own name', ['iris.pkl'], 'SKLearn', [], [], { 'iris.pkl': 'model.pkl' }],
    ['XGBoost', ['model.ubj'], 'XGBoost', [], [], {}],
    ['LightGBM', ['model.bst'], 'LightGBM', [], [], {}, 'LightGBM'],
    [
      'bare SavedModel',
      ['saved_model.pb', 'variables/variables.index'],
      'TFServing',
      [],
      [1],
      { 'saved_model.pb': '1/saved_model.pb', 'variables/variables.index': '1/variables/variables.index' },
    ],
    [
      'bare SavedModel for Triton',
      ['saved_model.pb'],
      'Triton',
      ['m'],
      [1],
      { 'saved_model.pb': 'm/1/model.savedmodel/saved_model.pb' },
      'Triton',
    ],
    ['bare ONNX', ['resnet.onnx'], 'Triton', ['resnet'], [1], { 'resnet.onnx': 'resnet/1/model.onnx' }],
    [
      'ONNX with weights beside it',
      ['model.onnx', 'model.onnx.data'],
      'Triton',
      ['m'],
      [1],
      { 'model.onnx': 'm/1/model.onnx', 'model.onnx.data': 'm/1/model.onnx.data' },
    ],
    [
      "one Triton model's directory",
      ['config.pbtxt', '1/model.onnx'],
      'Triton',
      ['m'],
      [1],
      { 'config.pbtxt': 'm/config.pbtxt', '1/model.onnx': 'm/1/model.onnx' },
    ],
    [
      'bare archives',
      ['a.mar', 'b.mar', 'config.properties'],
      'TorchServe',
      ['a', 'b'],
      [],
      { 'a.mar': 'model-store/a.mar', 'b.mar': 'model-store/b.mar', 'config.properties': 'config/config.properties' },
    ],
    ['ensemble with an empty version directory', ['pipe/config.pbtxt', 'pipe/1/'], 'Triton', ['pipe'], [], {}],
  ];
  for (const [what, paths, runtime, models, versions, moves, asked] of table) {
    it(`${what} is ${runtime}`, () => {
      const layout = recogniseLayout(paths, { name: 'm', ...(asked === undefined ? {} : { runtime: asked }) }) as Layout;
      assert.equal(typeof layout, 'object', String(layout));
      assert.deepEqual(
        [layout.runtime, layout.models, layout.versions, Object.fromEntries(layout.moves)],
        [runtime, models, versions, moves],
      );
    });
  }
  it('is not guessed where several fit', () =>
    assert.match(recogniseLayout(['model.bst'], { name: 'm' }) as string, /fit XGBoost and LightGBM; say which with --runtime/));
  it('is asked for where none fits', () =>
    assert.match(recogniseLayout(['weights.h5'], { name: 'm' }) as string, /fit no layout of any runtime/));
  it('of empty directories alone is none', () =>
    assert.match(recogniseLayout(['config/', 'model-store/'], { name: 'm' }) as string, /zip made without -r/));
});

describe('the rules of a layout', () => {
  const tf = (paths: string[]) => lintTFServing(paths).map(({ code, path }) => `${code} ${path}`);
  it('TFServing wants numbers, saved_model.pb and whole variables', () => {
    assert.deepEqual(tf(['1/saved_model.pb', '1/variables/variables.index', '1/variables/variables.data-00000-of-00001']), []);
    assert.deepEqual(tf(['v1/saved_model.pb']), ['MW-L0110 v1']);
    assert.deepEqual(tf(['1/savedmodel.pb']), ['MW-L0111 1/savedmodel.pb']);
    assert.deepEqual(tf(['1/saved_model.pb', '1/variables/variables.index']), ['MW-L0112 1/variables']);
    assert.deepEqual(tf(['README.md']), ['MW-L0110 .']);
  });
  const sk = (paths: string[], old = false) => lintSKLearn(paths, old ? 'kfserving-0.6' : kserve).map(({ code }) => code);
  it('scikit-learn wants exactly one artefact at the top', () => {
    assert.deepEqual(sk(['model.joblib']), []);
    assert.deepEqual(sk(['a.joblib', 'b.pkl']), ['MW-L1202']);
    assert.deepEqual(sk(['models/model.joblib']), ['MW-L1201']);
    assert.deepEqual(sk(['iris.joblib'], true), ['MW-L1203']);
  });
  it("a pickle's version is compared by its minor", () => {
    assert.deepEqual(lintSKLearnVersion('m', ['1.5.0'], '1.5.2'), []);
    assert.equal(lintSKLearnVersion('m', ['0.24.2'], '1.5')[0]?.code, 'MW-L1204');
  });
  it('a -gpu tag goes with a GPU, both ways', () => {
    assert.deepEqual(lintGpuSuffix('TFServing', '2.6.2-gpu', 1), []);
    assert.deepEqual(lintGpuSuffix('TFServing', '2.6.2', 0), []);
    assert.equal(lintGpuSuffix('TFServing', '2.6.2-gpu', 0)[0]?.code, 'MW-L0501');
    assert.equal(lintGpuSuffix('TorchServe', '0.9.0', 2)[0]?.code, 'MW-L0501');
    assert.deepEqual(lintGpuSuffix('Triton', '23.05-py3', 1), []);
  });
});
