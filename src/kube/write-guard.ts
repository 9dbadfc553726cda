import type { Dispatcher } from 'undici';
import { KubeError } from './errors.ts';

/**
 * Asks `mayWrite` at the moment at which a request other than a GET would go out on its connection. A process may stall, or a request wait for a free
 * connection, after all other checks; what comes out of such a wait must not be written by a replica that leads no more.
 */
export function guardWrites(mayWrite: () => boolean): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => dispatch(options, options.method === 'GET' ? handler : new GuardedHandler(handler, mayWrite));
}

class GuardedHandler implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #mayWrite: () => boolean;

  constructor(handler: Dispatcher.DispatchHandler, mayWrite: () => boolean) {
    this.#handler = handler;
    this.#mayWrite = mayWrite;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    // Thrown here, it fails the request before a byte of it is written.
    if (!this.#mayWrite()) throw new KubeError('NOT_LEADER', 0, '', 'a write was not sent: this replica does not lead');
    this.#handler.onRequestStart?.(controller, context);
  }

  onRequestUpgrade(...given: Parameters<NonNullable<Dispatcher.DispatchHandler['onRequestUpgrade']>>): void {
    this.#handler.onRequestUpgrade?.(...given);
  }

  onResponseStart(...given: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>): void {
    this.#handler.onResponseStart?.(...given);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#handler.onResponseData?.(controller, chunk);
  }

  onResponseEnd(...given: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseEnd']>>): void {
    this.#handler.onResponseEnd?.(...given);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#handler.onResponseError?.(controller, error);
  }
}
