/**
 * A test server that speaks TensorFlow Serving's protocols over a known function (the sum of each row); it is not TensorFlow Serving, whose
 * binary no package registry has. REST: `:predict`, `/metadata`, `/monitoring/prometheus/metrics`; gRPC: Predict, GetModelMetadata.
 * `/dcgm` answers as a DCGM exporter does, with the GPU of this server's pod and that of another.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messages, ProtoWriter, readProto, strings } from '../../../src/load/protocol/protobuf.ts';
import { type ServerTls, serveUnaryGrpc } from './unary-grpc.ts';

export interface TfServingProtocolServer extends AsyncDisposable {
  readonly http: string;
  readonly grpc: string;
}

const metadataOf = (name: string, version: string) => ({
  model_spec: { name, signature_name: '', version },
  metadata: {
    signature_def: {
      signature_def: {
        serving_default: {
          inputs: { x: { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: '-1' }, { size: '4' }] }, name: 'x:0' } },
          outputs: { y: { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: '-1' }] }, name: 'y:0' } },
          method_name: 'tensorflow/serving/predict',
        },
      },
    },
  },
});

export interface TfServingProtocolOptions {
  /** Certificate of the gRPC side; REST stays plain. */
  readonly tls?: ServerTls;
  /** What the model is called. */
  readonly model?: string;
  readonly version?: string;
  readonly host?: string;
  /** 0: any that is free. */
  readonly httpPort?: number;
  readonly grpcPort?: number;
}

export async function startTfServingProtocol(options: TfServingProtocolOptions = {}): Promise<TfServingProtocolServer> {
  const { tls, model = 'sum', version = '1', host = '127.0.0.1', httpPort = 0, grpcPort = 0 } = options;
  let requests = 0;
  const rest = createServer((request, response) => {
    read(request, (body) => answer(request.url ?? '', body, response));
  });
  const json = (response: ServerResponse, status: number, value: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  const answer = (url: string, body: string, response: ServerResponse) => {
    if (url === `/v1/models/${model}/metadata`) json(response, 200, metadataOf(model, version));
    else if (url === `/v1/models/${model}:predict`) {
      const { instances } = JSON.parse(body) as { instances: number[][] };
      if (instances.some((row) => row.length !== 4)) return json(response, 400, { error: `Tensor :0, expected shape [-1,4]` });
      requests++;
      json(response, 200, { predictions: instances.map((row) => row.reduce((sum, value) => sum + value, 0)) });
    } else if (url === '/monitoring/prometheus/metrics') response.end(tfMetrics(model, requests));
    else if (url === '/dcgm') response.end(dcgm(requests));
    else json(response, 404, { error: 'Servable not found for request: Latest(other)' });
    return undefined;
  };

  const answerGrpc = (path: string, message: Buffer) => {
    const [spec] = messages(readProto(message), 1);
    if (strings(spec ?? [], 1)[0] !== model) return { status: 5, message: 'Servable not found' };
    requests++;
    return path.endsWith('/GetModelMetadata') ? grpcMetadata() : predict(message);
  };
  const grpc = await serveUnaryGrpc(answerGrpc, tls, { host, port: grpcPort });
  await new Promise<void>((resolve) => rest.listen(httpPort, host, resolve));
  return {
    http: `http://127.0.0.1:${(rest.address() as AddressInfo).port}`,
    grpc: `${tls === undefined ? 'grpc' : 'grpcs'}://127.0.0.1:${grpc.port}`,
    async [Symbol.asyncDispose]() {
      rest.closeAllConnections();
      await Promise.all([grpc[Symbol.asyncDispose](), new Promise((resolve) => rest.close(resolve))]);
    },
  };
}

function read(request: IncomingMessage, done: (body: string) => void): void {
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString();
  });
  request.on('end', () => done(body));
}

/** PredictResponse {outputs 1: map of TensorProto} with the sum of each row of the float input. */
function predict(message: Buffer): Buffer {
  const [entry] = messages(readProto(message), 2);
  const [tensor] = messages(entry ?? [], 2);
  const content = tensor?.find((field) => field.field === 4)?.bytes ?? Buffer.alloc(0);
  const rows = content.length / 16;
  const sums = Buffer.alloc(rows * 4);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let i = 0; i < 4; i++) sum += content.readFloatLE(row * 16 + i * 4);
    sums.writeFloatLE(sum, row * 4);
  }
  return new ProtoWriter()
    .message(1, (output) =>
      output.bytes(1, 'y').message(2, (y) =>
        y
          .varint(1, 1)
          .message(2, (shape) => shape.message(2, (dim) => dim.varint(1, rows)))
          .bytes(4, sums),
      ),
    )
    .finish();
}

function grpcMetadata(): Buffer {
  const dims = (shape: ProtoWriter) => shape.message(2, (dim) => dim.varint(1, -1)).message(2, (dim) => dim.varint(1, 4));
  const definition = new ProtoWriter()
    .message(1, (input) => input.bytes(1, 'x').message(2, (info) => info.bytes(1, 'x:0').varint(2, 1).message(3, dims)))
    .finish();
  const map = new ProtoWriter().message(1, (entry) => entry.bytes(1, 'serving_default').bytes(2, definition)).finish();
  return new ProtoWriter()
    .message(2, (entry) =>
      entry
        .bytes(1, 'signature_def')
        .message(2, (any) => any.bytes(1, 'type.googleapis.com/tensorflow.serving.SignatureDefMap').bytes(2, map)),
    )
    .finish();
}

function tfMetrics(model: string, requests: number): string {
  const labels = `{model_name="${model}",API="predict",entrypoint="REST"}`;
  return [
    `:tensorflow:serving:request_latency_sum${labels} ${requests * 300}`,
    `:tensorflow:serving:request_latency_count${labels} ${requests}`,
    `:tensorflow:serving:runtime_latency_sum{model_name="${model}",API="predict",runtime="TF1"} ${requests * 250}`,
    `:tensorflow:serving:runtime_latency_count{model_name="${model}",API="predict",runtime="TF1"} ${requests}`,
    '',
  ].join('\n');
}

function dcgm(requests: number): string {
  const mine = '{gpu="0",UUID="GPU-mine",modelName="Tesla T4",pod="sum-0"}';
  const other = '{gpu="1",UUID="GPU-other",modelName="Tesla T4",pod="another-0"}';
  return [
    `DCGM_FI_DEV_GPU_UTIL${mine} ${requests % 2 === 0 ? 60 : 40}`,
    `DCGM_FI_DEV_FB_USED${mine} 14000`,
    `DCGM_FI_DEV_FB_FREE${mine} 1000`,
    `DCGM_FI_DEV_POWER_USAGE${mine} 9223372036854775794`,
    `DCGM_FI_DEV_GPU_UTIL${other} 99`,
    '',
  ].join('\n');
}
