import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { requestsFor } from '../payload.ts';
import { seededRandom } from '../statistics/random.ts';
import { checkReply, type ReplyCheck } from './check.ts';
import { grpcTfServingRequest, grpcTfServingSignature, grpcV2Metadata, grpcV2Request } from './grpc.ts';
import { integers, messages, ProtoWriter, readProto, strings } from './protobuf.ts';
import { type ProtocolName, tensorRequest } from './protocol.ts';
import { fixDimensions, type Signature, signatureFromPbtxt, signatureFromTfServing, signatureFromV2 } from './signature.ts';
import { randomInputs, type Tensor, tensorBytes } from './tensor.ts';

const model = { name: 'iris', version: null, signatureName: 'serving_default' };
const tensor: Tensor = { name: 'x', dataType: 'FP32', shape: [2, 2], values: [1, 2, 3, 4] };
const text = (body: Uint8Array) => Buffer.from(body).toString();

describe('protobuf', () => {
  it('reads back what it writes', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.string(),
        fc.array(fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
        (number, string, list) => {
          const fields = readProto(
            new ProtoWriter()
              .varint(1, number)
              .bytes(2, string)
              .packed(3, list)
              .message(4, (inner) => inner.bytes(1, string))
              .finish(),
          );
          assert.equal(fields[0]?.number, number);
          assert.deepEqual(strings(fields, 2), [string]);
          if (list.length > 0) assert.deepEqual(integers(fields, 3), list);
          assert.deepEqual(strings(messages(fields, 4)[0] ?? [], 1), [string]);
        },
      ),
    );
  });
  it('throws on bytes that are no message, and never reads beyond them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          readProto(Buffer.from(bytes));
        } catch (error) {
          assert.match((error as Error).message, /not a protobuf message/);
        }
      }),
    );
  });
});

describe('requests', () => {
  it('V1 sends rows, named where there are several inputs', () => {
    assert.deepEqual(JSON.parse(text(tensorRequest('v1', model, [tensor]).body)), {
      instances: [
        [1, 2],
        [3, 4],
      ],
    });
    assert.deepEqual(JSON.parse(text(tensorRequest('v1', model, [tensor, { ...tensor, name: 'y' }]).body)), {
      instances: [
        { x: [1, 2], y: [1, 2] },
        { x: [3, 4], y: [3, 4] },
      ],
    });
    assert.equal(tensorRequest('v1', { ...model, version: '3' }, [tensor]).path, '/v1/models/iris/versions/3:predict');
  });

  it('V2 sends flat tensors, the binary extension raw ones behind a header of the stated length', () => {
    const { path, body } = tensorRequest('v2', model, [tensor]);
    assert.equal(path, '/v2/models/iris/infer');
    assert.deepEqual(JSON.parse(text(body)), { inputs: [{ name: 'x', datatype: 'FP32', shape: [2, 2], data: [1, 2, 3, 4] }] });
    const binary = tensorRequest('v2-binary', model, [tensor]);
    const length = Number(binary.headers.find(([name]) => name === 'inference-header-content-length')?.[1]);
    assert.deepEqual(JSON.parse(text(binary.body.subarray(0, length))), {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [2, 2], parameters: { binary_data_size: 16 } }],
      parameters: { binary_data_output: true },
    });
    assert.deepEqual([...new Float32Array(Uint8Array.from(binary.body.subarray(length)).buffer)], [1, 2, 3, 4]);
  });

  it('gRPC V2 has the fields of ModelInferRequest', () => {
    const fields = readProto(grpcV2Request({ ...model, version: '2' }, [tensor]));
    assert.deepEqual([strings(fields, 1), strings(fields, 2)], [['iris'], ['2']]);
    const [input] = messages(fields, 5);
    assert.deepEqual([strings(input ?? [], 1), strings(input ?? [], 2), integers(input ?? [], 3)], [['x'], ['FP32'], [2, 2]]);
    assert.equal(fields.find((field) => field.field === 7)?.bytes.length, 16);
  });

  it('gRPC TFServing has the fields of PredictRequest', () => {
    const fields = readProto(
      grpcTfServingRequest({ ...model, version: '7' }, [tensor, { name: 's', dataType: 'BYTES', shape: [2], values: ['a', 'bc'] }]),
    );
    const [spec] = messages(fields, 1);
    assert.deepEqual(
      [strings(spec ?? [], 1), integers(messages(spec ?? [], 2)[0] ?? [], 1), strings(spec ?? [], 3)],
      [['iris'], [7], ['serving_default']],
    );
    const [first, second] = messages(fields, 2);
    assert.deepEqual(strings(first ?? [], 1), ['x']);
    const [proto] = messages(first ?? [], 2);
    assert.deepEqual(integers(proto ?? [], 1), [1]);
    assert.deepEqual(
      messages(messages(proto ?? [], 2)[0] ?? [], 2).map((dim) => integers(dim, 1)[0]),
      [2, 2],
    );
    assert.deepEqual(strings(messages(second ?? [], 2)[0] ?? [], 8), ['a', 'bc']);
  });

  it('writes every element type in as many bytes as it has', () => {
    const bytes = (dataType: Tensor['dataType'], values: number[]) => [
      ...tensorBytes({ name: 'x', dataType, shape: [values.length], values }),
    ];
    assert.deepEqual(bytes('FP16', [1, -2, 0.5, 65_536]), [0x00, 0x3c, 0x00, 0xc0, 0x00, 0x38, 0x00, 0x7c]);
    assert.deepEqual(bytes('BF16', [1]), [0x80, 0x3f]);
    assert.deepEqual(bytes('INT64', [-1]), new Array(8).fill(255));
    assert.deepEqual(bytes('UINT8', [200]), [200]);
    assert.deepEqual([...tensorBytes({ name: 'x', dataType: 'BYTES', shape: [1], values: ['hi'] })], [2, 0, 0, 0, 104, 105]);
  });
});

