import { hash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** Equal pieces of memory that blocks pass through on their way to the service, and their MD5. */
export interface BlockMemory extends AsyncDisposable {
  readonly slots: readonly Buffer[];
  /** MD5 of the first `length` bytes of a slot, which must not be written until it is there. */
  md5(slot: number, length: number): Promise<Buffer>;
}

/** From so many blocks on a thread that hashes pays for its start. */
const manyBlocks = 32;

/**
 * Memory for an upload of `blocks` blocks. MD5 takes longer than anything else that the uploading process does with a block: of many blocks it
 * is computed on another thread, so that requests go on meanwhile.
 */
export function blockMemory(slotBytes: number, slots: number, blocks: number): BlockMemory {
  return blocks >= manyBlocks && availableParallelism() > 1 ? threaded(slotBytes, slots) : inline(slotBytes, slots);
}

function inline(slotBytes: number, count: number): BlockMemory {
  const slots = Array.from({ length: count }, () => Buffer.allocUnsafe(slotBytes));
  return {
    slots,
    md5: async (slot, length) => md5Of(slots, slot, length),
    async [Symbol.asyncDispose]() {},
  };
}

function md5Of(slots: readonly Buffer[], slot: number, length: number): Buffer {
  return hash('md5', slots[slot]?.subarray(0, length) ?? Buffer.alloc(0), 'buffer');
}

interface Answer {
  readonly slot: number;
  readonly md5: Uint8Array;
}

function threaded(slotBytes: number, count: number): BlockMemory {
  const memory = new SharedArrayBuffer(count * slotBytes);
  const waiting = new Map<number, PromiseWithResolvers<Buffer>>();
  const worker = new Worker(`(${thread.toString()})()`, {
    eval: true,
    workerData: { memory, slotBytes },
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 },
  });
  let started = false;
  worker.once('online', () => {
    started = true;
  });
  let failure: Error | undefined;
  const fail = (error: Error) => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  worker.on('message', ({ slot, md5 }: Answer) => {
    waiting.get(slot)?.resolve(Buffer.from(md5));
    waiting.delete(slot);
  });
  worker.on('error', fail);
  worker.on('exit', () => fail(new Error('the hashing thread ended')));
  const slots = Array.from({ length: count }, (_, index) => Buffer.from(memory, index * slotBytes, slotBytes));
  return {
    slots,
    md5(slot, length) {
      if (failure !== undefined) return Promise.reject(failure);
      // On a busy machine a thread takes longer to start than the first blocks to be sent.
      if (!started) return Promise.resolve(md5Of(slots, slot, length));
      const pending = Promise.withResolvers<Buffer>();
      waiting.set(slot, pending);
      worker.postMessage({ slot, length });
      return pending.promise;
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}

/** The program of the thread; refers to nothing outside itself, not even to `require`, which a bundler renames, since its text is what the thread runs. */
function thread(): void {
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
  const { hash: digest } = process.getBuiltinModule('node:crypto');
  const { memory, slotBytes } = workerData as { memory: SharedArrayBuffer; slotBytes: number };
  parentPort?.on('message', ({ slot, length }: { slot: number; length: number }) => {
    parentPort.postMessage({ slot, md5: digest('md5', Buffer.from(memory, slot * slotBytes, length), 'buffer') });
  });
}
