/** Records of the zip format (PKWARE APPNOTE 6.3) as this package writes them: one form only, so that equal trees give equal bytes. */

export const signatures = {
  local: 0x04034b50,
  descriptor: 0x08074b50,
  central: 0x02014b50,
  end: 0x06054b50,
  zip64End: 0x06064b50,
  zip64Locator: 0x07064b50,
} as const;

export const stored = 0;
export const deflated = 8;
export const max16 = 0xffff;
export const max32 = 0xffffffff;

/** 1 January 1980, midnight: the oldest time the format has. */
const dosDate = 0x21;
const madeByUnix = 3 << 8;

/** One entry as it is written. */
export interface ZipEntry {
  /** UTF-8 path; a directory ends in a slash. */
  readonly name: string;
  readonly method: typeof stored | typeof deflated;
  readonly crc32: number;
  readonly sizeBytes: number;
  readonly packedBytes: number;
}

/** The header before an entry's data. Sizes beyond 32 bits go into a zip64 field. */
export function localHeader(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.name);
  const large = entry.sizeBytes >= max32 || entry.packedBytes >= max32;
  const extra = large ? zip64Extra([entry.sizeBytes, entry.packedBytes]) : Buffer.alloc(0);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(signatures.local, 0);
  writeCommon(header, 4, entry, large, large, name.length, extra.length, large ? 45 : 20);
  return Buffer.concat([header, name, extra]);
}

/** The entry's record in the central directory; `offset` is where its local header begins. */
export function centralHeader(entry: ZipEntry, offset: number): Buffer {
  const name = Buffer.from(entry.name);
  const large = entry.sizeBytes >= max32 || entry.packedBytes >= max32;
  const far = offset >= max32;
  const values = [...(large ? [entry.sizeBytes, entry.packedBytes] : []), ...(far ? [offset] : [])];
  const extra = values.length > 0 ? zip64Extra(values) : Buffer.alloc(0);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(signatures.central, 0);
  const version = large || far ? 45 : 20;
  header.writeUInt16LE(madeByUnix | version, 4);
  writeCommon(header, 6, entry, large, large, name.length, extra.length, version);
  const directory = entry.name.endsWith('/');
  const mode = directory ? 0o040755 : 0o100644;
  header.writeUInt32LE(((mode << 16) | (directory ? 0x10 : 0)) >>> 0, 38);
  header.writeUInt32LE(far ? max32 : offset, 42);
  return Buffer.concat([header, name, extra]);
}

/** The records behind the central directory. */
export function endRecords(entries: number, directoryBytes: number, directoryOffset: number): Buffer {
  const large = entries >= max16 || directoryBytes >= max32 || directoryOffset >= max32;
  const parts: Buffer[] = [];
  if (large) {
    const zip64 = Buffer.alloc(56);
    zip64.writeUInt32LE(signatures.zip64End, 0);
    zip64.writeBigUInt64LE(44n, 4);
    zip64.writeUInt16LE(madeByUnix | 45, 12);
    zip64.writeUInt16LE(45, 14);
    zip64.writeBigUInt64LE(BigInt(entries), 24);
    zip64.writeBigUInt64LE(BigInt(entries), 32);
    zip64.writeBigUInt64LE(BigInt(directoryBytes), 40);
    zip64.writeBigUInt64LE(BigInt(directoryOffset), 48);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(signatures.zip64Locator, 0);
    locator.writeBigUInt64LE(BigInt(directoryOffset + directoryBytes), 8);
    locator.writeUInt32LE(1, 16);
    parts.push(zip64, locator);
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(signatures.end, 0);
  end.writeUInt16LE(Math.min(entries, max16), 8);
  end.writeUInt16LE(Math.min(entries, max16), 10);
  end.writeUInt32LE(Math.min(directoryBytes, max32), 12);
  end.writeUInt32LE(Math.min(directoryOffset, max32), 16);
  return Buffer.concat([...parts, end]);
}

/** Fields that both headers have in the same order, from "version needed" to the two lengths. */
function writeCommon(
  header: Buffer,
  at: number,
  entry: ZipEntry,
  hideSize: boolean,
  hidePacked: boolean,
  nameBytes: number,
  extraBytes: number,
  version: number,
): void {
  header.writeUInt16LE(version, at);
  // Bit 11: the name is UTF-8. Not set for ASCII, where it says nothing.
  header.writeUInt16LE(isAscii(entry.name) ? 0 : 1 << 11, at + 2);
  header.writeUInt16LE(entry.method, at + 4);
  header.writeUInt16LE(0, at + 6);
  header.writeUInt16LE(dosDate, at + 8);
  header.writeUInt32LE(entry.crc32, at + 10);
  header.writeUInt32LE(hidePacked ? max32 : entry.packedBytes, at + 14);
  header.writeUInt32LE(hideSize ? max32 : entry.sizeBytes, at + 18);
  header.writeUInt16LE(nameBytes, at + 22);
  header.writeUInt16LE(extraBytes, at + 24);
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + values.length * 8);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(values.length * 8, 2);
  for (const [index, value] of values.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + index * 8);
  return extra;
}

export function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 0x7e) return false;
  return true;
}