describe('signatures', () => {
  const metadata = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }], outputs: [{ name: 'y' }] };
  it('come from V2 metadata over REST and gRPC alike', () => {
    const fromRest = signatureFromV2(metadata);
    const reply = new ProtoWriter()
      .message(4, (input) => input.bytes(1, 'x').bytes(2, 'FP32').packed(3, [-1, 4]))
      .message(5, (output) => output.bytes(1, 'y'))
      .finish();
    assert.deepEqual(signatureFromV2(grpcV2Metadata(reply)), fromRest);
    assert.deepEqual(fromRest, {
      source: 'V2 metadata',
      inputs: [{ name: 'x', dataType: 'FP32', shape: [-1, 4] }],
      outputs: ['y'],
      batched: true,
    });
  });

  it('come from TensorFlow Serving over REST and gRPC alike', () => {
    const rest = signatureFromTfServing({
      metadata: {
        signature_def: {
          signature_def: {
            serving_default: {
              inputs: { x: { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: '-1' }, { size: '4' }] } } },
              outputs: { y: {} },
            },
          },
        },
      },
    });
    const dim = (size: number) => (shape: ProtoWriter) => shape.message(2, (d) => d.varint(1, size));
    const info = (entry: ProtoWriter) =>
      entry.bytes(1, 'x').message(2, (i) =>
        i.varint(2, 1).message(3, (shape) => {
          dim(-1)(shape);
          dim(4)(shape);
        }),
      );
    const definition = new ProtoWriter()
      .message(1, info)
      .message(2, (entry) => entry.bytes(1, 'y'))
      .finish();
    const map = new ProtoWriter().message(1, (entry) => entry.bytes(1, 'serving_default').bytes(2, definition)).finish();
    const reply = new ProtoWriter().message(2, (entry) => entry.bytes(1, 'signature_def').message(2, (any) => any.bytes(2, map))).finish();
    assert.deepEqual(grpcTfServingSignature(reply, 'serving_default'), rest);
    assert.throws(() => signatureFromTfServing({}, 'other'), /no signature "other"/);
  });

  it('come from config.pbtxt, with the batch in front when there is one', () => {
    const config = (batch: number) =>
      `name: "m" max_batch_size: ${batch} input [ { name: "a" data_type: TYPE_FP32 dims: [ 3, -1 ] }, { name: "b" data_type: TYPE_STRING dims: 1 } ] output { name: "o" data_type: TYPE_INT64 dims: [ 1 ] }`;
    assert.deepEqual(signatureFromPbtxt(config(8)).inputs, [
      { name: 'a', dataType: 'FP32', shape: [-1, 3, -1] },
      { name: 'b', dataType: 'BYTES', shape: [-1, 1] },
    ]);
    assert.equal(signatureFromPbtxt(config(0)).batched, false);
    assert.throws(() => signatureFromPbtxt('name: "m" input ['), /cannot be read/);
  });

  const dynamic: Signature = { source: 't', inputs: [{ name: 'a', dataType: 'FP32', shape: [-1, -1, 3, -1] }], outputs: [], batched: true };
  it('have their dynamic dimensions fixed by flag', () => {
    assert.deepEqual(fixDimensions(dynamic, ['16']).inputs[0]?.shape, [-1, 16, 3, 16]);
    assert.deepEqual(fixDimensions(dynamic, ['a=5x7']).inputs[0]?.shape, [-1, 5, 3, 7]);
    assert.throws(() => fixDimensions(dynamic, []), /input "a" has the dynamic shape \[-1, -1, 3, -1\]; give its size with --dim a=SIZE/);
    assert.throws(() => fixDimensions(dynamic, ['b=2']), /no input "b"/);
    assert.throws(() => fixDimensions(dynamic, ['x']), /neither SIZE nor/);
  });

  it('make inputs of the batch and shape asked for, the same for the same seed', () => {
    const signature = fixDimensions(dynamic, ['2']);
    const [input] = randomInputs(signature, 4, seededRandom(1));
    assert.deepEqual([input?.shape, input?.values.length], [[4, 2, 3, 2], 48]);
    assert.deepEqual(randomInputs(signature, 4, seededRandom(1)), [input]);
  });
});

