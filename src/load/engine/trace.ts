import { type ErrorClass, errorClasses } from '../point.ts';

/** Every request that ended after the measured window began, in the order of their ends. Columns, 17 bytes a request; 21 where requests are traced. */
export interface Trace {
  readonly length: number;
  /** When it ended, microseconds of the monotonic clock. */
  readonly done: Float64Array;
  /** From the intended start (open loop) or the actual one (closed loop) to the end, microseconds. */
  readonly latency: Float32Array;
  /** From the intended to the actual start, microseconds; 0 in a closed loop. */
  readonly lag: Float32Array;
  /** 0: success; otherwise 1 + the position in `errorClasses`. */
  readonly error: Uint8Array;
  /** Number of the span that the server was told of; 0: none. `null` where no request is traced. */
  readonly span: Uint32Array | null;
}

/** Grows a trace without copying at every request. */
export class TraceRecorder {
  length = 0;
  #done = new Float64Array(4096);
  #latency = new Float32Array(4096);
  #lag = new Float32Array(4096);
  #error = new Uint8Array(4096);
  #span: Uint32Array<ArrayBuffer> | null;

  constructor(isTraced = false) {
    this.#span = isTraced ? new Uint32Array(4096) : null;
  }

  push(done: number, latency: number, lag: number, error: ErrorClass | null, span = 0): void {
    if (this.length === this.#done.length) this.#grow();
    const at = this.length++;
    this.#done[at] = done;
    this.#latency[at] = latency;
    this.#lag[at] = lag;
    this.#error[at] = error === null ? 0 : 1 + errorClasses.indexOf(error);
    if (this.#span !== null) this.#span[at] = span;
  }

  finish(): Trace {
    const { length } = this;
    return {
      length,
      done: this.#done.slice(0, length),
      latency: this.#latency.slice(0, length),
      lag: this.#lag.slice(0, length),
      error: this.#error.slice(0, length),
      span: this.#span?.slice(0, length) ?? null,
    };
  }

  #grow(): void {
    const size = this.#done.length * 2;
    const grown = <T extends Float64Array | Float32Array | Uint8Array | Uint32Array>(make: T, old: T): T => {
      make.set(old);
      return make;
    };
    this.#done = grown(new Float64Array(size), this.#done);
    this.#latency = grown(new Float32Array(size), this.#latency);
    this.#lag = grown(new Float32Array(size), this.#lag);
    this.#error = grown(new Uint8Array(size), this.#error);
    if (this.#span !== null) this.#span = grown(new Uint32Array(size), this.#span);
  }
}

/** The traces of several threads as one, ordered by the end of each request. */
export function mergeTraces(traces: readonly Trace[]): Trace {
  const only = traces[0];
  if (only !== undefined && traces.length === 1) return only;
  const length = traces.reduce((sum, trace) => sum + trace.length, 0);
  const owner = new Uint16Array(length);
  const row = new Uint32Array(length);
  let at = 0;
  for (const [i, trace] of traces.entries()) {
    for (let j = 0; j < trace.length; j++) {
      owner[at] = i;
      row[at++] = j;
    }
  }
  const doneOf = (k: number) => (traces[owner[k] as number] as Trace).done[row[k] as number] as number;
  const order = Uint32Array.from({ length }, (_, k) => k).sort((a, b) => doneOf(a) - doneOf(b));
  const recorder = {
    done: new Float64Array(length),
    latency: new Float32Array(length),
    lag: new Float32Array(length),
    error: new Uint8Array(length),
    span: traces.some(({ span }) => span !== null) ? new Uint32Array(length) : null,
  };
  for (let k = 0; k < length; k++) {
    const from = order[k] as number;
    const trace = traces[owner[from] as number] as Trace;
    const j = row[from] as number;
    recorder.done[k] = trace.done[j] as number;
    recorder.latency[k] = trace.latency[j] as number;
    recorder.lag[k] = trace.lag[j] as number;
    recorder.error[k] = trace.error[j] as number;
    if (recorder.span !== null) recorder.span[k] = trace.span?.[j] ?? 0;
  }
  return { length, ...recorder };
}
