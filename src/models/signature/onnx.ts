import type { DataType, ModelSignature, TensorSignature } from './tensor.ts';
import { type ReadAt, type WireField, wireFields, wireText } from './wire.ts';

/** TensorProto.DataType of ONNX, by number. */
const types: Readonly<Record<number, DataType>> = {
  1: 'FP32',
  2: 'UINT8',
  3: 'INT8',
  4: 'UINT16',
  5: 'INT16',
  6: 'INT32',
  7: 'INT64',
  8: 'BYTES',
  9: 'BOOL',
  10: 'FP16',
  11: 'FP64',
  12: 'UINT32',
  13: 'UINT64',
  16: 'BF16',
};

export interface OnnxModel extends ModelSignature {
  readonly irVersion: number;
  /** Version of the default operator set. */
  readonly opset: number;
  /** Files that hold weights beside the model, relative to it. */
  readonly externalFiles: readonly string[];
}

/**
 * Reads the signature of an ONNX model (onnx.proto: ModelProto 7 = graph; GraphProto 5 = initializers, 11 = inputs, 12 = outputs).
 * Weights are passed over, not read.
 *
 * @returns undefined when the file is no ONNX model.
 * @throws WireError when it is damaged.
 */
export async function readOnnx(readAt: ReadAt, sizeBytes: number): Promise<OnnxModel | undefined> {
  let irVersion = 0;
  let opset = 0;
  let graph: WireField | undefined;
  for await (const field of wireFields(readAt, 0, sizeBytes)) {
    if (field.number === 1) irVersion = Number(field.value);
    else if (field.number === 7) graph = field;
    else if (field.number === 8) opset = Math.max(opset, await opsetVersion(readAt, field));
  }
  if (graph === undefined || irVersion === 0) return undefined;
  const inputs: TensorSignature[] = [];
  const outputs: TensorSignature[] = [];
  const initializers = new Set<string>();
  const external = new Set<string>();
  for await (const field of wireFields(readAt, graph.start, graph.end)) {
    if (field.number === 5) initializers.add(await initializer(readAt, field, external));
    else if (field.number === 11) inputs.push(await valueInfo(readAt, field));
    else if (field.number === 12) outputs.push(await valueInfo(readAt, field));
  }
  // Before IR version 4 every weight was listed among the inputs as well.
  return { irVersion, opset, inputs: inputs.filter(({ name }) => !initializers.has(name)), outputs, externalFiles: [...external].sort() };
}

async function opsetVersion(readAt: ReadAt, field: WireField): Promise<number> {
  let domain = '';
  let version = 0;
  for await (const part of wireFields(readAt, field.start, field.end)) {
    if (part.number === 1) domain = await wireText(readAt, part);
    if (part.number === 2) version = Number(part.value);
  }
  return domain === '' || domain === 'ai.onnx' ? version : 0;
}

/** TensorProto: 8 = name, 13 = external_data {1 key, 2 value}. */
async function initializer(readAt: ReadAt, field: WireField, external: Set<string>): Promise<string> {
  let name = '';
  for await (const part of wireFields(readAt, field.start, field.end)) {
    if (part.number === 8) name = await wireText(readAt, part);
    if (part.number !== 13) continue;
    let key = '';
    let value = '';
    for await (const entry of wireFields(readAt, part.start, part.end)) {
      if (entry.number === 1) key = await wireText(readAt, entry);
      if (entry.number === 2) value = await wireText(readAt, entry);
    }
    if (key === 'location') external.add(value);
  }
  return name;
}

/** ValueInfoProto: 1 = name, 2 = type {1 = tensor_type {1 = elem_type, 2 = shape {1 = dim {1 = value, 2 = parameter}}}}. */
async function valueInfo(readAt: ReadAt, field: WireField): Promise<TensorSignature> {
  let name = '';
  let dataType: DataType | undefined;
  let shape: number[] | undefined;
  for await (const part of wireFields(readAt, field.start, field.end)) {
    if (part.number === 1) name = await wireText(readAt, part);
    if (part.number !== 2) continue;
    for await (const type of wireFields(readAt, part.start, part.end)) {
      if (type.number !== 1) continue;
      for await (const tensor of wireFields(readAt, type.start, type.end)) {
        if (tensor.number === 1) dataType = types[Number(tensor.value)];
        if (tensor.number === 2) shape = await shapeOf(readAt, tensor);
      }
    }
  }
  return { name, dataType, shape };
}

async function shapeOf(readAt: ReadAt, field: WireField): Promise<number[]> {
  const dims: number[] = [];
  for await (const dimension of wireFields(readAt, field.start, field.end)) {
    if (dimension.number !== 1) continue;
    let size = -1;
    for await (const part of wireFields(readAt, dimension.start, dimension.end)) {
      if (part.number === 1) size = Number(BigInt.asIntN(64, part.value));
    }
    dims.push(size > 0 ? size : -1);
  }
  return dims;
}
