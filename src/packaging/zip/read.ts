import { crc32, createInflateRaw } from 'node:zlib';
import type { ArchiveLimits } from '../limits.ts';
import type { RandomAccess } from '../random-access.ts';
import { quote, type ReadEntry, readExtra, refuse } from './directory.ts';
import { deflated, max32, signatures } from './records.ts';

/** Bytes read at a time. */
const sliceBytes = 1 << 20;

/** An entry together with where its data lies. */
export interface LocatedEntry extends ReadEntry {
  readonly dataOffset: number;
}

/**
 * Checks every local header against the central directory and that the entries lie one behind the other, without gaps or overlaps, up to
 * the central directory. One small read per entry.
 *
 * @throws PackagingError ArchiveRefused
 */
export async function locateEntries(source: RandomAccess, entries: readonly ReadEntry[], signal?: AbortSignal): Promise<LocatedEntry[]> {
  const located: LocatedEntry[] = [];
  let expected = 0;
  for (const entry of entries.toSorted((a, b) => a.offset - b.offset)) {
    const fail = (reason: string): never => refuse(`${quote(entry.name)} is refused: ${reason}.`, entry.name);
    if (entry.offset < expected) fail('it overlaps another entry');
    if (entry.offset > expected) fail('there are bytes in front of it that belong to no entry');
    const fixed = await source.read(entry.offset, Math.min(30, source.sizeBytes - entry.offset), signal);
    if (fixed.length < 30 || fixed.readUInt32LE(0) !== signatures.local) fail('its local header is damaged');
    const nameLength = fixed.readUInt16LE(26);
    const extraLength = fixed.readUInt16LE(28);
    if (entry.offset + 30 + nameLength + extraLength + entry.packedBytes > source.sizeBytes)
      fail('it reaches beyond the end of the archive');
    const rest = await source.read(entry.offset + 30, nameLength + extraLength, signal);
    if (!rest.subarray(0, nameLength).equals(entry.nameBytes)) fail('its two headers give different names');
    if (fixed.readUInt16LE(6) !== entry.flags || fixed.readUInt16LE(8) !== entry.method || fixed.readUInt32LE(10) !== entry.dosTime) {
      fail('its two headers disagree');
    }
    const hasDescriptor = (entry.flags & 0x08) !== 0;
    checkLocalSizes(entry, fixed, rest.subarray(nameLength), hasDescriptor, fail);
    const dataOffset = entry.offset + 30 + nameLength + extraLength;
    expected = dataOffset + entry.packedBytes;
    if (hasDescriptor) expected += await descriptorBytes(source, entry, expected, fail, signal);
    located.push({ ...entry, dataOffset });
  }
  const directory = await directoryStart(source, expected, signal);
  if (!directory) refuse('There are bytes between the last entry and the central directory.');
  return located;
}

function checkLocalSizes(
  entry: ReadEntry,
  fixed: Buffer,
  extraField: Buffer,
  hasDescriptor: boolean,
  fail: (reason: string) => never,
): void {
  const { zip64 } = readExtra(extraField, fail);
  const crc = fixed.readUInt32LE(14);
  let packed = fixed.readUInt32LE(18);
  let size = fixed.readUInt32LE(22);
  if (size === max32 || packed === max32) {
    // In the local header both numbers stand in the field, in this order.
    if (zip64 === undefined || zip64.length !== 16) fail('its local zip64 field is not complete');
    else {
      size = Number(zip64.readBigUInt64LE(0));
      packed = Number(zip64.readBigUInt64LE(8));
    }
  }
  // With a descriptor behind the data a number may be left open here (libarchive leaves two of the three).
  const agrees = (local: number, central: number) => local === central || (hasDescriptor && local === 0);
  if (!agrees(crc, entry.crc32) || !agrees(packed, entry.packedBytes) || !agrees(size, entry.sizeBytes))
    fail('its two headers give different sizes or checksums');
}

