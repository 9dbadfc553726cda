import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { crc32 } from 'node:zlib';
import { PackagingError } from '../errors.ts';
import { defaultLimits, ratioFreeBytes } from '../limits.ts';
import { readSource, type SourceEntry } from '../source-folder.ts';
import { chunkBytes, createDeflate, type Deflate, dictionaryBytes } from './deflate.ts';
import { type DeflatePool, inlineDeflate, startDeflatePool } from './deflate-pool.ts';
import { centralHeader, deflated, endRecords, localHeader, stored, type ZipEntry } from './records.ts';

/** Packed bytes kept in memory; what goes beyond is written to a temporary file. */
const memoryBytes = 4 << 20;
const [samples, sampleBytes] = [4, 16 << 10];
/** A file is deflated when its sample shrinks below this share. */
const worthwhile = 0.9;

/** One entry, measured: everything that its headers will say is known. */
export interface PlannedEntry extends ZipEntry {
  readonly source: SourceEntry;
  /** SHA-256 of the content; known here only for deflated entries, whose content the writer does not see again. */
  readonly sha256: string | undefined;
  /** Where the packed bytes of a deflated entry are kept. */
  readonly packed: { readonly at: number; readonly length: number } | undefined;
  /** The file's identity while it was measured. */
  readonly stamp: string;
}

/** A zip archive that is decided and not yet written. */
export interface ZipPlan extends AsyncDisposable {
  readonly entries: readonly PlannedEntry[];
  readonly sizeBytes: number;
  readPacked(at: number, length: number): Promise<Buffer>;
}

/**
 * Measures each file (CRC-32, size) and decides whether it is stored or deflated: by compressing four samples of 16 KiB with the
 * deterministic compressor. Weights hardly shrink and are stored, so that servers and ranges read them as they are; text shrinks.
 * The decision depends on the content alone.
 *
 * @param spool where packed bytes beyond 4 MiB go; removed at the end.
 * @throws PackagingError SourceChanged
 */
export async function planZip(sources: readonly SourceEntry[], spool: string, signal?: AbortSignal): Promise<ZipPlan> {
  const packedStore = new PackedStore(spool);
  const deflate = createDeflate();
  try {
    const planned = new Map<SourceEntry, PlannedEntry>();
    const [toPack, toStore]: [SourceEntry[], SourceEntry[]] = [[], []];
    for (const source of sources) {
      signal?.throwIfAborted();
      if (source.sizeBytes <= samples * sampleBytes) planned.set(source, await planSmall(source, deflate, packedStore));
      else ((await isCompressible(source, deflate)) ? toPack : toStore).push(source);
    }
    const toDeflate = toPack.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    await using pool: DeflatePool = toDeflate > 4 * chunkBytes ? startDeflatePool(Math.min(4, availableParallelism())) : inlineDeflate();
    // Compressing keeps other threads at work; meanwhile this one reads what is stored.
    await both(
      (async () => {
        for (const source of toPack) {
          const packed = await deflateSource(source, pool, packedStore, signal);
          if (packed !== undefined) planned.set(source, packed);
        }
      })(),
      (async () => {
        for (const source of toStore) planned.set(source, await measure(source, signal));
      })(),
    );
    const entries: PlannedEntry[] = [];
    for (const source of sources) entries.push(planned.get(source) ?? (await measure(source, signal)));
    return {
      entries,
      sizeBytes: zipSize(entries),
      readPacked: (at, length) => packedStore.read(at, length),
      [Symbol.asyncDispose]: () => packedStore.close(),
    };
  } catch (error) {
    await packedStore.close();
    throw error;
  }
}

/** Waits for both to end, and throws what the first of them threw, if it did. */
async function both(...work: readonly Promise<void>[]): Promise<void> {
  for (const ended of await Promise.allSettled(work)) if (ended.status === 'rejected') throw ended.reason;
}

