import { crc32, deflateRawSync } from 'node:zlib';

/** One entry as an attacker would write it: any field can be set against the others. */
export interface Forged {
  readonly name: string | Buffer;
  readonly data?: Buffer;
  readonly method?: number;
  readonly flags?: number;
  readonly attributes?: number;
  readonly madeBy?: number;
  readonly crc?: number;
  readonly size?: number;
  readonly packedSize?: number;
  readonly extra?: Buffer;
  readonly offset?: number;
  readonly local?: {
    readonly name?: string;
    readonly crc?: number;
    readonly size?: number;
    readonly method?: number;
    readonly flags?: number;
    readonly extra?: Buffer;
  };
  /** Bytes in front of the local header and behind the data. */
  readonly before?: Buffer;
  readonly after?: Buffer;
}

export interface ForgedEnd {
  readonly prefix?: Buffer;
  readonly suffix?: Buffer;
  readonly comment?: Buffer;
  readonly entries?: number;
  readonly directoryBytes?: number;
  readonly directoryOffset?: number;
  readonly disk?: number;
  /** Put between the central directory and the end record. */
  readonly records?: (directoryOffset: number, directoryBytes: number) => Buffer;
}

/** Builds an archive from forged entries. With honest entries it is an ordinary zip file. */
export function forge(entries: readonly Forged[], end: ForgedEnd = {}): Buffer {
  const parts: Buffer[] = [end.prefix ?? Buffer.alloc(0)];
  const central: Buffer[] = [];
  let offset = parts[0]?.length ?? 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name as string);
    const raw = entry.data ?? Buffer.from('content');
    const method = entry.method ?? 0;
    const data = method === 8 ? deflateRawSync(raw) : raw;
    const header = {
      flags: entry.flags ?? (name.some((byte) => byte > 0x7f) ? 0x800 : 0),
      crc: entry.crc ?? crc32(raw),
      size: entry.size ?? raw.length,
      packed: entry.packedSize ?? data.length,
      extra: entry.extra ?? Buffer.alloc(0),
    };
    const localName = Buffer.from(entry.local?.name ?? name);
    const localExtra = entry.local?.extra ?? Buffer.alloc(0);
    const before = entry.before ?? Buffer.alloc(0);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt16LE(entry.local?.flags ?? header.flags, 6);
    local.writeUInt16LE(entry.local?.method ?? method, 8);
    local.writeUInt32LE(0x210000, 10);
    local.writeUInt32LE(entry.local?.crc ?? header.crc, 14);
    local.writeUInt32LE(header.packed, 18);
    local.writeUInt32LE(entry.local?.size ?? header.size, 22);
    local.writeUInt16LE(localName.length, 26);
    local.writeUInt16LE(localExtra.length, 28);

    const record = Buffer.alloc(46);
    record.writeUInt32LE(0x02014b50, 0);
    record.writeUInt16LE(((entry.madeBy ?? 3) << 8) | 20, 4);
    record.writeUInt16LE(20, 6);
    record.writeUInt16LE(header.flags, 8);
    record.writeUInt16LE(method, 10);
    record.writeUInt32LE(0x210000, 12);
    record.writeUInt32LE(header.crc, 16);
    record.writeUInt32LE(header.packed, 20);
    record.writeUInt32LE(header.size, 24);
    record.writeUInt16LE(name.length, 28);
    record.writeUInt16LE(header.extra.length, 30);
    record.writeUInt32LE((entry.attributes ?? 0o100644 * 65536) >>> 0, 38);
    record.writeUInt32LE(entry.offset ?? offset + before.length, 42);
    central.push(record, name, header.extra);
    const block = Buffer.concat([before, local, localName, localExtra, data, entry.after ?? Buffer.alloc(0)]);
    parts.push(block);
    offset += block.length;
  }
  const directory = Buffer.concat(central);
  const comment = end.comment ?? Buffer.alloc(0);
  const record = Buffer.alloc(22);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(end.disk ?? 0, 4);
  record.writeUInt16LE(end.entries ?? entries.length, 8);
  record.writeUInt16LE(end.entries ?? entries.length, 10);
  record.writeUInt32LE(end.directoryBytes ?? directory.length, 12);
  record.writeUInt32LE(end.directoryOffset ?? offset, 16);
  record.writeUInt16LE(comment.length, 20);
  return Buffer.concat([
    ...parts,
    directory,
    end.records?.(offset, directory.length) ?? Buffer.alloc(0),
    record,
    comment,
    end.suffix ?? Buffer.alloc(0),
  ]);
}

