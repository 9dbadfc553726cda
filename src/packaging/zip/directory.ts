import { findConflict, refuseName } from '../entry-name.ts';
import { PackagingError } from '../errors.ts';
import { type ArchiveLimits, raising, ratioFreeBytes } from '../limits.ts';
import type { RandomAccess } from '../random-access.ts';
import { deflated, isAscii, max16, max32, signatures, stored, type ZipEntry } from './records.ts';

/** An entry of an archive that passed every check. */
export interface ReadEntry extends ZipEntry {
  readonly directory: boolean;
  /** Where its local header begins. */
  readonly offset: number;
  readonly flags: number;
  readonly dosTime: number;
  readonly nameBytes: Buffer;
}

/**
 * Reads the central directory of an archive and refuses everything that two unpackers could read differently, or that does not belong
 * into a model package: the entry is named in the error. Reads no entry's data. What is accepted:
 * one end record at the very end, no comment, no bytes before, between or behind the records, no encryption, methods stored and deflated,
 * UTF-8 or ASCII names, files and directories only, numbers that agree wherever they stand twice, zip64 only where it is needed.
 *
 * @throws PackagingError ArchiveRefused
 */
export async function readDirectory(source: RandomAccess, limits: ArchiveLimits, signal?: AbortSignal): Promise<ReadEntry[]> {
  const { sizeBytes } = source;
  if (sizeBytes > limits.archiveBytes)
    refuse(`The archive has ${sizeBytes} bytes; at most ${limits.archiveBytes} are accepted, ${raising('size')}.`);
  if (sizeBytes < 22) refuse('The file is too small to be a zip archive.');
  const end = await readEnd(source, signal);
  if (end.entries > limits.entries)
    refuse(`The archive has ${end.entries} entries; at most ${limits.entries} are accepted, ${raising('files')}.`);
  if (end.bytes > limits.directoryBytes)
    refuse(`The central directory has ${end.bytes} bytes; at most ${limits.directoryBytes} are accepted, ${raising('files')}.`);
  if (end.entries * 46 > end.bytes) refuse('The end record claims more entries than the central directory has room for.');

  const directory = await source.read(end.offset, end.bytes, signal);
  const entries: ReadEntry[] = [];
  let at = 0;
  let total = 0;
  for (let index = 0; index < end.entries; index += 1) {
    const [entry, next] = readCentral(directory, at, index, end.offset, limits);
    at = next;
    total += entry.sizeBytes;
    if (total > limits.totalBytes) refuse(`The files have more than ${limits.totalBytes} bytes together, ${raising('size')}.`, entry.name);
    entries.push(entry);
  }
  if (at !== directory.length) refuse('The central directory has bytes behind its last entry.');
  const conflict = findConflict(entries.map(({ name }) => name));
  if (conflict !== undefined) refuse(`${quote(conflict.name)} is refused: ${conflict.reason}.`, conflict.name);
  return entries;
}

