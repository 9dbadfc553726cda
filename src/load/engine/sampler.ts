import type { ThreadTracing } from '../spans/trace-context.ts';

/**
 * Which requests of a window are traced. It is decided when they leave, since the server is told: up to any moment no more than that moment's share of the
 * window, so that they are spread over all of it, and all of them where there are fewer than may be traced.
 */
export class Sampler {
  readonly #tracing: ThreadTracing;
  #taken = 0;

  constructor(tracing: ThreadTracing) {
    this.#tracing = tracing;
  }

  /**
   * The number of the span of a request that leaves now; 0 when it is not traced.
   * @param passed share of the window, 0 to 1
   */
  take(passed: number): number {
    const { requests, first, step } = this.#tracing;
    const due = Math.min(requests, 1 + Math.floor(passed * requests));
    return this.#taken >= due ? 0 : first + step * this.#taken++;
  }
}