/** Size of the archive that a plan will become. */
function zipSize(entries: readonly ZipEntry[]): number {
  let offset = 0;
  let directory = 0;
  for (const entry of entries) {
    directory += centralHeader(entry, offset).length;
    offset += localHeader(entry).length + entry.packedBytes;
  }
  return offset + directory + endRecords(entries.length, directory, offset).length;
}

/** A file that is no larger than its samples is read once, and what they are compressed to is what is packed. */
async function planSmall(source: SourceEntry, deflate: Deflate, store: PackedStore): Promise<PlannedEntry> {
  const { content, stamp } = await readWhole(source);
  const { length } = content;
  const base = { name: source.path, crc32: crc32(content), sizeBytes: length, source, stamp };
  const packed = length < 128 ? content : deflate(content, 0, true);
  if (packed.length >= length * worthwhile) return { ...base, method: stored, packedBytes: length, sha256: undefined, packed: undefined };
  const at = store.end;
  await store.append(packed.slice());
  return {
    ...base,
    method: deflated,
    packedBytes: packed.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    packed: { at, length: packed.length },
  };
}

async function readWhole(source: SourceEntry): Promise<{ readonly content: Buffer; readonly stamp: string }> {
  if (source.content !== undefined) return { content: source.content, stamp: '' };
  const handle = await open(source.file, 'r');
  try {
    const stamp = await stampOf(handle);
    // One byte more, so that a file that has grown is seen.
    const buffer = Buffer.allocUnsafe(source.sizeBytes + 1);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    if (bytesRead !== source.sizeBytes || (await stampOf(handle)) !== stamp) throw changed(source);
    return { content: buffer.subarray(0, bytesRead), stamp };
  } finally {
    await handle.close();
  }
}

async function isCompressible(source: SourceEntry, deflate: Deflate): Promise<boolean> {
  const { sizeBytes } = source;
  const pieces: Buffer[] = [];
  for (let piece = 0; piece < samples; piece += 1)
    pieces.push(await readSource(source, Math.floor(((sizeBytes - sampleBytes) * piece) / (samples - 1)), sampleBytes));
  // Each alone: that they are like one another says nothing of a file whose like parts lie further apart than deflate looks back.
  const total = (lengths: readonly number[]) => lengths.reduce((sum, length) => sum + length, 0);
  return total(pieces.map((piece) => deflate(piece, 0, true).length)) < total(pieces.map(({ length }) => length)) * worthwhile;
}

/** Stored: the file is read once for its checksum. */
async function measure(source: SourceEntry, signal?: AbortSignal): Promise<PlannedEntry> {
  const base = {
    name: source.path,
    method: stored,
    sizeBytes: source.sizeBytes,
    packedBytes: source.sizeBytes,
    source,
    sha256: undefined,
    packed: undefined,
  } as const;
  if (source.content !== undefined) return { ...base, crc32: crc32(source.content), stamp: '' };
  const handle = await open(source.file, 'r');
  try {
    const stamp = await stampOf(handle);
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(chunkBytes, source.sizeBytes)));
    let crc = 0;
    let at = 0;
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) break;
      crc = crc32(buffer.subarray(0, bytesRead), crc);
      at += bytesRead;
    }
    if (at !== source.sizeBytes) throw changed(source);
    return { ...base, crc32: crc, stamp };
  } finally {
    await handle.close();
  }
}