async function readEnd(source: RandomAccess, signal?: AbortSignal): Promise<{ entries: number; bytes: number; offset: number }> {
  const { sizeBytes } = source;
  const tail = await source.read(Math.max(0, sizeBytes - 98), Math.min(98, sizeBytes), signal);
  const end = tail.subarray(tail.length - 22);
  if (end.readUInt32LE(0) !== signatures.end || end.readUInt16LE(20) !== 0) {
    refuse('There is no end record at the end of the file: it is no zip archive, is cut off, has a comment, or has bytes appended.');
  }
  if (end.readUInt16LE(4) !== 0 || end.readUInt16LE(6) !== 0) refuse('The archive is one part of several (spanned).');
  const short = { entries: end.readUInt16LE(10), bytes: end.readUInt32LE(12), offset: end.readUInt32LE(16) };
  if (end.readUInt16LE(8) !== short.entries) refuse('The end record gives two different numbers of entries.');

  const endOffset = sizeBytes - 22;
  const locatorAt = tail.length - 42;
  const hasLocator = locatorAt >= 0 && tail.readUInt32LE(locatorAt) === signatures.zip64Locator;
  if (!hasLocator) {
    if (short.entries === max16 || short.bytes === max32 || short.offset === max32)
      refuse('The end record points to zip64 records that are not there.');
    if (short.offset + short.bytes !== endOffset) refuse('The central directory does not end where the end record begins.');
    return short;
  }
  const recordAt = tail.length - 98;
  if (recordAt < 0 || tail.readUInt32LE(recordAt) !== signatures.zip64End)
    refuse('The zip64 locator has no zip64 end record in front of it.');
  const record = tail.subarray(recordAt, recordAt + 56);
  const number = (offset: number) => safeNumber(record.readBigUInt64LE(offset));
  const long = { entries: number(32), bytes: number(40), offset: number(48) };
  const located = safeNumber(tail.readBigUInt64LE(locatorAt + 8));
  if (number(4) !== 44 || located !== sizeBytes - 98 || tail.readUInt32LE(locatorAt + 4) !== 0 || tail.readUInt32LE(locatorAt + 16) > 1) {
    refuse('The zip64 records do not follow one another.');
  }
  if (record.readUInt32LE(16) !== 0 || record.readUInt32LE(20) !== 0 || number(24) !== long.entries)
    refuse('The zip64 end record contradicts itself.');
  const agrees = (value: number, hidden: number, full: number) => value === hidden || value === full;
  if (!agrees(short.entries, max16, long.entries) || !agrees(short.bytes, max32, long.bytes) || !agrees(short.offset, max32, long.offset)) {
    refuse('The end record and the zip64 end record disagree.');
  }
  if (long.offset + long.bytes !== sizeBytes - 98) refuse('The central directory does not end where the zip64 end record begins.');
  return long;
}

function readCentral(directory: Buffer, at: number, index: number, directoryOffset: number, limits: ArchiveLimits): [ReadEntry, number] {
  if (at + 46 > directory.length || directory.readUInt32LE(at) !== signatures.central)
    refuse(`Entry ${index + 1} of the central directory is damaged.`);
  const nameLength = directory.readUInt16LE(at + 28);
  const extraLength = directory.readUInt16LE(at + 30);
  const next = at + 46 + nameLength + extraLength + directory.readUInt16LE(at + 32);
  if (next > directory.length) refuse(`Entry ${index + 1} of the central directory is cut off.`);
  const nameBytes = directory.subarray(at + 46, at + 46 + nameLength);
  const flags = directory.readUInt16LE(at + 8);
  const name = readName(nameBytes, flags, index);
  const fail = (reason: string): never => refuse(`${quote(name)} is refused: ${reason}.`, name);

  const badName = refuseName(name, limits);
  if (badName !== undefined) fail(badName);
  refuseFlags(flags, fail);
  const method = directory.readUInt16LE(at + 10);
  if (method !== stored && method !== deflated) fail(`it is packed with method ${method}; only stored and deflated are accepted`);
  if ((directory.readUInt16LE(at + 6) & 0xff) > 45) fail('it needs a newer version of the format');
  if (directory.readUInt16LE(at + 34) !== 0) fail('it lies in another part of a spanned archive');

  const extra = readExtra(directory.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength), fail);
  const hidden = {
    sizeBytes: directory.readUInt32LE(at + 24),
    packedBytes: directory.readUInt32LE(at + 20),
    offset: directory.readUInt32LE(at + 42),
  };
  const sizes = resolveZip64(hidden, extra.zip64, fail);
  const directoryEntry = name.endsWith('/');
  refuseType(directory.readUInt16LE(at + 4) >> 8, directory.readUInt32LE(at + 38), directoryEntry, fail);
  if (directoryEntry && (sizes.sizeBytes !== 0 || directory.readUInt32LE(at + 16) !== 0)) fail('it is a directory with content');
  if (method === stored && sizes.sizeBytes !== sizes.packedBytes) fail('it is stored and its two sizes differ');
  if (sizes.sizeBytes > ratioFreeBytes && sizes.sizeBytes > sizes.packedBytes * limits.ratio) {
    fail(`it unpacks to more than ${limits.ratio} times its packed size, ${raising('ratio')}`);
  }
  if (sizes.offset + 30 + nameLength + sizes.packedBytes > directoryOffset) fail('its data would reach into the central directory');
  return [
    {
      name,
      nameBytes,
      directory: directoryEntry,
      method: method as ZipEntry['method'],
      flags,
      dosTime: directory.readUInt32LE(at + 12),
      crc32: directory.readUInt32LE(at + 16),
      ...sizes,
    },
    next,
  ];
}

