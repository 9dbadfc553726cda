import type { DataType } from '../../models/signature/tensor.ts';
import { exponential, type Random } from '../statistics/random.ts';
import type { Signature, TensorSpec } from './signature.ts';

/** A tensor with values, flat in row-major order. */
export interface Tensor {
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly values: readonly number[] | readonly string[] | readonly boolean[];
}

/** One set of inputs of the given batch size with random values; floats in [0, 1) with four decimals, integers below 100. */
export function randomInputs(signature: Signature, batchSize: number, random: Random): Tensor[] {
  return signature.inputs.map((input) =>
    randomTensor(input, signature.batched ? [batchSize, ...input.shape.slice(1)] : [...input.shape], random),
  );
}

function randomTensor({ name, dataType }: TensorSpec, shape: readonly number[], random: Random): Tensor {
  const length = shape.reduce((product, size) => product * size, 1);
  const values = Array.from({ length }, () => randomValue(dataType, random));
  return { name, dataType, shape, values: values as Tensor['values'] };
}

function randomValue(dataType: DataType, random: Random): number | string | boolean {
  switch (dataType) {
    case 'BOOL':
      return random.next() < 0.5;
    case 'BYTES':
      return `sample-${Math.floor(exponential(random, 1000))}`;
    case 'FP16':
    case 'BF16':
    case 'FP32':
    case 'FP64':
      return Math.floor(random.next() * 10_000) / 10_000;
    default:
      return Math.floor(random.next() * 100);
  }
}

/** Little-endian bytes as the binary tensor extension, gRPC raw contents and TensorFlow's tensor_content carry them; BYTES with 4-byte lengths. */
export function tensorBytes(tensor: Tensor): Buffer {
  const { dataType, values } = tensor;
  if (dataType === 'BYTES') {
    return Buffer.concat(
      (values as readonly string[]).flatMap((value) => {
        const text = Buffer.from(String(value));
        const length = Buffer.alloc(4);
        length.writeUInt32LE(text.length);
        return [length, text];
      }),
    );
  }
  const width = widths[dataType];
  const bytes = Buffer.alloc(width * values.length);
  for (let i = 0; i < values.length; i++) writeValue(bytes, i * width, dataType, Number(values[i]));
  return bytes;
}

const widths: Readonly<Record<Exclude<DataType, 'BYTES'>, number>> = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  BF16: 2,
  FP32: 4,
  FP64: 8,
};

function writeValue(bytes: Buffer, at: number, dataType: Exclude<DataType, 'BYTES'>, value: number): void {
  switch (dataType) {
    case 'BOOL':
      bytes[at] = value ? 1 : 0;
      break;
    case 'UINT8':
    case 'INT8':
      bytes[at] = value & 0xff;
      break;
    case 'UINT16':
    case 'INT16':
      bytes.writeUInt16LE(value & 0xffff, at);
      break;
    case 'UINT32':
    case 'INT32':
      bytes.writeUInt32LE(value >>> 0, at);
      break;
    case 'UINT64':
    case 'INT64':
      bytes.writeBigInt64LE(BigInt(Math.trunc(value)), at);
      break;
    case 'FP16':
      bytes.writeUInt16LE(halfBits(value), at);
      break;
    case 'BF16':
      scratch.setFloat32(0, value);
      bytes.writeUInt16LE(scratch.getUint16(0), at);
      break;
    case 'FP32':
      bytes.writeFloatLE(value, at);
      break;
    case 'FP64':
      bytes.writeDoubleLE(value, at);
      break;
  }
}

const scratch = new DataView(new ArrayBuffer(4));

/** IEEE 754 binary16, rounded towards zero; values beyond its range become infinite. */
function halfBits(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const fraction = (bits >>> 13) & 0x3ff;
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent > 0) return sign | (exponent << 10) | fraction;
  if (exponent < -10) return sign;
  return sign | ((0x400 | fraction) >>> (1 - exponent));
}

/** Nested arrays of the tensor's shape: how V1 and TorchServe write tensors. */
export function nested(tensor: Tensor): unknown {
  const [, ...inner] = tensor.shape;
  let level: unknown[] = [...tensor.values];
  for (const size of inner.toReversed()) {
    const next: unknown[] = [];
    for (let at = 0; at < level.length; at += size) next.push(level.slice(at, at + size));
    level = next;
  }
  return level;
}
