import { type DataType, dataTypes } from '../../models/signature/tensor.ts';
import { integers, messages, ProtoWriter, readProto, strings } from './protobuf.ts';
import type { ModelAddress } from './protocol.ts';
import { dataTypeOf, type Signature, tensorFlowTypeNumbers } from './signature.ts';
import { type Tensor, tensorBytes } from './tensor.ts';

/**
 * ModelInferRequest of the Open Inference Protocol (`inference.GRPCInferenceService`), with the tensors as raw contents:
 * model_name 1, model_version 2, inputs 5 {name 1, datatype 2, shape 3}, raw_input_contents 7.
 */
export function grpcV2Request(model: ModelAddress, inputs: readonly Tensor[]): Buffer {
  const writer = new ProtoWriter().bytes(1, model.name);
  if (model.version !== null) writer.bytes(2, model.version);
  for (const { name, dataType, shape } of inputs) writer.message(5, (input) => input.bytes(1, name).bytes(2, dataType).packed(3, shape));
  for (const input of inputs) writer.bytes(7, tensorBytes(input));
  return writer.finish();
}

export const grpcV2MetadataPath = '/inference.GRPCInferenceService/ModelMetadata';

/** ModelMetadataRequest: name 1, version 2. */
export function grpcV2MetadataRequest(model: ModelAddress): Buffer {
  const writer = new ProtoWriter().bytes(1, model.name);
  if (model.version !== null) writer.bytes(2, model.version);
  return writer.finish();
}

/** ModelMetadataResponse as the JSON of the REST protocol: inputs 4 and outputs 5 of {name 1, datatype 2, shape 3}. */
export function grpcV2Metadata(reply: Buffer): { inputs: object[]; outputs: object[] } {
  const fields = readProto(reply);
  const tensors = (field: number) =>
    messages(fields, field).map((tensor) => ({
      name: strings(tensor, 1)[0] ?? '',
      datatype: strings(tensor, 2)[0] ?? '',
      shape: integers(tensor, 3),
    }));
  return { inputs: tensors(4), outputs: tensors(5) };
}

/**
 * PredictRequest of `tensorflow.serving.PredictionService`: model_spec 1 {name 1, version 2 {value 1}, signature_name 3}, inputs 2 as a map of
 * TensorProto {dtype 1, tensor_shape 2 {dim 2 {size 1}}, tensor_content 4, string_val 8}.
 */
export function grpcTfServingRequest(model: ModelAddress, inputs: readonly Tensor[]): Buffer {
  const writer = new ProtoWriter().message(1, (spec) => modelSpec(spec, model));
  for (const tensor of inputs) {
    writer.message(2, (entry) =>
      entry.bytes(1, tensor.name).message(2, (proto) => {
        proto.varint(1, tensorFlowTypeNumbers[tensor.dataType]);
        proto.message(2, (shape) => {
          for (const size of tensor.shape) shape.message(2, (dim) => dim.varint(1, size));
        });
        if (tensor.dataType === 'BYTES') for (const value of tensor.values) proto.bytes(8, String(value));
        else proto.bytes(4, tensorBytes(tensor));
      }),
    );
  }
  return writer.finish();
}

export const grpcTfServingMetadataPath = '/tensorflow.serving.PredictionService/GetModelMetadata';

/** GetModelMetadataRequest: model_spec 1, metadata_field 2. */
export function grpcTfServingMetadataRequest(model: ModelAddress): Buffer {
  return new ProtoWriter()
    .message(1, (spec) => modelSpec(spec, model))
    .bytes(2, 'signature_def')
    .finish();
}

/** The named signature out of GetModelMetadataResponse {metadata 2: map of Any {value 2: SignatureDefMap {signature_def 1}}}. */
export function grpcTfServingSignature(reply: Buffer, name: string): Signature | undefined {
  for (const entry of messages(readProto(reply), 2)) {
    for (const any of messages(entry, 2)) {
      const map = any.find((field) => field.field === 2);
      if (map === undefined) continue;
      for (const signature of messages(readProto(map.bytes), 1)) {
        if (strings(signature, 1)[0] !== name) continue;
        const [definition] = messages(signature, 2);
        const inputs = messages(definition ?? [], 1).map((input) => {
          const [info] = messages(input, 2);
          const shape = messages(messages(info ?? [], 3)[0] ?? [], 2).map((dim) => integers(dim, 1)[0] ?? 0);
          return { name: strings(input, 1)[0] ?? '', dataType: typeOfNumber(integers(info ?? [], 2)[0] ?? 0), shape };
        });
        const outputs = messages(definition ?? [], 2).map((output) => strings(output, 1)[0] ?? '');
        return { source: `TensorFlow signature ${name}`, inputs, outputs, batched: inputs.every((input) => input.shape[0] === -1) };
      }
    }
  }
  return undefined;
}

function modelSpec(writer: ProtoWriter, model: ModelAddress): void {
  writer.bytes(1, model.name);
  if (model.version !== null) writer.message(2, (version) => version.varint(1, BigInt(model.version as string)));
  writer.bytes(3, model.signatureName);
}

function typeOfNumber(number: number): DataType {
  return dataTypes.find((type) => tensorFlowTypeNumbers[type] === number) ?? dataTypeOf(`TensorFlow type ${number}`);
}
