import { now } from '../transport/channel.ts';

/** With less than this to wait a timer is too coarse (whole milliseconds, up to one early): the event loop is turned instead. */
const spinMicroseconds = 2000;
/** How much earlier than due the timer is set, so that its lateness is over by then. */
const leadMicroseconds = 1200;

/**
 * Calls `fire` at the intended times of an absolute schedule: a timer while the next is far, then turns of the event loop (`setImmediate`),
 * which keep reading sockets. What is overdue after a stall is fired at once, each with its own intended time.
 */
export class Pacer {
  readonly #next: () => number;
  readonly #fire: (intended: number) => void;
  readonly #spin: boolean;
  #due: number;
  #end = Number.POSITIVE_INFINITY;
  #stopped = false;
  #finished: (() => void) | undefined;

  /**
   * @param next the next intended time, microseconds of `now()`, never falling
   * @param spin whether this thread may use a whole core; under a CPU quota below one, spinning is paid for with stalls of 35 ms and more
   */
  constructor(next: () => number, fire: (intended: number) => void, spin: boolean) {
    this.#next = next;
    this.#fire = fire;
    this.#spin = spin;
    this.#due = next();
  }

  start(): void {
    this.#turn();
  }

  /** Fires nothing that is due at `end` or later; resolves when the last one before has been fired. */
  async finishAt(end: number): Promise<void> {
    this.#end = end;
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      this.#finished = resolve;
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#finished?.();
  }

  readonly #turn = (): void => {
    if (this.#stopped) return;
    let time = now();
    while (this.#due <= time && this.#due < this.#end) {
      this.#fire(this.#due);
      this.#due = this.#next();
    }
    time = now();
    if (this.#due >= this.#end && time >= this.#end) {
      this.stop();
      return;
    }
    const wait = Math.min(this.#due, this.#end) - time;
    if (!this.#spin) setTimeout(this.#turn, Math.max(0, Math.ceil(wait / 1000)));
    else if (wait > spinMicroseconds) setTimeout(this.#turn, Math.floor((wait - leadMicroseconds) / 1000));
    else setImmediate(this.#turn);
  };
}
