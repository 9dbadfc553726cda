import { createHash } from 'node:crypto';
import type { RandomAccess } from '../random-access.ts';

/** Reading from front to back over a source whose reads take long: several blocks are under way, and all bytes are hashed in order. */
export interface ReadAhead extends RandomAccess {
  /** Reads what is left and returns the SHA-256 of everything. */
  finish(): Promise<string>;
}

export interface ReadAheadOptions {
  readonly blockBytes?: number;
  readonly parallel?: number;
  readonly onProgress?: (receivedBytes: number) => void;
}

/**
 * Wraps a source for a reader that goes forward. A read that begins before the oldest kept block goes to the source itself.
 * Memory: `blockBytes` × (`parallel` + 2).
 */
export function readAhead(source: RandomAccess, options: ReadAheadOptions = {}, signal?: AbortSignal): ReadAhead {
  const blockBytes = options.blockBytes ?? 8 << 20;
  const parallel = options.parallel ?? 4;
  const count = Math.ceil(source.sizeBytes / blockBytes);
  const blocks = new Map<number, Promise<Buffer>>();
  const hash = createHash('sha256');
  let hashed = 0;
  const stop = new AbortController();
  const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);

  const start = (index: number) => {
    if (index >= count || blocks.has(index)) return;
    const offset = index * blockBytes;
    const pending = source.read(offset, Math.min(blockBytes, source.sizeBytes - offset), both);
    pending.catch(() => undefined);
    blocks.set(index, pending);
  };
  /** A block in its turn: everything before it is hashed first. */
  const block = async (index: number): Promise<Buffer> => {
    while (hashed <= index) {
      for (let ahead = hashed; ahead < hashed + parallel; ahead += 1) start(ahead);
      const bytes = (await blocks.get(hashed)) ?? Buffer.alloc(0);
      hash.update(bytes);
      blocks.delete(hashed - 2);
      hashed += 1;
      options.onProgress?.(Math.min(source.sizeBytes, hashed * blockBytes));
    }
    return (await blocks.get(index)) ?? Buffer.alloc(0);
  };
  return {
    sizeBytes: source.sizeBytes,
    async read(offset, length) {
      const first = Math.floor(offset / blockBytes);
      if (length === 0 || first < hashed - 2) return source.read(offset, length, both);
      const parts: Buffer[] = [];
      for (let at = offset; at < offset + length; ) {
        const index = Math.floor(at / blockBytes);
        const bytes = await block(index);
        const from = at - index * blockBytes;
        const part = bytes.subarray(from, Math.min(bytes.length, from + offset + length - at));
        if (part.length === 0) return source.read(offset, length, both);
        parts.push(part);
        at += part.length;
      }
      return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    },
    async finish() {
      if (count > 0) await block(count - 1);
      return hash.digest('hex');
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.allSettled(blocks.values());
    },
  };
}
