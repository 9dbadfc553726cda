/** What a model predicted for each row of a request, out of a reply of any of the protocols. */
import { type DataType, dataTypes } from '../../models/signature/tensor.ts';
import { jsonLength } from '../protocol/check.ts';
import { integers, messages, type ProtoField, readProto, strings } from '../protocol/protobuf.ts';
import type { ProtocolName } from '../protocol/protocol.ts';
import { tensorFlowTypeNumbers } from '../protocol/signature.ts';
import { tensorValues } from '../protocol/tensor-values.ts';

/** The prediction of one row: its values in row-major order. One for a class or a regression, several for scores. */
export type Prediction = readonly (number | string)[];

interface Output {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: readonly (number | string)[];
}

/**
 * @param rows in the request
 * @param output name of the output to take; the first where null
 * @throws Error with a sentence where the reply has no such output, or not one prediction a row
 */
export function predictionsOf(protocol: ProtocolName, body: Buffer, rows: number, output: string | null): Prediction[] {
  switch (protocol) {
    case 'v1':
    case 'torchserve':
    case 'http':
      return fromRows(body, rows, output);
    case 'v2':
    case 'v2-binary':
      return split(pick(outputsOfV2(body), output), rows);
    case 'grpc-v2':
      return split(pick(outputsOfGrpcV2(body), output), rows);
    case 'grpc-tfserving':
      return split(pick(outputsOfTfServing(body), output), rows);
  }
}

function pick(outputs: readonly Output[], name: string | null): Output {
  const found = name === null ? outputs[0] : outputs.find((output) => output.name === name);
  if (found !== undefined) return found;
  const known = outputs.map((output) => output.name).join(', ');
  throw new Error(outputs.length === 0 ? 'the reply has no outputs' : `the reply has no output "${name}", it has ${known}`);
}

function split({ name, shape, values }: Output, rows: number): Prediction[] {
  if (rows > 1 && shape[0] !== rows) throw new Error(`output "${name}" has the shape [${shape.join(', ')}] for ${rows} rows`);
  const each = values.length / rows;
  if (!Number.isInteger(each) || each === 0) throw new Error(`output "${name}" has ${values.length} values for ${rows} rows`);
  return Array.from({ length: rows }, (_, row) => values.slice(row * each, (row + 1) * each));
}

/** V1 and TorchServe: `{"predictions": [row, …]}`, or the bare list; a row is a value, a list, or an object of named outputs. */
function fromRows(body: Buffer, rows: number, output: string | null): Prediction[] {
  const reply: unknown = JSON.parse(body.toString());
  const list = Array.isArray(reply) ? reply : (reply as { predictions?: unknown } | null)?.predictions;
  if (!Array.isArray(list)) throw new Error('the reply has no "predictions"');
  if (list.length !== rows) throw new Error(`${list.length} predictions for ${rows} rows`);
  return list.map((row: unknown) => {
    const chosen = typeof row === 'object' && row !== null && !Array.isArray(row) ? named(row, output) : row;
    return (Array.isArray(chosen) ? chosen.flat(16) : [chosen]).map(plain);
  });
}

function named(row: object, output: string | null): unknown {
  const entry = Object.entries(row).find(([name]) => output === null || name === output);
  if (entry === undefined) throw new Error(`a prediction has no output "${output}", it has ${Object.keys(row).join(', ')}`);
  return entry[1];
}

function plain(value: unknown): number | string {
  if (typeof value === 'number' || typeof value === 'string') return value;
  if (typeof value === 'boolean') return Number(value);
  throw new Error(`${JSON.stringify(value)?.slice(0, 60)} is no prediction`);
}

interface V2Output {
  readonly name?: string;
  readonly shape?: readonly number[];
  readonly datatype?: string;
  readonly data?: readonly unknown[];
  readonly parameters?: { readonly binary_data_size?: number };
}

/** JSON, and with the binary tensor extension the raw tensors behind it. */
function outputsOfV2(body: Buffer): Output[] {
  const header = jsonLength(body);
  const { outputs = [] } = JSON.parse(body.toString('utf8', 0, header)) as { outputs?: readonly V2Output[] };
  let at = header;
  return outputs.map(({ name = '', shape = [], datatype = '', data, parameters }) => {
    const size = parameters?.binary_data_size;
    if (size === undefined) return { name, shape, values: (data ?? []).flat(16).map(plain) };
    at += size;
    return { name, shape, values: tensorValues(typeOf(datatype), body.subarray(at - size, at)) };
  });
}

/** ModelInferResponse: outputs 5 {name 1, datatype 2, shape 3, contents 5}, raw_output_contents 6. */
function outputsOfGrpcV2(body: Buffer): Output[] {
  const fields = readProto(body);
  const raw = fields.filter(({ field }) => field === 6);
  return messages(fields, 5).map((tensor, i) => {
    const type = typeOf(strings(tensor, 2)[0] ?? '');
    const bytes = raw[i]?.bytes;
    const values = bytes === undefined ? contents(messages(tensor, 5)[0] ?? []) : tensorValues(type, bytes);
    return { name: strings(tensor, 1)[0] ?? '', shape: integers(tensor, 3), values };
  });
}

/** InferTensorContents: bool 1, int 2, int64 3, uint 4, uint64 5, fp32 6, fp64 7, bytes 8. */
function contents(tensor: readonly ProtoField[]): (number | string)[] {
  const floats = (field: number, type: DataType) => tensor.flatMap((one) => (one.field === field ? tensorValues(type, one.bytes) : []));
  return [
    ...[1, 2, 3, 4, 5].flatMap((field) => integers(tensor, field)),
    ...floats(6, 'FP32'),
    ...floats(7, 'FP64'),
    ...strings(tensor, 8),
  ];
}

/**
 * PredictResponse: outputs 1, a map of TensorProto {dtype 1, tensor_shape 2 {dim 2 {size 1}}, tensor_content 4, float_val 5, double_val 6, int_val 7,
 * string_val 8, int64_val 10, bool_val 11}.
 */
function outputsOfTfServing(body: Buffer): Output[] {
  return messages(readProto(body), 1).map((entry) => {
    const [tensor = []] = messages(entry, 2);
    const type = dataTypes.find((one) => tensorFlowTypeNumbers[one] === integers(tensor, 1)[0]) ?? 'FP32';
    const shape = messages(messages(tensor, 2)[0] ?? [], 2).map((dim) => integers(dim, 1)[0] ?? 0);
    const content = tensor.find(({ field }) => field === 4)?.bytes;
    const packed = (field: number, of: DataType) => tensor.flatMap((one) => (one.field === field ? tensorValues(of, one.bytes) : []));
    const whole = [7, 10, 11].flatMap((field) => integers(tensor, field));
    const values =
      content === undefined ? [...packed(5, 'FP32'), ...packed(6, 'FP64'), ...whole, ...strings(tensor, 8)] : tensorValues(type, content);
    return { name: strings(entry, 1)[0] ?? '', shape, values };
  });
}

function typeOf(datatype: string): DataType {
  const found = dataTypes.find((type) => type === datatype);
  if (found === undefined) throw new Error(`the reply has a tensor of type "${datatype}", which is not known`);
  return found;
}
