/** A request that a model of the declared inputs would take: shapes and types are right, the numbers are zeros. */
import type { ModelDeployment } from '../api/model-deployment/index.ts';
import type { Protocol } from '../api/model-deployment/runtime.ts';

type Tensor = NonNullable<NonNullable<ModelDeployment['spec']['model']>['inputs']>[number];
type Nested = unknown[] | unknown;

/** Body of one prediction: JSON of the REST protocols, or the protobuf JSON that grpcurl takes for the gRPC ones. A free dimension is 1. */
export function sampleRequest(inputs: readonly Tensor[], protocol: Protocol, modelName: string): object {
  switch (protocol) {
    case 'V1':
      return { instances: [instanceOf(inputs)] };
    case 'V2':
      return { inputs: inputs.map((tensor) => ({ ...header(tensor), data: flat(tensor) })) };
    case 'GRPCV2':
      return {
        model_name: modelName,
        inputs: inputs.map((tensor) => ({ ...header(tensor), contents: { [contents[tensor.dataType]]: flat(tensor) } })),
      };
    case 'GRPCV1':
      return { model_spec: { name: modelName }, inputs: Object.fromEntries(inputs.map((tensor) => [tensor.name, tensorProto(tensor)])) };
  }
}

/** V1 leaves the batch dimension to the list of instances; one input is the bare tensor, several are named. */
function instanceOf(inputs: readonly Tensor[]): Nested {
  const rows = inputs.map((tensor) => [tensor.name, nested(sizes(tensor).slice(1), zeroOf(tensor))] as const);
  return rows.length === 1 ? rows[0]?.[1] : Object.fromEntries(rows);
}

function header(tensor: Tensor) {
  return { name: tensor.name, shape: sizes(tensor), datatype: tensor.dataType };
}

function sizes({ shape }: Tensor): number[] {
  return shape.map((size) => (size < 0 ? 1 : size));
}

function flat(tensor: Tensor): unknown[] {
  return new Array(sizes(tensor).reduce((product, size) => product * size, 1)).fill(zeroOf(tensor));
}

function nested(shape: readonly number[], zero: unknown): Nested {
  const [first, ...rest] = shape;
  return first === undefined ? zero : Array.from({ length: first }, () => nested(rest, zero));
}

function zeroOf({ dataType }: Tensor): unknown {
  if (dataType === 'BYTES') return '';
  return dataType === 'BOOL' ? false : 0;
}

/** Field of InferTensorContents that carries an element type (Open Inference Protocol, grpc_predict_v2.proto). */
const contents: Readonly<Record<Tensor['dataType'], string>> = {
  BOOL: 'bool_contents',
  UINT8: 'uint_contents',
  UINT16: 'uint_contents',
  UINT32: 'uint_contents',
  UINT64: 'uint64_contents',
  INT8: 'int_contents',
  INT16: 'int_contents',
  INT32: 'int_contents',
  INT64: 'int64_contents',
  FP16: 'fp32_contents',
  BF16: 'fp32_contents',
  FP32: 'fp32_contents',
  FP64: 'fp64_contents',
  BYTES: 'bytes_contents',
};

/** Element type and value field of a TensorProto (tensorflow/core/framework/types.proto, tensor.proto). */
const tensorflow: Readonly<Record<Tensor['dataType'], readonly [string, string]>> = {
  BOOL: ['DT_BOOL', 'bool_val'],
  UINT8: ['DT_UINT8', 'int_val'],
  UINT16: ['DT_UINT16', 'int_val'],
  UINT32: ['DT_UINT32', 'uint32_val'],
  UINT64: ['DT_UINT64', 'uint64_val'],
  INT8: ['DT_INT8', 'int_val'],
  INT16: ['DT_INT16', 'int_val'],
  INT32: ['DT_INT32', 'int_val'],
  INT64: ['DT_INT64', 'int64_val'],
  FP16: ['DT_HALF', 'half_val'],
  BF16: ['DT_BFLOAT16', 'half_val'],
  FP32: ['DT_FLOAT', 'float_val'],
  FP64: ['DT_DOUBLE', 'double_val'],
  BYTES: ['DT_STRING', 'string_val'],
};

function tensorProto(tensor: Tensor): object {
  const [dtype, field] = tensorflow[tensor.dataType];
  return { dtype, tensor_shape: { dim: sizes(tensor).map((size) => ({ size })) }, [field]: flat(tensor) };
}