/** A zip64 end record and its locator. */
export function zip64End(entries: bigint, bytes: bigint, offset: bigint, at: number): Buffer {
  const record = Buffer.alloc(76);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(45, 12);
  record.writeUInt16LE(45, 14);
  record.writeBigUInt64LE(entries, 24);
  record.writeBigUInt64LE(entries, 32);
  record.writeBigUInt64LE(bytes, 40);
  record.writeBigUInt64LE(offset, 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(at), 64);
  record.writeUInt32LE(1, 72);
  return record;
}

/** An extra field. */
export function extraField(id: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, value]);
}

const symlink = (0o120777 << 16) >>> 0;
const long = (value: bigint) => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(value);
  return buffer;
};
const zeros = Buffer.alloc(4 << 20);

/** Archives that must be refused, with the words of the refusal; named by what they try. */
export const hostileArchives: readonly { readonly id: string; readonly archive: Buffer; readonly says: RegExp }[] = [
  { id: 'parent directory', archive: forge([{ name: '../evil' }]), says: /leads out of the package/ },
  { id: 'parent directory inside', archive: forge([{ name: 'a/../../evil' }]), says: /leads out of the package/ },
  { id: 'absolute path', archive: forge([{ name: '/etc/passwd' }]), says: /absolute/ },
  { id: 'drive letter', archive: forge([{ name: 'C:/evil' }]), says: /drive letter/ },
  { id: 'backslash', archive: forge([{ name: '..\\evil' }]), says: /backslash/ },
  { id: 'dot segment', archive: forge([{ name: 'a/./b' }]), says: /empty or "\." segment/ },
  { id: 'double slash', archive: forge([{ name: 'a//b' }]), says: /empty or "\." segment/ },
  { id: 'empty name', archive: forge([{ name: '' }]), says: /no name/ },
  { id: 'NUL in the name', archive: forge([{ name: 'a.txt\0.png' }]), says: /control character/ },
  { id: 'line feed in the name', archive: forge([{ name: 'a\nb' }]), says: /control character/ },
  { id: 'direction override', archive: forge([{ name: 'a\u202egpj.exe' }]), says: /invisible or direction-changing/ },
  { id: 'long name', archive: forge([{ name: `${'a/'.repeat(20)}${'b'.repeat(1100)}` }]), says: /longer than/ },
  { id: 'deep path', archive: forge([{ name: `${'a/'.repeat(40)}b` }]), says: /directories deep/ },
  { id: 'not UTF-8', archive: forge([{ name: Buffer.from([0x61, 0xff, 0xfe]), flags: 0x800 }]), says: /marked as UTF-8 and is not/ },
  { id: 'code page 437', archive: forge([{ name: Buffer.from([0x61, 0x82]), flags: 0 }]), says: /not ASCII and not marked/ },
  { id: 'symbolic link', archive: forge([{ name: 'link', attributes: symlink, data: Buffer.from('/etc') }]), says: /symbolic link/ },
  { id: 'symbolic link from macOS', archive: forge([{ name: 'link', attributes: symlink, madeBy: 19 }]), says: /symbolic link/ },
  { id: 'device', archive: forge([{ name: 'null', attributes: (0o020666 << 16) >>> 0 }]), says: /device/ },
  { id: 'pipe', archive: forge([{ name: 'pipe', attributes: (0o010666 << 16) >>> 0 }]), says: /device/ },
  { id: 'directory without slash', archive: forge([{ name: 'd', attributes: 0x10 }]), says: /marked as a directory/ },
  { id: 'directory with content', archive: forge([{ name: 'd/', attributes: 0x10 }]), says: /directory with content/ },
  { id: 'duplicate', archive: forge([{ name: 'a' }, { name: 'a' }]), says: /there twice/ },
  { id: 'case twins', archive: forge([{ name: 'Model.onnx' }, { name: 'model.onnx' }]), says: /case or Unicode form/ },
  { id: 'Unicode twins', archive: forge([{ name: 'caf\u00e9' }, { name: 'cafe\u0301' }]), says: /case or Unicode form/ },
  { id: 'file and directory', archive: forge([{ name: 'a' }, { name: 'a/b' }]), says: /is a file and not a directory/ },
  { id: 'overlapping entries', archive: forge([{ name: 'a' }, { name: 'b', offset: 0 }]), says: /overlaps|different names/ },
  {
    id: 'bytes between entries',
    archive: forge([{ name: 'a' }, { name: 'b', before: Buffer.from('hidden') }]),
    says: /belong to no entry/,
  },
  { id: 'bytes before the directory', archive: forge([{ name: 'a', after: Buffer.from('hidden!!') }]), says: /between the last entry/ },
  { id: 'prefix', archive: forge([{ name: 'a' }], { prefix: Buffer.from('#!/bin/sh\n') }), says: /belong to no entry/ },
  { id: 'suffix', archive: forge([{ name: 'a' }], { suffix: Buffer.from('x') }), says: /no end record at the end/ },
  { id: 'comment', archive: forge([{ name: 'a' }], { comment: Buffer.from('hello') }), says: /no end record at the end/ },
  {
    id: 'second archive behind',
    archive: Buffer.concat([forge([{ name: 'a' }]), forge([{ name: 'b' }])]),
    says: /does not end where|damaged|belong to no entry/,
  },
  { id: 'names differ', archive: forge([{ name: 'a', local: { name: 'b' } }]), says: /different names/ },
  { id: 'methods differ', archive: forge([{ name: 'a', local: { method: 8 } }]), says: /two headers disagree/ },
  { id: 'flags differ', archive: forge([{ name: 'a', local: { flags: 2 } }]), says: /two headers disagree/ },
  { id: 'sizes differ', archive: forge([{ name: 'a', local: { size: 3 } }]), says: /different sizes or checksums/ },
  { id: 'checksums differ', archive: forge([{ name: 'a', local: { crc: 1 } }]), says: /different sizes or checksums/ },
  { id: 'wrong checksum', archive: forge([{ name: 'a', crc: 1 }]), says: /checksum differs/ },
  { id: 'stored with two sizes', archive: forge([{ name: 'a', size: 3 }]), says: /stored and its two sizes differ/ },
  {
    id: 'unpacks to more',
    archive: forge([{ name: 'a', method: 8, data: Buffer.alloc(1000, 'ab'), size: 10 }]),
    says: /more than it claims/,
  },
  { id: 'unpacks to less', archive: forge([{ name: 'a', method: 8, size: 900 }]), says: /less than it claims/ },
  {
    id: 'bytes behind deflate',
    archive: forge([{ name: 'a', method: 8, packedSize: 30, after: Buffer.alloc(21) }]),
    says: /bytes follow|damaged|different|reach/,
  },
  {
    id: 'not deflate',
    archive: Buffer.from(forge([{ name: 'a', data: Buffer.from('xxxxxxxx') }]).map(deflateFlag)),
    says: /cannot be unpacked|damaged/,
  },
  { id: 'encrypted', archive: forge([{ name: 'a', flags: 1 }]), says: /encrypted/ },
  { id: 'strong encryption', archive: forge([{ name: 'a', flags: 0x41 }]), says: /encrypted/ },
  { id: 'masked headers', archive: forge([{ name: 'a', flags: 0x2000 }]), says: /encrypted/ },
  { id: 'patch data', archive: forge([{ name: 'a', flags: 0x20 }]), says: /patch/ },
  { id: 'method bzip2', archive: forge([{ name: 'a', method: 12 }]), says: /method 12/ },
  { id: 'spanned', archive: forge([{ name: 'a' }], { disk: 1 }), says: /spanned/ },
  { id: 'other number of entries', archive: forge([{ name: 'a' }], { entries: 2 }), says: /damaged|room/ },
  {
    id: 'fewer entries than there are',
    archive: forge([{ name: 'a' }, { name: 'b' }], { entries: 1 }),
    says: /bytes behind its last entry/,
  },
  { id: 'directory elsewhere', archive: forge([{ name: 'a' }], { directoryOffset: 5 }), says: /does not end where/ },
  {
    id: 'second name in an extra field',
    archive: forge([{ name: 'a', extra: extraField(0x7075, Buffer.concat([Buffer.of(1, 0, 0, 0, 0), Buffer.from('evil')])) }]),
    says: /second name/,
  },
  { id: 'extra field cut off', archive: forge([{ name: 'a', extra: Buffer.of(1, 0, 9, 0) }]), says: /extra field is cut off/ },
  { id: 'zip64 field not needed', archive: forge([{ name: 'a', extra: extraField(1, long(7n)) }]), says: /not asked for/ },
  {
    id: 'zip64 field missing',
    archive: forge([{ name: 'a', size: 0xffffffff, packedSize: 0xffffffff }]),
    says: /zip64 field that is not there/,
  },
  {
    id: 'zip64 size beyond reason',
    archive: forge([
      { name: 'a', size: 0xffffffff, packedSize: 0xffffffff, extra: extraField(1, Buffer.concat([long(2n ** 60n), long(2n ** 60n)])) },
    ]),
    says: /no disk has/,
  },
  {
    id: 'two zip64 fields',
    archive: forge([{ name: 'a', extra: Buffer.concat([extraField(1, Buffer.alloc(0)), extraField(1, Buffer.alloc(0))]) }]),
    says: /two zip64 fields/,
  },
  {
    id: 'zip64 end that disagrees',
    archive: forge([{ name: 'a' }], { records: (offset, bytes) => zip64End(2n, BigInt(bytes), BigInt(offset), offset + bytes) }),
    says: /disagree/,
  },
  {
    id: 'zip64 locator elsewhere',
    archive: forge([{ name: 'a' }], { records: (offset, bytes) => zip64End(1n, BigInt(bytes), BigInt(offset), 0) }),
    says: /do not follow/,
  },
  { id: 'zip64 promised and absent', archive: forge([{ name: 'a' }], { entries: 0xffff }), says: /zip64 records that are not there/ },
  { id: 'bomb by ratio', archive: forge([{ name: 'zeros', method: 8, data: zeros }]), says: /times its packed size/ },
  {
    id: 'bomb by total',
    archive: forge([{ name: 'a', method: 8, size: 0xfffffff0, data: zeros }]),
    says: /times its packed size|together/,
  },
  { id: 'truncated', archive: forge([{ name: 'a' }]).subarray(0, 60), says: /no end record/ },
  { id: 'empty file', archive: Buffer.alloc(0), says: /too small/ },
  { id: 'no archive', archive: Buffer.alloc(1000, 'x'), says: /no end record/ },
];

/** Turns the method of both headers to deflated in an archive whose only entry is stored. */
function deflateFlag(byte: number, index: number, archive: Uint8Array): number {
  const central = Buffer.from(archive).indexOf(Buffer.of(0x50, 0x4b, 1, 2));
  return index === 8 || index === central + 10 ? 8 : byte;
}
