import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Behaviour, TruthOptions } from './truth.ts';

export interface TruthServer extends AsyncDisposable {
  readonly url: string;
  /** Requests that the server itself has counted. */
  counts(): Promise<{ readonly received: number; readonly answered: number }>;
  /** The header `traceparent` of every request that had one, in the order of their arrival. */
  traceparents(): Promise<readonly string[]>;
}

/** Starts a test server in a thread of its own on a free port of the loopback interface. */
export async function startTruthServer(behaviour: Behaviour, more: Partial<Omit<TruthOptions, 'behaviour'>> = {}): Promise<TruthServer> {
  const options: TruthOptions = { seed: 1, ...more, behaviour };
  const worker = new Worker(new URL('./truth-thread.ts', import.meta.url), { workerData: options });
  const [{ port }] = (await once(worker, 'message')) as [{ port: number }];
  return {
    url: `http://127.0.0.1:${port}`,
    async counts() {
      worker.postMessage('counts');
      const [message] = (await once(worker, 'message')) as [{ counts: { received: number; answered: number } }];
      return message.counts;
    },
    async traceparents() {
      worker.postMessage('traceparents');
      const [message] = (await once(worker, 'message')) as [{ traceparents: string[] }];
      return message.traceparents;
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}
