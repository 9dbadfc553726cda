import type { Clock } from '../../kube/clock.ts';
import type { Enqueue, Watch } from '../../kube/controller.ts';
import type { ObjectKey } from '../../kube/object.ts';
import type { ImageAnswer, ImageQuery } from './image-query.ts';

export interface ImageWatchPorts {
  readonly clock: Clock;
  /** Asks a registry. Never rejects but for the signal's reason. */
  readonly ask: (query: ImageQuery, signal: AbortSignal) => Promise<ImageAnswer>;
  /** Who looks again when there is an answer. */
  readonly keys: () => readonly ObjectKey[];
}

/** A failure is asked about again after this long, then twice as long, up to the second value. */
const [firstRetryMilliseconds, lastRetryMilliseconds] = [10_000, 600_000];
/** What was found there may go again; what is resolved stays so. */
const foundMilliseconds = 300_000;
const maxAtOnce = 4;

interface Entry {
  query: ImageQuery;
  answer?: ImageAnswer;
  /** Failures in a row. */
  failures: number;
  state: 'Waiting' | 'Asking' | 'Answered';
  cancelTimer?: () => void;
}

/**
 * Asks registries beside the controller's work, so that one that does not answer holds up nothing. Each reconcile says what it wants to know (`want`) and
 * reads what is known (`answers`); when more is known, it is called again. While a failure is being asked about again, it goes on being the answer.
 */
export class ImageWatch implements Watch {
  readonly source = 'ContainerRegistry';
  readonly #ports: ImageWatchPorts;
  readonly #entries = new Map<string, Entry>();
  #asking = 0;
  #enqueue: Enqueue | undefined;
  #stop = new AbortController();

  constructor(ports: ImageWatchPorts) {
    this.#ports = ports;
  }

  hasSynced(): boolean {
    return true;
  }

  start(enqueue: Enqueue): () => void {
    this.#enqueue = enqueue;
    this.#stop = new AbortController();
    return () => {
      this.#stop.abort();
      for (const { cancelTimer } of this.#entries.values()) cancelTimer?.();
      this.#entries.clear();
    };
  }

  answers(): ReadonlyMap<string, ImageAnswer> {
    return new Map([...this.#entries].flatMap(([key, { answer }]) => (answer === undefined ? [] : [[key, answer]])));
  }

  /** Everything that is to be known from now on. */
  want(queries: readonly ImageQuery[]): void {
    const keys = new Set(queries.map(({ key }) => key));
    for (const [key, { cancelTimer }] of this.#entries) {
      if (keys.has(key)) continue;
      cancelTimer?.();
      this.#entries.delete(key);
    }
    for (const query of queries) {
      const known = this.#entries.get(query.key);
      if (known !== undefined) known.query = query;
      else this.#entries.set(query.key, { query, failures: 0, state: 'Waiting' });
    }
    this.#proceed();
  }

  /** Something that decides answers has changed: what failed is asked about again at once. */
  retry(): void {
    for (const entry of this.#entries.values()) {
      if (entry.state !== 'Answered' || entry.answer?.kind === 'Resolved') continue;
      entry.cancelTimer?.();
      entry.failures = 0;
      entry.state = 'Waiting';
    }
    this.#proceed();
  }

  #proceed(): void {
    for (const entry of this.#entries.values()) {
      if (this.#asking >= maxAtOnce) return;
      if (entry.state === 'Waiting') void this.#ask(entry);
    }
  }

  async #ask(entry: Entry): Promise<void> {
    const { signal } = this.#stop;
    this.#asking++;
    entry.state = 'Asking';
    try {
      const answer = await this.#ports.ask(entry.query, signal);
      if (signal.aborted || this.#entries.get(entry.query.key) !== entry) return;
      this.#answered(entry, answer);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#asking--;
      if (!signal.aborted) this.#proceed();
    }
  }

  #answered(entry: Entry, answer: ImageAnswer): void {
    const isNews = JSON.stringify(answer) !== JSON.stringify(entry.answer);
    entry.answer = answer;
    entry.state = 'Answered';
    entry.failures = answer.kind === 'Failed' ? entry.failures + 1 : 0;
    const wait = waitBehind(answer, entry.failures);
    if (wait !== undefined) {
      entry.cancelTimer = this.#ports.clock.schedule(() => {
        entry.state = 'Waiting';
        this.#proceed();
      }, wait);
    }
    if (isNews) for (const key of this.#ports.keys()) this.#enqueue?.(key, false);
  }
}

function waitBehind(answer: ImageAnswer, failures: number): number | undefined {
  if (answer.kind === 'Resolved') return undefined;
  if (answer.kind === 'Found') return foundMilliseconds;
  const backoff = Math.min(firstRetryMilliseconds * 2 ** (failures - 1), lastRetryMilliseconds);
  return Math.max(backoff, answer.retryAfterMilliseconds ?? 0);
}
