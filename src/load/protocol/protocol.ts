import type { WireRequest } from '../transport/channel.ts';
import { UsageError } from '../transport/target.ts';
import { grpcTfServingRequest, grpcV2Request } from './grpc.ts';
import { nested, type Tensor, tensorBytes } from './tensor.ts';

/** What is spoken to the server. */
export const protocolNames = ['v1', 'v2', 'v2-binary', 'torchserve', 'grpc-v2', 'grpc-tfserving', 'http'] as const;
export type ProtocolName = (typeof protocolNames)[number];

/** Which model, in the words of the protocol. */
export interface ModelAddress {
  readonly name: string;
  readonly version: string | null;
  /** TensorFlow's signature. */
  readonly signatureName: string;
}

export function isGrpc(protocol: ProtocolName): boolean {
  return protocol === 'grpc-v2' || protocol === 'grpc-tfserving';
}

/** The path that inference requests go to; for gRPC the method's full name. */
export function inferencePath(protocol: ProtocolName, model: ModelAddress): string {
  const name = encodeURIComponent(model.name);
  const version = model.version === null ? '' : encodeURIComponent(model.version);
  switch (protocol) {
    case 'v1':
      return `/v1/models/${name}${version === '' ? '' : `/versions/${version}`}:predict`;
    case 'v2':
    case 'v2-binary':
      return `/v2/models/${name}${version === '' ? '' : `/versions/${version}`}/infer`;
    case 'torchserve':
      return `/predictions/${name}${version === '' ? '' : `/${version}`}`;
    case 'grpc-v2':
      return '/inference.GRPCInferenceService/ModelInfer';
    case 'grpc-tfserving':
      return '/tensorflow.serving.PredictionService/Predict';
    case 'http':
      return '';
  }
}

/** A request that carries these tensors. Throws a `UsageError` for protocols that have no tensors of their own. */
export function tensorRequest(protocol: ProtocolName, model: ModelAddress, inputs: readonly Tensor[]): WireRequest {
  switch (protocol) {
    case 'v1':
      return json(protocol, model, {
        ...(model.signatureName === 'serving_default' ? {} : { signature_name: model.signatureName }),
        ...v1Body(inputs),
      });
    case 'torchserve':
      return json(protocol, model, v1Body(inputs));
    case 'v2':
      return json(protocol, model, {
        inputs: inputs.map(({ name, dataType, shape, values }) => ({ name, datatype: dataType, shape, data: values })),
      });
    case 'v2-binary':
      return binaryRequest(model, inputs);
    case 'grpc-v2':
      return grpcRequest(protocol, model, grpcV2Request(model, inputs));
    case 'grpc-tfserving':
      return grpcRequest(protocol, model, grpcTfServingRequest(model, inputs));
    case 'http':
      throw new UsageError('plain HTTP has no tensors: give the body with --payload or --body-file');
  }
}

/** A POST with this body as it is. */
export function rawRequest(protocol: ProtocolName, model: ModelAddress, body: Uint8Array, contentType: string): WireRequest {
  return { method: 'POST', path: inferencePath(protocol, model), headers: [['content-type', contentType]], body };
}

function json(protocol: ProtocolName, model: ModelAddress, body: unknown): WireRequest {
  return rawRequest(protocol, model, Buffer.from(JSON.stringify(body)), 'application/json');
}

function grpcRequest(protocol: ProtocolName, model: ModelAddress, body: Buffer): WireRequest {
  return rawRequest(protocol, model, body, 'application/grpc');
}

/** TensorFlow Serving's row format: one named object a row, or the bare value where the model has one input. */
function v1Body(inputs: readonly Tensor[]): object {
  const columns = inputs.map((tensor) => nested(tensor) as unknown[]);
  const [first] = columns;
  if (inputs.length === 1) return { instances: first };
  return {
    instances: (first ?? []).map((_, row) => Object.fromEntries(inputs.map((tensor, i) => [tensor.name, (columns[i] as unknown[])[row]]))),
  };
}

/** The binary tensor extension: a JSON header without data, its length in a header of its own, then the raw tensors. Outputs are asked for in binary too. */
function binaryRequest(model: ModelAddress, inputs: readonly Tensor[]): WireRequest {
  const tensors = inputs.map(tensorBytes);
  const header = Buffer.from(
    JSON.stringify({
      inputs: inputs.map(({ name, dataType, shape }, i) => ({
        name,
        datatype: dataType,
        shape,
        parameters: { binary_data_size: tensors[i]?.length },
      })),
      parameters: { binary_data_output: true },
    }),
  );
  return {
    method: 'POST',
    path: inferencePath('v2-binary', model),
    headers: [
      ['content-type', 'application/octet-stream'],
      ['inference-header-content-length', String(header.length)],
    ],
    body: Buffer.concat([header, ...tensors]),
  };
}
