import type { DataType } from '../../models/signature/tensor.ts';

/** The values of raw little-endian bytes, as the binary tensor extension and gRPC's raw contents carry them; BYTES with 4-byte lengths. */
export function tensorValues(dataType: DataType, bytes: Buffer): (number | string)[] {
  if (dataType === 'BYTES') return texts(bytes);
  const { width, read } = readers[dataType];
  return Array.from({ length: Math.floor(bytes.length / width) }, (_, i) => read(bytes, i * width));
}

function texts(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    found.push(bytes.toString('utf8', at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

interface Reader {
  readonly width: number;
  readonly read: (bytes: Buffer, at: number) => number;
}

const readers: Readonly<Record<Exclude<DataType, 'BYTES'>, Reader>> = {
  BOOL: { width: 1, read: (bytes, at) => bytes.readUInt8(at) },
  UINT8: { width: 1, read: (bytes, at) => bytes.readUInt8(at) },
  UINT16: { width: 2, read: (bytes, at) => bytes.readUInt16LE(at) },
  UINT32: { width: 4, read: (bytes, at) => bytes.readUInt32LE(at) },
  UINT64: { width: 8, read: (bytes, at) => Number(bytes.readBigUInt64LE(at)) },
  INT8: { width: 1, read: (bytes, at) => bytes.readInt8(at) },
  INT16: { width: 2, read: (bytes, at) => bytes.readInt16LE(at) },
  INT32: { width: 4, read: (bytes, at) => bytes.readInt32LE(at) },
  INT64: { width: 8, read: (bytes, at) => Number(bytes.readBigInt64LE(at)) },
  FP16: { width: 2, read: (bytes, at) => half(bytes.readUInt16LE(at)) },
  BF16: { width: 2, read: (bytes, at) => Buffer.from([0, 0, bytes[at] ?? 0, bytes[at + 1] ?? 0]).readFloatLE() },
  FP32: { width: 4, read: (bytes, at) => bytes.readFloatLE(at) },
  FP64: { width: 8, read: (bytes, at) => bytes.readDoubleLE(at) },
};

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
