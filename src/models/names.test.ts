import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { lintInferenceServiceName, lintNameAgreement, parseRuntimeType, servedModelName, suggestName } from './names.ts';

const kserve = { major: 0, minor: 20 };

describe('an InferenceService name', () => {
  for (const name of ['iris', 'a', 'resnet50-onnx-triton']) {
    it(`"${name}" is accepted`, () => assert.deepEqual(lintInferenceServiceName(name, kserve), []));
  }
  for (const name of ['', 'Iris', '9iris', 'iris-', 'resnet50-onnx- triton', 'iris.v2', 'i\nris']) {
    it(`${JSON.stringify(name)} is refused`, () => assert.equal(lintInferenceServiceName(name, kserve)[0]?.code, 'MW-L0201'));
  }
  it('leaves room for the suffix of its version', () => {
    const accepts = (length: number, minor: number, mode: 'Standard' | 'Knative') =>
      lintInferenceServiceName('a'.repeat(length), { major: 0, minor }, mode).length === 0;
    for (const [longest, minor, mode] of [
      [48, 20, 'Standard'],
      [53, 20, 'Knative'],
      [40, 10, 'Standard'],
      [45, 10, 'Knative'],
    ] as const) {
      assert.ok(accepts(longest, minor, mode), `${longest} characters on 0.${minor} in ${mode} mode`);
      assert.equal(lintInferenceServiceName('a'.repeat(longest + 1), { major: 0, minor }, mode)[0]?.code, 'MW-L0202');
    }
  });
  it('is suggested from any text', () => {
    assert.equal(suggestName('resnet50-onnx- Triton'), 'resnet50-onnx-triton');
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => lintInferenceServiceName(suggestName(text), kserve).length === 0));
  });
});

describe('the name that clients call', () => {
  it("is the service's for servers that are told it", () => {
    assert.equal(servedModelName('iris', { runtime: 'SKLearn', models: [] }), 'iris');
  });
  it('is the directory for Triton and the snapshot key for TorchServe', () => {
    assert.equal(servedModelName('resnet', { runtime: 'Triton', models: ['resnet50'] }), 'resnet50');
    assert.equal(servedModelName('rcnn', { runtime: 'TorchServe', models: ['faster-rcnn'] }), 'faster-rcnn');
    assert.equal(servedModelName('b', { runtime: 'Triton', models: ['a', 'b'] }), 'b');
  });
  it('is warned about when it differs from the deployment', () => {
    const [finding] = lintNameAgreement('resnet', { runtime: 'Triton', models: ['resnet50'] });
    assert.equal(finding?.code, 'MW-L0203');
    assert.match(finding?.sentence ?? '', /get 404 although the service is Ready/);
    assert.deepEqual(lintNameAgreement('iris', { runtime: 'SKLearn', models: [] }), []);
  });
});

describe('a runtime type', () => {
  it('is read in any case', () => assert.equal(parseRuntimeType('tfserving'), 'TFServing'));
  it('is undefined for another word', () => assert.equal(parseRuntimeType('vllm'), undefined));
});
