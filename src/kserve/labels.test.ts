import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { labelValue, selectionLabels } from './labels.ts';
import { exampleDeployment } from './testing/example.ts';

describe('labels to select by', () => {
  it('hold the identity of the model', () => {
    const model = {
      architecture: 'ResNet 50',
      framework: 'ONNX',
      task: '图像分类',
      dataset: 'ImageNet-1k',
      version: 2,
      parent: 'resnet',
    } as const;
    assert.deepEqual(selectionLabels(exampleDeployment({ model, runtime: { type: 'Triton' } })), {
      'modelwright.dev/architecture': 'ResNet-50',
      'modelwright.dev/framework': 'ONNX',
      'modelwright.dev/dataset': 'ImageNet-1k',
      'modelwright.dev/version': '2',
      'modelwright.dev/parent': 'resnet',
      'modelwright.dev/runtime': 'Triton',
    });
  });
  it('are valid for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) =>
        /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/.test(labelValue(text)),
      ),
    );
  });
  it('leave a valid value alone', () => {
    for (const value of ['a', 'v1.2_3-x', 'x'.repeat(63)]) assert.equal(labelValue(value), value);
  });
});
