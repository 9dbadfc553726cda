/** Bytes of one length-delimited field, or the number of a scalar one. */
export interface WireField {
  readonly number: number;
  readonly value: bigint;
  /** Start and end of a length-delimited field's content in the file; equal for scalars. */
  readonly start: number;
  readonly end: number;
}

/** Reads part of a file: fewer bytes than asked only at its end. */
export type ReadAt = (start: number, length: number) => Promise<Buffer>;

const maxFields = 1_000_000;

/**
 * Walks the fields of a protobuf message that lies between two positions of a file, without a schema and without reading the content of
 * length-delimited fields (the weights of a model): only a few bytes around each field are read.
 *
 * @throws WireError when the bytes are no protobuf message.
 */
export async function* wireFields(readAt: ReadAt, start: number, end: number): AsyncGenerator<WireField> {
  let window: Buffer = Buffer.alloc(0);
  let windowStart = start;
  let at = start;
  const byte = async (): Promise<number> => {
    if (at >= end) throw new WireError(at);
    if (at < windowStart || at >= windowStart + window.length) {
      window = await readAt(at, Math.min(4096, end - at));
      windowStart = at;
      if (window.length === 0) throw new WireError(at);
    }
    const value = window[at - windowStart] ?? 0;
    at += 1;
    return value;
  };
  const varint = async (): Promise<bigint> => {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const next = await byte();
      result |= BigInt(next & 0x7f) << shift;
      if (next < 0x80) return BigInt.asUintN(64, result);
    }
    throw new WireError(at);
  };
  for (let count = 0; at < end; count += 1) {
    if (count > maxFields) throw new WireError(at);
    const key = await varint();
    const number = Number(key >> 3n);
    const type = Number(key & 7n);
    if (number === 0) throw new WireError(at);
    if (type === 0) {
      yield { number, value: await varint(), start: at, end: at };
    } else if (type === 2) {
      const length = Number(await varint());
      if (at + length > end) throw new WireError(at);
      yield { number, value: 0n, start: at, end: at + length };
      at += length;
    } else if (type === 1 || type === 5) {
      at += type === 1 ? 8 : 4;
      if (at > end) throw new WireError(at);
    } else throw new WireError(at);
  }
}

export class WireError extends Error {
  constructor(at: number) {
    super(`byte ${at} is not where a protobuf field can be`);
    this.name = 'WireError';
  }
}

/** The text of a length-delimited field; names longer than 64 KiB are cut. */
export async function wireText(readAt: ReadAt, field: WireField): Promise<string> {
  return (await readAt(field.start, Math.min(65536, field.end - field.start))).toString('utf8');
}