/** Length of the data descriptor behind an entry, whose numbers have to be those of the central directory. */
async function descriptorBytes(
  source: RandomAccess,
  entry: ReadEntry,
  at: number,
  fail: (reason: string) => never,
  signal?: AbortSignal,
): Promise<number> {
  const bytes = await source.read(at, Math.min(24, source.sizeBytes - at), signal);
  const signed = bytes.length >= 4 && bytes.readUInt32LE(0) === signatures.descriptor;
  for (const wide of [false, true]) {
    const start = signed ? 4 : 0;
    const length = start + (wide ? 20 : 12);
    if (bytes.length < length || bytes.readUInt32LE(start) !== entry.crc32) continue;
    const number = (offset: number) => (wide ? Number(bytes.readBigUInt64LE(offset)) : bytes.readUInt32LE(offset));
    if (number(start + 4) === entry.packedBytes && number(start + (wide ? 12 : 8)) === entry.sizeBytes) return length;
  }
  return fail('its data descriptor disagrees with the central directory');
}

async function directoryStart(source: RandomAccess, at: number, signal?: AbortSignal): Promise<boolean> {
  const signature = (await source.read(at, 4, signal)).readUInt32LE(0);
  return signature === signatures.central || signature === signatures.end || signature === signatures.zip64End;
}

/**
 * The content of an entry, in order. Sizes are counted while unpacking and the CRC-32 is compared at the end, so that a lie about a size
 * costs at most one slice more than was claimed.
 *
 * @throws PackagingError ArchiveRefused
 */
export async function* readEntry(source: RandomAccess, entry: LocatedEntry, signal?: AbortSignal): AsyncGenerator<Buffer> {
  let crc = 0;
  let size = 0;
  for await (const chunk of entry.method === deflated ? inflate(source, entry, signal) : slices(source, entry, signal)) {
    size += chunk.length;
    if (size > entry.sizeBytes) refuse(`${quote(entry.name)} is refused: it unpacks to more than it claims.`, entry.name);
    crc = crc32(chunk, crc);
    yield chunk;
  }
  if (size !== entry.sizeBytes) refuse(`${quote(entry.name)} is refused: it unpacks to less than it claims.`, entry.name);
  if (crc !== entry.crc32) refuse(`${quote(entry.name)} is damaged: its checksum differs.`, entry.name);
}

async function* slices(source: RandomAccess, entry: LocatedEntry, signal?: AbortSignal): AsyncGenerator<Buffer> {
  for (let at = 0; at < entry.packedBytes; at += sliceBytes) {
    signal?.throwIfAborted();
    yield await source.read(entry.dataOffset + at, Math.min(sliceBytes, entry.packedBytes - at), signal);
  }
}

async function* inflate(source: RandomAccess, entry: LocatedEntry, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const stream = createInflateRaw({ chunkSize: 1 << 16 });
  const feeding = (async () => {
    for await (const slice of slices(source, entry, signal)) {
      if (!stream.write(slice)) await new Promise<void>((resolve) => void stream.once('drain', resolve).once('close', resolve));
      if (stream.destroyed) return;
    }
    stream.end();
  })();
  // The error is raised below, from the stream; here it only must not stay unhandled.
  feeding.catch((error: Error) => stream.destroy(error));
  try {
    for await (const chunk of stream) yield chunk as Buffer;
    await feeding;
  } catch (error) {
    if (isZlibError(error)) refuse(`${quote(entry.name)} is damaged: it cannot be unpacked.`, entry.name);
    throw error;
  } finally {
    stream.destroy();
  }
  if (stream.bytesWritten !== entry.packedBytes) refuse(`${quote(entry.name)} is refused: bytes follow its compressed data.`, entry.name);
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_');
}

/** The whole content of a small entry. */
export async function readWhole(
  source: RandomAccess,
  entry: LocatedEntry,
  limits: Pick<ArchiveLimits, 'totalBytes'>,
  signal?: AbortSignal,
): Promise<Buffer> {
  if (entry.sizeBytes > limits.totalBytes)
    refuse(`${quote(entry.name)} has ${entry.sizeBytes} bytes; at most ${limits.totalBytes} are read here.`, entry.name);
  const chunks: Buffer[] = [];
  for await (const chunk of readEntry(source, entry, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
