import { Worker } from 'node:worker_threads';
import { createDeflate } from './deflate.ts';

/** Compresses chunks, on other threads where that pays. */
export interface DeflatePool extends AsyncDisposable {
  /** Chunks that may be under way at once without filling the memory. */
  readonly width: number;
  /** Takes the bytes over: they must be all of their buffer, and the caller does not touch them again. */
  deflate(data: Uint8Array<ArrayBuffer>, start: number, last: boolean): Promise<Uint8Array>;
}

interface Done {
  readonly id: number;
  readonly out: Uint8Array;
}

/** Runs in this thread: right for a few megabytes, where starting threads would take longer. */
export function inlineDeflate(): DeflatePool {
  const deflate = createDeflate();
  return { width: 1, deflate: async (data, start, last) => deflate(data, start, last).slice(), async [Symbol.asyncDispose]() {} };
}

/** Starts `threads` worker threads. Their program is the text of {@link createDeflate}, so that a bundle needs no second file. */
export function startDeflatePool(threads: number): DeflatePool {
  const program = `
    const { parentPort } = require('node:worker_threads');
    const deflate = (${createDeflate.toString()})();
    parentPort.on('message', ({ id, data, start, last }) => {
      const out = deflate(data, start, last).slice();
      parentPort.postMessage({ id, out }, [out.buffer]);
    });`;
  const waiting = new Map<number, PromiseWithResolvers<Uint8Array>>();
  const workers = Array.from(
    { length: threads },
    () => new Worker(program, { eval: true, resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 } }),
  );
  const fail = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  for (const worker of workers) {
    worker.on('message', ({ id, out }: Done) => {
      waiting.get(id)?.resolve(out);
      waiting.delete(id);
    });
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('a compressing thread ended')));
  }
  let next = 0;
  return {
    width: threads + 1,
    deflate(data, start, last) {
      const id = next;
      next += 1;
      const pending = Promise.withResolvers<Uint8Array>();
      waiting.set(id, pending);
      workers[id % threads]?.postMessage({ id, data, start, last }, [data.buffer]);
      return pending.promise;
    },
    async [Symbol.asyncDispose]() {
      waiting.clear();
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
