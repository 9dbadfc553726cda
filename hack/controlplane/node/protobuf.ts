/** As much of protobuf's encoding as the kubelet's device plugins need: texts and nested messages, each with its length in front. */

/** A nested message as field `number` of another. */
export function message(number: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([varint((number << 3) | 2), varint(content.length), content]);
}

/** A text as field `number`. */
export function text(number: number, value: string): Buffer {
  return message(number, Buffer.from(value));
}

/** The values of all fields in a message that has only texts and messages, in order; throws on any other kind. */
export function fields(bytes: Buffer): Buffer[] {
  const values: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const key = readVarint(bytes, at);
    if ((key.value & 7) !== 2) throw new Error(`a field of wire type ${key.value & 7} is not understood here`);
    const length = readVarint(bytes, key.next);
    values.push(bytes.subarray(length.next, length.next + length.value));
    at = length.next + length.value;
  }
  return values;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function readVarint(bytes: Buffer, start: number): { readonly value: number; readonly next: number } {
  for (let at = start, value = 0, shift = 0; at < bytes.length; at++, shift += 7) {
    value |= ((bytes[at] ?? 0) & 0x7f) << shift;
    if ((bytes[at] ?? 0) < 0x80) return { value, next: at + 1 };
  }
  throw new Error('a number is cut off');
}
