import { type FileHandle, open } from 'node:fs/promises';
import { PackagingError } from './errors.ts';

/** Bytes that can be read from anywhere: a file, a blob behind HTTP ranges, memory. */
export interface RandomAccess extends AsyncDisposable {
  readonly sizeBytes: number;
  /** Exactly `length` bytes from `offset` on. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer>;
  /** Fills a buffer of the caller's, where the source can: gigabytes pass through one piece of memory. */
  readInto?(buffer: Buffer, offset: number): Promise<void>;
}

/** Opens a file for reading; the handle is closed by `await using`. */
export async function openFile(path: string): Promise<RandomAccess> {
  const handle = await open(path, 'r');
  const { size } = await handle.stat();
  return {
    sizeBytes: size,
    async read(offset, length) {
      const buffer = Buffer.allocUnsafe(length);
      await readExactly(handle, buffer, offset, path);
      return buffer;
    },
    readInto: (buffer, offset) => readExactly(handle, buffer, offset, path),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/** Bytes in memory, for small archives and tests. */
export function fromBuffer(buffer: Buffer): RandomAccess {
  return {
    sizeBytes: buffer.length,
    async read(offset, length) {
      if (offset < 0 || offset + length > buffer.length)
        throw new PackagingError('ArchiveDamaged', `The archive ends before byte ${offset + length}.`);
      return buffer.subarray(offset, offset + length);
    },
    async [Symbol.asyncDispose]() {},
  };
}

async function readExactly(handle: FileHandle, buffer: Buffer, offset: number, path: string): Promise<void> {
  for (let done = 0; done < buffer.length; ) {
    const { bytesRead } = await handle.read(buffer, done, buffer.length - done, offset + done);
    if (bytesRead === 0) throw new PackagingError('ArchiveDamaged', `${path} ends before byte ${offset + buffer.length}.`, path);
    done += bytesRead;
  }
}

/** Small reads through one window that is kept: for headers that lie near each other behind a slow connection. */
export function withWindow(source: RandomAccess, windowBytes = 256 << 10): RandomAccess {
  let start = 0;
  let window: Buffer = Buffer.alloc(0);
  return {
    sizeBytes: source.sizeBytes,
    async read(offset, length, signal) {
      if (length > windowBytes) return source.read(offset, length, signal);
      if (offset < start || offset + length > start + window.length) {
        window = await source.read(offset, Math.min(Math.max(length, windowBytes), source.sizeBytes - offset), signal);
        start = offset;
      }
      return window.subarray(offset - start, offset - start + length);
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}
