import { type DataType, dataTypes } from '../../models/signature/tensor.ts';
import { parseConfig } from '../../models/triton/parse.ts';
import { UsageError } from '../transport/target.ts';

export interface TensorSpec {
  readonly name: string;
  readonly dataType: DataType;
  /** −1 is dynamic. The first dimension is the batch when `Signature.batched`. */
  readonly shape: readonly number[];
}

/** What a model takes, as its server or its configuration says. */
export interface Signature {
  readonly source: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly string[];
  /** Whether every input's first dimension is the batch. */
  readonly batched: boolean;
}

/** Open Inference Protocol model metadata (`GET /v2/models/NAME`). A first dimension of −1 on every input is taken for the batch. */
export function signatureFromV2(metadata: unknown): Signature {
  const { inputs, outputs } = metadata as { inputs?: unknown; outputs?: unknown };
  if (!Array.isArray(inputs) || inputs.length === 0) {
    throw new UsageError("the server's model metadata names no inputs; give a sample request with --payload");
  }
  const specs = inputs.map((input: { name?: unknown; datatype?: unknown; shape?: unknown }) => ({
    name: String(input.name),
    dataType: dataTypeOf(String(input.datatype)),
    shape: shapeOf(input.shape),
  }));
  return { source: 'V2 metadata', inputs: specs, outputs: namesOf(outputs), batched: specs.every((spec) => spec.shape[0] === -1) };
}

interface TfTensorInfo {
  readonly dtype?: string;
  readonly tensor_shape?: { readonly dim?: readonly { readonly size?: string | number }[]; readonly unknown_rank?: boolean };
}

/** TensorFlow Serving's `GET /v1/models/NAME/metadata`: the signature `serving_default`, or the one named. */
export function signatureFromTfServing(metadata: unknown, name = 'serving_default'): Signature {
  const signatures = (
    metadata as {
      metadata?: { signature_def?: { signature_def?: Record<string, { inputs?: Record<string, TfTensorInfo>; outputs?: object }> } };
    }
  ).metadata?.signature_def?.signature_def;
  const signature = signatures?.[name];
  if (signature?.inputs === undefined) {
    const known = Object.keys(signatures ?? {}).join(', ');
    throw new UsageError(
      `the server's metadata has no signature "${name}"${known === '' ? '' : ` (it has ${known})`}; give one with --signature, or a sample request with --payload`,
    );
  }
  const inputs = Object.entries(signature.inputs).map(([input, info]) => ({
    name: input,
    dataType: tensorFlowType(info.dtype ?? ''),
    shape: (info.tensor_shape?.dim ?? []).map((dim) => Number(dim.size ?? -1)),
  }));
  return {
    source: `TensorFlow signature ${name}`,
    inputs,
    outputs: Object.keys(signature.outputs ?? {}),
    batched: inputs.every((input) => input.shape[0] === -1),
  };
}

/** A Triton `config.pbtxt`: with `max_batch_size` above 0 the batch dimension stands in front of `dims`. */
export function signatureFromPbtxt(text: string): Signature {
  const config = configOf(text);
  const batched = (config.max_batch_size ?? 0) > 0;
  const inputs = (config.input ?? []).map(({ name = '', data_type = '', dims = [] }) => {
    const type = String(data_type).replace(/^TYPE_/, '');
    return { name, dataType: dataTypeOf(type === 'STRING' ? 'BYTES' : type), shape: batched ? [-1, ...dims] : [...dims] };
  });
  if (inputs.length === 0) throw new UsageError('this config.pbtxt names no inputs; give a sample request with --payload');
  const outputs = (config.output ?? []).map(({ name = '' }) => name);
  return { source: 'config.pbtxt', inputs, outputs, batched: batched || inputs.every((input) => input.shape[0] === -1) };
}

function configOf(text: string) {
  try {
    return parseConfig(text);
  } catch (error) {
    throw new UsageError(`this config.pbtxt cannot be read: ${(error as Error).message}`);
  }
}

/** `16` for every dynamic dimension, `NAME=16` or `NAME=16x3` for one input's, in order. */
export function fixDimensions(signature: Signature, flags: readonly string[]): Signature {
  let common: number | undefined;
  const byName = new Map<string, number[]>();
  for (const flag of flags) {
    const match = /^(?:(.+)=)?(\d+(?:x\d+)*)$/.exec(flag);
    const sizes = match?.[2]?.split('x').map(Number) ?? [];
    if (match === null || sizes.some((size) => size < 1))
      throw new UsageError(`--dim "${flag}" is neither SIZE nor INPUT=SIZE[xSIZE…] with sizes above 0`);
    if (match[1] === undefined) common = sizes[0];
    else byName.set(match[1], sizes);
  }
  for (const name of byName.keys()) {
    if (!signature.inputs.some((input) => input.name === name)) {
      throw new UsageError(
        `--dim ${name}=…: the model has no input "${name}" (it has ${signature.inputs.map((input) => input.name).join(', ')})`,
      );
    }
  }
  const inputs = signature.inputs.map((input) => {
    const sizes = [...(byName.get(input.name) ?? [])];
    const shape = input.shape.map((size, i) => {
      if (size !== -1 || (i === 0 && signature.batched)) return size;
      const fixed = sizes.shift() ?? common;
      if (fixed === undefined)
        throw new UsageError(
          `input "${input.name}" has the dynamic shape [${input.shape.join(', ')}]; give its size with --dim ${input.name}=SIZE`,
        );
      return fixed;
    });
    return { ...input, shape };
  });
  return { ...signature, inputs };
}

export function dataTypeOf(text: string): DataType {
  const name = text.toUpperCase();
  const found = dataTypes.find((type) => type === name);
  if (found === undefined)
    throw new UsageError(`the model has an input of type "${text}", for which no values can be made; give a sample request with --payload`);
  return found;
}

const tensorFlowTypes: Readonly<Record<string, DataType>> = {
  DT_BOOL: 'BOOL',
  DT_UINT8: 'UINT8',
  DT_UINT16: 'UINT16',
  DT_UINT32: 'UINT32',
  DT_UINT64: 'UINT64',
  DT_INT8: 'INT8',
  DT_INT16: 'INT16',
  DT_INT32: 'INT32',
  DT_INT64: 'INT64',
  DT_HALF: 'FP16',
  DT_BFLOAT16: 'BF16',
  DT_FLOAT: 'FP32',
  DT_DOUBLE: 'FP64',
  DT_STRING: 'BYTES',
};

/** Numbers of tensorflow/core/framework/types.proto. */
export const tensorFlowTypeNumbers: Readonly<Record<DataType, number>> = {
  FP32: 1,
  FP64: 2,
  INT32: 3,
  UINT8: 4,
  INT16: 5,
  INT8: 6,
  BYTES: 7,
  INT64: 9,
  BOOL: 10,
  BF16: 14,
  UINT16: 17,
  FP16: 19,
  UINT32: 22,
  UINT64: 23,
};

function tensorFlowType(name: string): DataType {
  return tensorFlowTypes[name] ?? dataTypeOf(name);
}

function shapeOf(value: unknown): number[] {
  if (!Array.isArray(value))
    throw new UsageError("the server's model metadata has an input without a shape; give a sample request with --payload");
  return value.map(Number);
}

function namesOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map((output: { name?: unknown }) => String(output.name)) : [];
}