describe('samples', () => {
  const v1 = { kind: 'samples', samples: [{ instances: [[1], [2], [3]] }] } as const;
  it('are scaled to the batch and start elsewhere in each request', () => {
    const bodies = requestsFor(v1, 'v1', model, 4, 1).map((request) => JSON.parse(text(request.body)).instances);
    assert.deepEqual(bodies, [
      [[1], [2], [3], [1]],
      [[2], [3], [1], [2]],
      [[3], [1], [2], [3]],
    ]);
  });
  it('of V2 serve every tensor protocol', () => {
    const sample = { inputs: [{ name: 'x', shape: [2, 2], datatype: 'FP32', data: [1, 2, 3, 4] }] };
    const payload = { kind: 'samples', samples: [sample] } as const;
    assert.deepEqual(JSON.parse(text(requestsFor(payload, 'v2', model, 3, 1)[0]?.body as Uint8Array)).inputs[0].data, [1, 2, 3, 4, 1, 2]);
    for (const protocol of ['v2-binary', 'grpc-v2', 'grpc-tfserving', 'v1'] as const)
      assert.equal(requestsFor(payload, protocol, model, 3, 1).length, 2);
  });
  it('that are none are refused with what is expected', () => {
    assert.throws(() => requestsFor({ kind: 'samples', samples: [{ x: 1 }] }, 'v1', model, 1, 1), /must be JSON with "instances"/);
    assert.throws(
      () =>
        requestsFor(
          { kind: 'samples', samples: [{ inputs: [{ name: 'x', shape: [3], datatype: 'FP32', data: [1] }] }] },
          'v2',
          model,
          1,
          1,
        ),
      /1 values for the shape \[3\]/,
    );
    assert.throws(
      () => requestsFor({ kind: 'raw', bodies: [Buffer.from('x')], contentType: 'text/plain' }, 'http', model, 2, 1),
      /cannot be scaled to batch size 2/,
    );
  });
});

describe('checking replies', () => {
  const check = (protocol: ProtocolName, body: string | Buffer, batchSize = 2) =>
    checkReply({ protocol, batchSize, batched: true, minimumBytes: 0 } satisfies ReplyCheck, Buffer.from(body));
  it('accepts what is right', () => {
    assert.equal(check('v1', '{"predictions":[1,2]}'), undefined);
    assert.equal(check('v2', '{"outputs":[{"name":"y","shape":[2,1],"datatype":"FP32","data":[1,2]}]}'), undefined);
    assert.equal(check('torchserve', '{"cat": 0.9}'), undefined);
    const header = '{"outputs":[{"name":"y","shape":[2,1],"datatype":"FP32","parameters":{"binary_data_size":8}}]}';
    assert.equal(check('v2-binary', Buffer.concat([Buffer.from(header), Buffer.alloc(8, 0x7d)])), undefined);
    assert.equal(check('grpc-v2', new ProtoWriter().message(5, (output) => output.bytes(1, 'y').packed(3, [2, 1])).finish()), undefined);
  });
  it("looks at the batch of TensorFlow Serving's tensors, of which some may have none", () => {
    const reply = (...shapes: readonly (readonly number[])[]) =>
      shapes
        .reduce(
          (writer, sizes, i) =>
            writer.message(1, (output) =>
              output.bytes(1, `y${i}`).message(2, (tensor) =>
                tensor.message(2, (shape) => {
                  for (const size of sizes) shape.message(2, (dim) => dim.varint(1, size));
                }),
              ),
            ),
          new ProtoWriter(),
        )
        .finish();
    assert.equal(check('grpc-tfserving', reply([2, 3])), undefined);
    assert.equal(check('grpc-tfserving', reply([1000], [2, 3])), undefined);
    assert.match(check('grpc-tfserving', reply([1, 3])) ?? '', /output "y0" has the shape \[1, 3\] for a batch of 2/);
    assert.match(check('grpc-tfserving', reply()) ?? '', /no outputs/);
  });
  it('takes an error that is none for what it is', () => {
    assert.equal(check('v1', '{"error":null,"predictions":[1,2]}'), undefined);
    assert.equal(check('v1', '{"error":"","predictions":[1,2]}'), undefined);
  });
  it('says what is wrong', () => {
    assert.match(check('v1', '{"predictions":[1]}') ?? '', /1 predictions for a batch of 2/);
    assert.match(check('v1', '{"error":"boom"}') ?? '', /the reply says: boom/);
    assert.match(check('v2', '{"outputs":[{"name":"y","shape":[1,1],"data":[1]}]}') ?? '', /shape \[1, 1\] for a batch of 2/);
    assert.match(check('v2', '{"outputs":[{"name":"y","shape":[2,1],"data":[1]}]}') ?? '', /1 values for the shape/);
    assert.match(check('v2', '<html>') ?? '', /not JSON/);
    assert.match(check('torchserve', '{"code":503,"message":"down"}') ?? '', /the reply says: down/);
    assert.match(check('grpc-v2', Buffer.from([0xff])) ?? '', /cannot be read/);
    const header = '{"outputs":[{"name":"y","shape":[2,1],"parameters":{"binary_data_size":8}}]}';
    assert.match(check('v2-binary', Buffer.concat([Buffer.from(header), Buffer.alloc(4)])) ?? '', /4 bytes of tensors and announces 8/);
  });
});
