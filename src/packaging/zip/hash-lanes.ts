import { createHash, type Hash } from 'node:crypto';
import { Worker } from 'node:worker_threads';

/** Part of a slot that belongs to a file's content; `final` ends the file. */
export interface FilePart {
  readonly start: number;
  readonly end: number;
  readonly final: boolean;
}

/**
 * Two SHA-256 computations over the same stream of slots: one of everything, one of each file within it. On two threads they take the
 * time of one.
 */
export interface HashLanes extends AsyncDisposable {
  /** Memory that both lanes and the writer share; one slot a round. */
  readonly slots: readonly Buffer[];
  /** Hashes the first `length` bytes of a slot; resolves when the slot may be used again. */
  update(slot: number, length: number, parts: readonly FilePart[]): Promise<void>;
  /** SHA-256 of everything and of each file, in order, as hexadecimal. */
  digests(): Promise<{ readonly whole: string; readonly files: readonly string[] }>;
}

export const slotBytes = 1 << 20;

/** Hashes in this thread. */
export function inlineLanes(): HashLanes {
  const whole = createHash('sha256');
  const files: string[] = [];
  let file: Hash = createHash('sha256');
  const slots = [Buffer.alloc(slotBytes)];
  return {
    slots,
    async update(slot, length, parts) {
      const buffer = slots[slot] ?? Buffer.alloc(0);
      whole.update(buffer.subarray(0, length));
      for (const { start, end, final } of parts) {
        file.update(buffer.subarray(start, end));
        if (!final) continue;
        files.push(file.digest('hex'));
        file = createHash('sha256');
      }
    },
    async digests() {
      return { whole: whole.digest('hex'), files };
    },
    async [Symbol.asyncDispose]() {},
  };
}

type Answer = { readonly slot: number } | { readonly digests: readonly string[] };

/** Hashes on two worker threads, over `count` shared slots. */
export function startLanes(count = 6): HashLanes {
  const memory = new SharedArrayBuffer(count * slotBytes);
  const slots = Array.from({ length: count }, (_, index) => Buffer.from(memory, index * slotBytes, slotBytes));
  const workers = [0, 1].map(
    () =>
      new Worker(`(${lane.toString()})()`, {
        eval: true,
        workerData: { memory, slotBytes },
        resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 },
      }),
  );
  const waiting = workers.map(() => new Map<number, PromiseWithResolvers<void>>());
  const results = workers.map(() => Promise.withResolvers<readonly string[]>());
  for (const [index, worker] of workers.entries()) {
    const fail = (error: Error) => {
      for (const { reject } of waiting[index]?.values() ?? []) reject(error);
      results[index]?.reject(error);
    };
    results[index]?.promise.catch(() => undefined);
    worker.on('message', (answer: Answer) => {
      if ('digests' in answer) results[index]?.resolve(answer.digests);
      else {
        waiting[index]?.get(answer.slot)?.resolve();
        waiting[index]?.delete(answer.slot);
      }
    });
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('a hashing thread ended')));
  }
  const send = (index: number, slot: number, parts: readonly FilePart[]): Promise<void> => {
    const pending = Promise.withResolvers<void>();
    waiting[index]?.set(slot, pending);
    workers[index]?.postMessage({ slot, parts });
    return pending.promise;
  };
  return {
    slots,
    async update(slot, length, parts) {
      await Promise.all([send(0, slot, [{ start: 0, end: length, final: false }]), parts.length > 0 ? send(1, slot, parts) : undefined]);
    },
    async digests() {
      workers[0]?.postMessage({ end: true });
      workers[1]?.postMessage({ end: false });
      const [whole, files] = await Promise.all(results.map(({ promise }) => promise));
      return { whole: whole?.[0] ?? '', files: files ?? [] };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** The program of a lane; refers to nothing outside itself, not even to `require`, which a bundler renames, since its text is what the thread runs. */
function lane(): void {
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
  const { createHash } = process.getBuiltinModule('node:crypto');
  const { memory, slotBytes } = workerData as { memory: SharedArrayBuffer; slotBytes: number };
  const digests: string[] = [];
  let hash = createHash('sha256');
  const finish = () => {
    digests.push(hash.digest('hex'));
    hash = createHash('sha256');
  };
  parentPort?.on('message', (message: { slot: number; parts: FilePart[] } | { end: boolean }) => {
    if ('end' in message) {
      if (message.end) finish();
      parentPort.postMessage({ digests });
      return;
    }
    for (const { start, end, final } of message.parts) {
      hash.update(Buffer.from(memory, message.slot * slotBytes + start, end - start));
      if (final) finish();
    }
    parentPort.postMessage({ slot: message.slot });
  });
}
