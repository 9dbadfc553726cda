import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ModelConfig } from '../triton/config.ts';
import { generateConfig } from '../triton/generate.ts';
import { parseConfig } from '../triton/parse.ts';
import { printConfig } from '../triton/print.ts';
import { readOnnx } from './onnx.ts';
import { readSavedModel } from './saved-model.ts';
import type { ModelSignature } from './tensor.ts';
import { WireError } from './wire.ts';

/** A protobuf field: a number as varint, text or bytes as length-delimited. */
function field(number: number, value: number | string | Buffer): Buffer {
  const varint = (n: number): Buffer => {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(n));
    do {
      bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
      rest >>= 7n;
    } while (rest > 0n);
    return Buffer.from(bytes);
  };
  if (typeof value === 'number') return Buffer.concat([varint(number << 3), varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}
const join = (...parts: Buffer[]) => Buffer.concat(parts);
const from = (bytes: Buffer) => async (start: number, length: number) => bytes.subarray(start, start + length);

function onnxTensor(name: string, type: number, dims: (number | string)[]): Buffer {
  const shape = join(...dims.map((dim) => field(1, typeof dim === 'number' ? field(1, dim) : field(2, dim))));
  return join(field(1, name), field(2, field(1, join(field(1, type), field(2, shape)))));
}
const onnx = join(
  field(1, 8),
  field(2, 'producer'),
  field(
    7,
    join(
      field(2, 'graph'),
      field(5, join(field(8, 'weights'), field(9, Buffer.alloc(10_000)), field(13, join(field(1, 'location'), field(2, 'weights.bin'))))),
      field(11, onnxTensor('image', 1, ['batch', 3, 224, 224])),
      field(11, onnxTensor('weights', 1, [3])),
      field(12, onnxTensor('label', 7, ['batch'])),
    ),
  ),
  field(8, field(2, 17)),
);

function tfTensor(name: string, type: number, dims: number[] | undefined): Buffer {
  const shape = dims === undefined ? field(3, 1) : join(...dims.map((dim) => field(2, field(1, dim))));
  return join(field(1, name), field(2, join(field(1, `${name}:0`), field(2, type), field(3, shape))));
}
const savedModel = join(
  field(1, 1),
  field(
    2,
    join(
      field(1, field(4, 'serve')),
      field(
        5,
        join(
          field(1, 'serving_default'),
          field(2, join(field(1, tfTensor('x', 1, [-1, 4])), field(2, tfTensor('y', 7, [-1])), field(2, tfTensor('a', 9, undefined)))),
        ),
      ),
    ),
  ),
);

describe('the signature of an ONNX model', () => {
  it('has inputs without weights, names and shapes', async () => {
    const model = await readOnnx(from(onnx), onnx.length);
    assert.deepEqual(model, {
      irVersion: 8,
      opset: 17,
      inputs: [{ name: 'image', dataType: 'FP32', shape: [-1, 3, 224, 224] }],
      outputs: [{ name: 'label', dataType: 'INT64', shape: [-1] }],
      externalFiles: ['weights.bin'],
    });
  });
  it('is read without the weights', async () => {
    let read = 0;
    const weights = join(
      field(1, 8),
      field(7, join(field(5, join(field(8, 'w'), field(9, Buffer.alloc(5_000_000)))), field(11, onnxTensor('x', 1, [1])))),
    );
    await readOnnx(async (start, length) => {
      read += length;
      return weights.subarray(start, start + length);
    }, weights.length);
    assert.ok(read < 50_000, String(read));
  });
  it('does not exist for another file', async () => {
    assert.equal(await readOnnx(from(savedModel), savedModel.length), undefined);
    await assert.rejects(
      readOnnx(from(onnx), onnx.length - 5).then(() => readOnnx(from(Buffer.from('PK\x03\x04')), 4)),
      WireError,
    );
  });
  it('any bytes get an answer or a WireError', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        for (const read of [readOnnx, readSavedModel]) {
          await read(from(Buffer.from(bytes)), bytes.length).catch((error: unknown) => assert.ok(error instanceof WireError));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('the signature of a SavedModel', () => {
  it('has tags, names sorted, and unknown ranks', async () => {
    const model = await readSavedModel(from(savedModel), savedModel.length);
    assert.deepEqual(model?.tags, ['serve']);
    assert.deepEqual(model.signatures.get('serving_default'), {
      inputs: [{ name: 'x', dataType: 'FP32', shape: [-1, 4] }],
      outputs: [
        { name: 'a', dataType: 'INT64', shape: undefined },
        { name: 'y', dataType: 'BYTES', shape: [-1] },
      ],
    });
  });
});

describe('a generated config.pbtxt', () => {
  const signature = (inputs: number[][], outputs: number[][]): ModelSignature => ({
    inputs: inputs.map((shape, index) => ({ name: `in${index}`, dataType: 'FP32', shape })),
    outputs: outputs.map((shape, index) => ({ name: `out${index}`, dataType: 'INT64', shape })),
  });
  const config = (value: ModelSignature) => generateConfig({ name: 'm', platform: 'onnxruntime_onnx', signature: value }) as ModelConfig;

  it('batches when every first dimension varies', () => {
    const made = config(signature([[-1, 3, 224, 224]], [[-1, 1000]]));
    assert.equal(made.max_batch_size, 4);
    assert.deepEqual(made.input?.[0]?.dims, [3, 224, 224]);
  });
  it('does not batch when one is fixed', () => {
    const made = config(
      signature(
        [
          [-1, 3],
          [1, 3],
        ],
        [[-1, 2]],
      ),
    );
    assert.equal(made.max_batch_size, 0);
    assert.deepEqual(made.input?.[0]?.dims, [-1, 3]);
  });
  it('reshapes what would be a scalar', () => {
    assert.deepEqual(config(signature([[-1, 3]], [[-1]])).output?.[0], {
      name: 'out0',
      data_type: 'TYPE_INT64',
      dims: [1],
      reshape: { shape: [] },
    });
  });
  it('is not made without types and ranks', () => {
    const unknown: ModelSignature = { inputs: [{ name: 'x', dataType: 'FP32', shape: undefined }], outputs: signature([], [[1]]).outputs };
    assert.match(
      generateConfig({ name: 'm', platform: 'onnxruntime_onnx', signature: unknown }) as string,
      /does not say how many dimensions/,
    );
  });
  it('survives names that want to break out of their quotes', () => {
    const name = 'x" dims: [9] }\n#\\';
    const made = config({ inputs: [{ name, dataType: 'FP32', shape: [1] }], outputs: [{ name: 'y', dataType: 'BYTES', shape: [1] }] });
    assert.equal(parseConfig(printConfig(made)).input?.[0]?.name, name);
  });
});
