/** As much of protobuf's wire format as inference requests need: varints, strings, bytes, nested messages, packed int64. */
export class ProtoWriter {
  readonly #parts: Buffer[] = [];

  varint(field: number, value: number | bigint): this {
    return this.#push(key(field, 0), varint(value));
  }
  bytes(field: number, value: Uint8Array | string): this {
    const data = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return this.#push(key(field, 2), varint(data.length), data);
  }
  message(field: number, build: (writer: ProtoWriter) => void): this {
    const writer = new ProtoWriter();
    build(writer);
    return this.bytes(field, writer.finish());
  }
  packed(field: number, values: readonly number[]): this {
    return this.bytes(field, Buffer.concat(values.map(varint)));
  }
  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
  #push(...parts: Buffer[]): this {
    this.#parts.push(...parts);
    return this;
  }
}

function key(field: number, wire: number): Buffer {
  return varint((field << 3) | wire);
}

function varint(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** One field of a message as it lies on the wire. */
export interface ProtoField {
  readonly field: number;
  /** Varints and fixed numbers. */
  readonly number: bigint;
  /** Strings, bytes, messages, packed lists. */
  readonly bytes: Buffer;
}

/** Every field of a message in order. Throws when the bytes are no message. */
export function readProto(message: Buffer): ProtoField[] {
  const fields: ProtoField[] = [];
  const none = Buffer.alloc(0);
  let at = 0;
  const next = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error('not a protobuf message: a number is cut off');
  };
  const take = (length: number): Buffer => {
    if (length > message.length - at) throw new Error('not a protobuf message: a field is longer than the message');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = Number(next());
    const field = tag >>> 3;
    switch (tag & 7) {
      case 0:
        fields.push({ field, number: next(), bytes: none });
        break;
      case 1:
        fields.push({ field, number: take(8).readBigUInt64LE(), bytes: none });
        break;
      case 2:
        fields.push({ field, number: 0n, bytes: take(Number(next())) });
        break;
      case 5:
        fields.push({ field, number: BigInt(take(4).readUInt32LE()), bytes: none });
        break;
      default:
        throw new Error(`not a protobuf message: wire type ${tag & 7}`);
    }
  }
  return fields;
}

/** Strings of a repeated field. */
export function strings(fields: readonly ProtoField[], field: number): string[] {
  return fields.filter((f) => f.field === field).map((f) => f.bytes.toString());
}

/** Messages of a repeated field. */
export function messages(fields: readonly ProtoField[], field: number): ProtoField[][] {
  return fields.filter((f) => f.field === field).map((f) => readProto(f.bytes));
}

/** A repeated int64, packed or not. */
export function integers(fields: readonly ProtoField[], field: number): number[] {
  return fields
    .filter((f) => f.field === field)
    .flatMap((f) => (f.bytes.length === 0 ? [f.number] : unpack(f.bytes)))
    .map((value) => Number(BigInt.asIntN(64, value)));
}

function unpack(bytes: Buffer): bigint[] {
  // A packed list reads like the values of fields whose keys are left out: give each a key of its own.
  const values: bigint[] = [];
  let start = 0;
  for (let at = 0; at < bytes.length; at++) {
    if ((bytes[at] as number) >= 0x80) continue;
    const [field] = readProto(Buffer.concat([Buffer.from([0x08]), bytes.subarray(start, at + 1)]));
    values.push((field as ProtoField).number);
    start = at + 1;
  }
  return values;
}
