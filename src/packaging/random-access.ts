import { type FileHandle, open } from 'node:fs/promises';
import { PackagingError } from './errors.ts';

/** Bytes that can be read from anywhere: a file, a blob behind HTTP ranges, memory. */
export interface RandomAccess extends AsyncDisposable {
  readonly sizeBytes: number;
  /** Exactly `length` bytes from `offset` on. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer>;
}

/** Opens a file for reading; the handle is closed by `await using`. */
export async function openFile(path: string): Promise<RandomAccess> {
  const handle = await open(path, 'r');
  const { size } = await handle.stat();
  return {
    sizeBytes: size,
    read: (offset, length) => readExactly(handle, offset, length, path),
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

async function readExactly(handle: FileHandle, offset: number, length: number, path: string): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
    if (bytesRead === 0) throw new PackagingError('ArchiveDamaged', `${path} ends before byte ${offset + length}.`, path);
    done += bytesRead;
  }
  return buffer;
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
