/** Entry of a sending thread: runs one `LoadThread` on orders from the pool. */
import { parentPort } from 'node:worker_threads';
import { type Bound, LoadThread, type ThreadProgress, type ThreadResult, type ThreadSpec } from './thread.ts';

export type Order =
  | { readonly do: 'warm'; readonly spec: ThreadSpec }
  | { readonly do: 'measure'; readonly from: number; readonly bound: Bound }
  | { readonly do: 'progress' }
  | { readonly do: 'interrupt' };

export type Answer =
  | { readonly is: 'warm' }
  | { readonly is: 'result'; readonly result: ThreadResult }
  | { readonly is: 'progress'; readonly progress: ThreadProgress }
  | { readonly is: 'failed'; readonly message: string };

const port = parentPort;
if (port !== null) {
  const abort = new AbortController();
  let thread: LoadThread | undefined;
  const answer = (message: Answer, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  const failed = (error: unknown) => answer({ is: 'failed', message: error instanceof Error ? error.message : String(error) });

  port.on('message', (order: Order) => {
    switch (order.do) {
      case 'warm':
        thread = new LoadThread(order.spec);
        thread.warm(abort.signal).then(() => answer({ is: 'warm' }), failed);
        break;
      case 'measure':
        thread?.measure(order.from, order.bound, abort.signal).then((result) => {
          const { done, latency, lag, error, span } = result.trace;
          answer(
            { is: 'result', result },
            [done, latency, lag, error, ...(span === null ? [] : [span])].map((column) => column.buffer as ArrayBuffer),
          );
          port.close();
        }, failed);
        break;
      case 'progress':
        if (thread !== undefined) answer({ is: 'progress', progress: thread.progress() });
        break;
      case 'interrupt':
        abort.abort();
        break;
    }
  });
}