function readName(bytes: Buffer, flags: number, index: number): string {
  if ((flags & (1 << 11)) === 0) {
    const name = bytes.toString('latin1');
    // Without the UTF-8 flag readers differ: code page 437, the locale, or UTF-8.
    if (!isAscii(name)) refuse(`The name of entry ${index + 1} (${quote(name)}) is not ASCII and not marked as UTF-8.`, name);
    return name;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse(`The name of entry ${index + 1} is marked as UTF-8 and is not.`);
  }
}

/** Accepted: compression options (1, 2), data descriptor (3), UTF-8 (11). */
function refuseFlags(flags: number, fail: (reason: string) => never): void {
  if ((flags & 0x2041) !== 0) fail('it is encrypted');
  if ((flags & 0x20) !== 0) fail('it is a patch');
  if ((flags & ~(0x0e | (1 << 11))) !== 0) fail(`it has unknown flags (0x${flags.toString(16)})`);
}

function refuseType(madeBy: number, attributes: number, directory: boolean, fail: (reason: string) => never): void {
  if ((attributes & 0x08) !== 0) fail('it is a volume label');
  if (!directory && (attributes & 0x10) !== 0) fail('it is marked as a directory and its name has no slash at the end');
  // Unix and macOS keep the file's mode in the upper half; other systems may leave it 0.
  const type = (attributes >>> 16) & 0o170000;
  if (type === 0o120000) fail('it is a symbolic link');
  if (type !== 0 && type !== 0o100000 && type !== 0o040000) fail('it is a device, a pipe or a socket');
  if (type === 0o040000 && !directory) fail('its mode says directory and its name does not');
  if (type === 0o100000 && directory) fail('its mode says file and its name says directory');
  if (madeBy > 19 && madeBy !== 0xff) fail(`it was made by an unknown system (${madeBy})`);
}

interface Extra {
  readonly zip64: Buffer | undefined;
}

/** Walks the extra fields; those that rename a file or say the same thing twice are refused. */
export function readExtra(extra: Buffer, fail: (reason: string) => never): Extra {
  let zip64: Buffer | undefined;
  for (let at = 0; at < extra.length; ) {
    if (at + 4 > extra.length) return fail('its extra field is cut off');
    const id = extra.readUInt16LE(at);
    const size = extra.readUInt16LE(at + 2);
    if (at + 4 + size > extra.length) return fail('its extra field is cut off');
    const value = extra.subarray(at + 4, at + 4 + size);
    if (id === 0x7075 || id === 0x6375) return fail('it has a second name or comment in an extra field');
    if (id === 0x0001) {
      if (zip64 !== undefined) return fail('it has two zip64 fields');
      zip64 = value;
    }
    // Strong encryption and its certificates.
    if (id === 0x0017 || id === 0x9901) return fail('it is encrypted');
    at += 4 + size;
  }
  return { zip64 };
}

/** Puts 64-bit numbers where the 32-bit ones are saturated; the field must hold exactly those. */
function resolveZip64<K extends string>(
  values: Readonly<Record<K, number>>,
  zip64: Buffer | undefined,
  fail: (reason: string) => never,
): Record<K, number> {
  const result = { ...values } as Record<K, number>;
  let at = 0;
  for (const key of Object.keys(values) as K[]) {
    if (values[key] !== max32) continue;
    if (zip64 === undefined || at + 8 > zip64.length) return fail('it hides a size in a zip64 field that is not there');
    result[key] = safeNumber(zip64.readBigUInt64LE(at));
    at += 8;
  }
  if (zip64 !== undefined && at !== zip64.length) return fail('its zip64 field holds numbers that are not asked for');
  return result;
}

function safeNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) refuse('The archive claims a size that no disk has.');
  return Number(value);
}

export function refuse(message: string, entry?: string): never {
  throw new PackagingError('ArchiveRefused', message, entry);
}

/** A name that may be printed: control characters escaped, long ones cut. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 117)}...` : name);
}
