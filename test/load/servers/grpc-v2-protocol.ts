/** A test server that speaks the Open Inference Protocol over gRPC for a known function: the sum of each row of four. */
import { integers, messages, ProtoWriter, readProto, strings } from '../../../src/load/protocol/protobuf.ts';
import { type GrpcAnswer, type ServerTls, serveUnaryGrpc, type UnaryGrpcServer } from './unary-grpc.ts';

/** Serves the model `sum`; over TLS where a certificate is given. */
export function startGrpcV2Protocol(tls?: ServerTls): Promise<UnaryGrpcServer> {
  return serveUnaryGrpc((path, message) => {
    const fields = readProto(message);
    const [model] = strings(fields, 1);
    if (model !== 'sum') return { status: 5, message: 'unknown model' };
    switch (path) {
      case '/inference.GRPCInferenceService/ModelMetadata':
        return metadata();
      case '/inference.GRPCInferenceService/ModelInfer':
        return infer(fields);
      default:
        return { status: 12, message: 'unknown method' };
    }
  }, tls);
}

/** ModelMetadataResponse: name 1, inputs 4 and outputs 5 of {name 1, datatype 2, shape 3}. */
function metadata(): Buffer {
  return new ProtoWriter()
    .bytes(1, 'sum')
    .message(4, (x) => x.bytes(1, 'x').bytes(2, 'FP32').packed(3, [-1, 4]))
    .message(5, (y) => y.bytes(1, 'y').bytes(2, 'FP32').packed(3, [-1, 1]))
    .finish();
}

/** ModelInferRequest {inputs 5 {shape 3}, raw_input_contents 7} to ModelInferResponse {outputs 5 {name 1, datatype 2, shape 3}, raw_output_contents 6}. */
function infer(fields: ReturnType<typeof readProto>): GrpcAnswer {
  const [input] = messages(fields, 5);
  const [rows = 0, columns = 0] = integers(input ?? [], 3);
  const content = fields.find(({ field }) => field === 7)?.bytes ?? Buffer.alloc(0);
  if (columns !== 4 || content.length !== rows * 16) return { status: 3, message: `expected [-1, 4] and ${rows * 16} bytes` };
  const sums = Buffer.alloc(rows * 4);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let i = 0; i < 4; i++) sum += content.readFloatLE(row * 16 + i * 4);
    sums.writeFloatLE(sum, row * 4);
  }
  return new ProtoWriter()
    .bytes(1, 'sum')
    .message(5, (y) => y.bytes(1, 'y').bytes(2, 'FP32').packed(3, [rows, 1]))
    .bytes(6, sums)
    .finish();
}
