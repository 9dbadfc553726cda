import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Load } from '../point.ts';
import { type Bound, LoadThread, type ThreadProgress, type ThreadResult, type ThreadSpec } from './thread.ts';
import type { Answer, Order } from './worker.ts';

/** One thread that sends: this one, or a worker. */
export interface Sender {
  warm(): Promise<void>;
  measure(from: number, bound: Bound): Promise<ThreadResult>;
  progress(): Promise<ThreadProgress>;
  interrupt(): void;
  close(): Promise<void>;
}

/**
 * Splits a point over threads. A Poisson stream of rate R is W independent ones of R/W, and N slots are W times N/W, so that nothing has
 * to be coordinated while measuring. A thread without a slot is left out.
 */
export function splitLoad(load: Load, workers: number): Load[] {
  if (load.loop === 'open') {
    return Array.from({ length: workers }, () => ({ ...load, requestsPerSecond: load.requestsPerSecond / workers }));
  }
  const count = Math.min(workers, load.concurrency);
  return Array.from({ length: count }, (_, i) => ({
    loop: 'closed' as const,
    concurrency: Math.floor(load.concurrency / count) + (i < load.concurrency % count ? 1 : 0),
  }));
}

/** Shares of a whole number, as even as can be. */
export function splitCount(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, i) => Math.floor(total / parts) + (i < total % parts ? 1 : 0));
}

/** The worker's file: beside this one in the sources, `load-worker.js` beside the bundle. */
function workerFile(): URL | undefined {
  const url = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './load-worker.js', import.meta.url);
  return existsSync(fileURLToPath(url)) ? url : undefined;
}

/**
 * Senders for the given specs, each in a thread of its own, so that scraping, progress and signals of the main thread do not delay requests.
 * @param inline send from this thread (one spec only)
 */
export function senders(specs: readonly ThreadSpec[], inline = false): Sender[] {
  const file = workerFile();
  const [only] = specs;
  if ((inline || file === undefined) && only !== undefined && specs.length === 1) return [inlineSender(only)];
  if (file === undefined) throw new Error('several sending threads need the file load-worker.js beside the program; this build has none');
  return specs.map((spec) => workerSender(spec, file));
}

function inlineSender(spec: ThreadSpec): Sender {
  const thread = new LoadThread(spec);
  const abort = new AbortController();
  return {
    warm: () => thread.warm(abort.signal),
    measure: (from, bound) => thread.measure(from, bound, abort.signal),
    progress: async () => thread.progress(),
    interrupt: () => abort.abort(),
    close: async () => thread.close(),
  };
}

function workerSender(spec: ThreadSpec, file: URL): Sender {
  const worker = new Worker(file, { name: 'load' });
  const order = (message: Order) => worker.postMessage(message);
  let failure: Error | undefined;
  const waiting = new Set<{
    readonly is: Answer['is'];
    readonly resolve: (answer: Answer) => void;
    readonly reject: (error: Error) => void;
  }>();
  const fail = (error: Error) => {
    failure ??= error;
    for (const wait of waiting) wait.reject(failure);
    waiting.clear();
  };
  worker.on('message', (answer: Answer) => {
    if (answer.is === 'failed') return fail(new Error(answer.message));
    for (const wait of waiting) {
      if (wait.is !== answer.is) continue;
      waiting.delete(wait);
      wait.resolve(answer);
    }
  });
  worker.on('error', fail);
  worker.on('exit', () => fail(new Error('a sending thread ended unexpectedly')));
  const expect = <T extends Answer['is']>(is: T): Promise<Extract<Answer, { is: T }>> =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(failure);
      waiting.add({ is, resolve: (answer) => resolve(answer as Extract<Answer, { is: T }>), reject });
    });

  return {
    warm: async () => {
      const answer = expect('warm');
      order({ do: 'warm', spec });
      await answer;
    },
    measure: async (from, bound) => {
      const answer = expect('result');
      order({ do: 'measure', from, bound });
      return (await answer).result;
    },
    progress: async () => {
      const answer = expect('progress');
      order({ do: 'progress' });
      return (await answer).progress;
    },
    interrupt: () => order({ do: 'interrupt' }),
    close: async () => {
      await worker.terminate();
    },
  };
}
