import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sampleRequest } from './sample-request.ts';

const x = { name: 'x', shape: [-1, 2], dataType: 'FP32' } as const;
const ids = { name: 'ids', shape: [1, 3], dataType: 'INT64' } as const;

describe('a sample request', () => {
  it('of V1 has one instance without the batch dimension', () => {
    assert.deepEqual(sampleRequest([x as never], 'V1', 'iris'), { instances: [[0, 0]] });
    assert.deepEqual(sampleRequest([x as never, ids as never], 'V1', 'iris'), { instances: [{ x: [0, 0], ids: [0, 0, 0] }] });
  });
  it('of V2 has shape, datatype and as many values as the shape says', () => {
    assert.deepEqual(sampleRequest([x as never], 'V2', 'iris'), { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [0, 0] }] });
  });
  it('of GRPCV2 is the protobuf message in JSON', () => {
    assert.deepEqual(sampleRequest([ids as never], 'GRPCV2', 'bert'), {
      model_name: 'bert',
      inputs: [{ name: 'ids', shape: [1, 3], datatype: 'INT64', contents: { int64_contents: [0, 0, 0] } }],
    });
  });
  it('of GRPCV1 is a PredictRequest in JSON', () => {
    assert.deepEqual(sampleRequest([x as never], 'GRPCV1', 'half'), {
      model_spec: { name: 'half' },
      inputs: { x: { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: 1 }, { size: 2 }] }, float_val: [0, 0] } },
    });
  });
});
