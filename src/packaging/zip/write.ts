import { type FileHandle, open } from 'node:fs/promises';
import { type FilePart, type HashLanes, inlineLanes, slotBytes, startLanes } from './hash-lanes.ts';
import { changed, type PlannedEntry, stampOf, type ZipPlan } from './plan.ts';
import { centralHeader, endRecords, localHeader } from './records.ts';

export interface WrittenFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface WrittenZip {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly files: readonly WrittenFile[];
}

/** Takes the next bytes of the archive; they are valid until the promise resolves. */
export type Sink = (bytes: Buffer) => Promise<void>;

/**
 * Writes a planned archive to a sink in one pass, in memory of a few megabytes. Reading, both digests and the sink run at the same time.
 *
 * @throws PackagingError SourceChanged
 */
export async function writeZip(plan: ZipPlan, sink: Sink, signal?: AbortSignal): Promise<WrittenZip> {
  await using lanes: HashLanes = plan.sizeBytes > 8 * slotBytes ? startLanes() : inlineLanes();
  const stream = new SlotStream(lanes, sink);
  const central: Buffer[] = [];
  let offset = 0;
  for (const entry of plan.entries) {
    signal?.throwIfAborted();
    const local = localHeader(entry);
    central.push(centralHeader(entry, offset));
    await stream.bytes(local);
    await writeContent(entry, plan, stream, signal);
    offset += local.length + entry.packedBytes;
  }
  const directory = Buffer.concat(central);
  await stream.bytes(directory);
  await stream.bytes(endRecords(plan.entries.length, directory.length, offset));
  await stream.end();

  const { whole, files } = await lanes.digests();
  let next = 0;
  const written: WrittenFile[] = [];
  for (const entry of plan.entries) {
    if (entry.name.endsWith('/')) continue;
    const sha256 = entry.sha256 ?? files[next++] ?? '';
    written.push({ path: entry.name, sizeBytes: entry.sizeBytes, sha256 });
  }
  return { sha256: whole, sizeBytes: plan.sizeBytes, files: written };
}

async function writeContent(entry: PlannedEntry, plan: ZipPlan, stream: SlotStream, signal?: AbortSignal): Promise<void> {
  if (entry.packed !== undefined) {
    const { at, length } = entry.packed;
    for (let done = 0; done < length; done += slotBytes)
      await stream.bytes(await plan.readPacked(at + done, Math.min(slotBytes, length - done)));
    return;
  }
  if (entry.name.endsWith('/')) return;
  if (entry.source.content !== undefined) {
    await stream.bytes(entry.source.content, true);
    stream.endFile();
    return;
  }
  const handle = await open(entry.source.file, 'r');
  try {
    if ((await stampOf(handle)) !== entry.stamp) throw changed(entry.source);
    for (let at = 0; at < entry.sizeBytes; ) {
      signal?.throwIfAborted();
      const bytesRead = await stream.fill(handle, at, entry.sizeBytes - at);
      if (bytesRead === 0) throw changed(entry.source);
      at += bytesRead;
    }
    stream.endFile();
    if ((await stampOf(handle)) !== entry.stamp) throw changed(entry.source);
  } finally {
    await handle.close();
  }
}

/** Fills shared slots one after the other and hands each full one to the digests and to the sink. */
class SlotStream {
  readonly #lanes: HashLanes;
  readonly #sink: Sink;
  /** Per slot: done when digests and sink are finished with it. */
  readonly #busy: Promise<void>[];
  #sinking: Promise<void> = Promise.resolve();
  #slot = 0;
  #used = 0;
  #parts: FilePart[] = [];

  constructor(lanes: HashLanes, sink: Sink) {
    this.#lanes = lanes;
    this.#sink = sink;
    this.#busy = lanes.slots.map(() => Promise.resolve());
  }

  /** Adds bytes; `file` says that they are content of a file. */
  async bytes(data: Buffer, file = false): Promise<void> {
    for (let at = 0; at < data.length; ) {
      const slot = await this.#current();
      const length = Math.min(data.length - at, slotBytes - this.#used);
      data.copy(slot, this.#used, at, at + length);
      this.#advance(length, file);
      at += length;
    }
  }

  /** Reads from a file straight into the shared memory; returns the bytes read. */
  async fill(handle: FileHandle, at: number, most: number): Promise<number> {
    const slot = await this.#current();
    const { bytesRead } = await handle.read(slot, this.#used, Math.min(most, slotBytes - this.#used), at);
    this.#advance(bytesRead, true);
    return bytesRead;
  }

  endFile(): void {
    this.#parts.push({ start: this.#used, end: this.#used, final: true });
  }

  async end(): Promise<void> {
    this.#flush();
    await Promise.all(this.#busy);
  }

  async #current(): Promise<Buffer> {
    if (this.#used === slotBytes) this.#flush();
    if (this.#used === 0) await this.#busy[this.#slot];
    return this.#lanes.slots[this.#slot] ?? Buffer.alloc(0);
  }

  #advance(length: number, file: boolean): void {
    if (file) this.#parts.push({ start: this.#used, end: this.#used + length, final: false });
    this.#used += length;
  }

  #flush(): void {
    const [slot, length, parts] = [this.#slot, this.#used, this.#parts];
    const buffer = this.#lanes.slots[slot] ?? Buffer.alloc(0);
    // The sink gets the slots in order, one at a time.
    this.#sinking = this.#sinking.then(() => this.#sink(buffer.subarray(0, length)));
    const done = Promise.all([this.#lanes.update(slot, length, parts), this.#sinking]).then(() => undefined);
    done.catch(() => undefined);
    this.#busy[slot] = done;
    this.#slot = (slot + 1) % this.#lanes.slots.length;
    this.#used = 0;
    this.#parts = [];
  }
}