/** Deflates a file in chunks, several at a time, in order; undefined when it does not get smaller after all. */
async function deflateSource(
  source: SourceEntry,
  pool: DeflatePool,
  store: PackedStore,
  signal?: AbortSignal,
): Promise<PlannedEntry | undefined> {
  const handle = source.content === undefined ? await open(source.file, 'r') : undefined;
  try {
    const stamp = handle === undefined ? '' : await stampOf(handle);
    const hash = createHash('sha256');
    let crc = 0;
    let dictionary: Buffer = Buffer.alloc(0);
    const at = store.end;
    const under: Promise<Uint8Array>[] = [];
    const drain = async (most: number) => {
      while (under.length > most) await store.append((await under.shift()) ?? new Uint8Array(0));
    };
    for (let read = 0; read < source.sizeBytes; read += chunkBytes) {
      signal?.throwIfAborted();
      const wanted = Math.min(chunkBytes, source.sizeBytes - read);
      const data = new Uint8Array(dictionary.length + wanted);
      data.set(dictionary);
      const chunk = Buffer.from(data.buffer, dictionary.length, wanted);
      if (handle === undefined) source.content?.copy(chunk, 0, read, read + wanted);
      else if ((await handle.read(chunk, 0, wanted, read)).bytesRead !== wanted) throw changed(source);
      hash.update(chunk);
      crc = crc32(chunk, crc);
      const start = dictionary.length;
      dictionary = Buffer.from(chunk.subarray(Math.max(0, wanted - dictionaryBytes)));
      const pending = pool.deflate(data, start, read + wanted === source.sizeBytes);
      pending.catch(() => undefined);
      under.push(pending);
      await drain(pool.width - 1);
    }
    await drain(0);
    if (handle !== undefined && (await stampOf(handle)) !== stamp) throw changed(source);
    const length = store.end - at;
    // A reader may take a file that shrinks this much for a bomb; ours does.
    const suspicious = source.sizeBytes > ratioFreeBytes && source.sizeBytes > length * defaultLimits.ratio;
    if (length >= source.sizeBytes || suspicious) {
      store.truncate(at);
      return undefined;
    }
    const sha256 = hash.digest('hex');
    return {
      name: source.path,
      method: deflated,
      crc32: crc,
      sizeBytes: source.sizeBytes,
      packedBytes: length,
      source,
      sha256,
      packed: { at, length },
      stamp,
    };
  } finally {
    await handle?.close();
  }
}

/** What changes when somebody writes to the file. */
export async function stampOf(handle: FileHandle): Promise<string> {
  const { size, mtimeNs, ctimeNs, ino } = await handle.stat({ bigint: true });
  return `${size}:${mtimeNs}:${ctimeNs}:${ino}`;
}

export function changed(source: SourceEntry): PackagingError {
  return new PackagingError(
    'SourceChanged',
    `${source.path} changed while it was being packaged; wait for its writer and package again.`,
    source.path,
  );
}

/** Packed bytes: the first 4 MiB in memory, the rest in a file. */
class PackedStore {
  readonly #path: string;
  readonly #memory: { at: number; bytes: Uint8Array }[] = [];
  #handle: FileHandle | undefined;
  #fileStart = 0;
  end = 0;

  constructor(path: string) {
    this.#path = path;
  }

  async append(bytes: Uint8Array): Promise<void> {
    if (this.#handle === undefined && this.end + bytes.length > memoryBytes) {
      this.#handle = await open(this.#path, 'wx+', 0o600);
      this.#fileStart = this.end;
    }
    if (this.#handle === undefined) this.#memory.push({ at: this.end, bytes });
    else await this.#handle.write(bytes, 0, bytes.length, this.end - this.#fileStart);
    this.end += bytes.length;
  }

  /** Forgets everything from `at` on. */
  truncate(at: number): void {
    this.end = at;
    while ((this.#memory.at(-1)?.at ?? -1) >= at) this.#memory.pop();
  }

  async read(at: number, length: number): Promise<Buffer> {
    const out = Buffer.alloc(length);
    for (const { at: start, bytes } of this.#memory) {
      const from = Math.max(at, start);
      const to = Math.min(at + length, start + bytes.length);
      if (from < to) out.set(bytes.subarray(from - start, to - start), from - at);
    }
    const from = Math.max(at, this.#fileStart);
    if (this.#handle !== undefined && at + length > from) {
      await this.#handle.read(out, from - at, at + length - from, from - this.#fileStart);
    }
    return out;
  }

  async close(): Promise<void> {
    if (this.#handle === undefined) return;
    await this.#handle.close();
    this.#handle = undefined;
    await rm(this.#path, { force: true });
  }
}
