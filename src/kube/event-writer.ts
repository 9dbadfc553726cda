import type { Logger } from '../telemetry/logger.ts';
import type { KubeClient } from './client.ts';
import { type Clock, microTimestamp, sleep } from './clock.ts';
import { isNotFound, isTransient, toError } from './errors.ts';
import { EventCorrelator } from './event-correlator.ts';
import type { EventInput, EventRecorder, KubeEvent, ObjectReference } from './events.ts';
import type { KubeObject, ObjectKey, ResourceType } from './object.ts';
import type { Cached } from './store.ts';

export const eventType: ResourceType<KubeEvent> = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};

export interface EventWriterOptions {
  readonly client: KubeClient;
  /** Who reports, a qualified name, for example `modelwright.dev/operator`. */
  readonly reportingController: string;
  /** Which replica reports. */
  readonly reportingInstance: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Events waiting to be written; more are dropped, as client-go does. */
const maxWaiting = 1000;
const maxAttempts = 5;
const retryMilliseconds = 1000;
/** Limits of the API (validation of events.k8s.io/v1). */
const maxNoteLength = 1024;

/** One write that is due: an event made anew, or the count of one that is there. */
interface Work {
  readonly id: string;
  readonly regarding: Cached<KubeObject>;
  readonly event: EventInput;
  readonly note: string;
  readonly happenedAt: string;
  count: number;
}

/** Writes events one after the other in the background, so that no reconcile waits for them. */
export class EventWriter implements EventRecorder {
  readonly #options: EventWriterOptions;
  readonly #correlator: EventCorrelator;
  /** By id; insertion order is the order of writing. A repeat of what still waits only raises its count. */
  readonly #waiting = new Map<string, Work>();
  /** Where each series lives in the cluster. */
  readonly #written = new Map<string, ObjectKey>();
  readonly #stopped = new AbortController();
  #writing: Promise<void> = Promise.resolve();
  #idle = true;

  constructor(options: EventWriterOptions) {
    this.#options = options;
    this.#correlator = new EventCorrelator(options.clock);
  }

  record(regarding: Cached<KubeObject>, event: EventInput): void {
    if (this.#stopped.signal.aborted) return;
    const object = `${regarding.kind}/${regarding.metadata.uid}`;
    const group = [object, event.type, event.reason, event.action, event.related?.metadata.uid ?? ''].join('\0');
    const verdict = this.#correlator.judge({ object, group, note: event.note });
    if (verdict.kind === 'drop') return;
    const waiting = this.#waiting.get(verdict.id);
    const count = verdict.kind === 'repeat' ? verdict.count : 1;
    if (waiting !== undefined) waiting.count = count;
    else if (this.#waiting.size >= maxWaiting) this.#options.log.warn({ reason: event.reason }, 'Dropped an event, too many wait');
    else {
      const note = verdict.kind === 'new' ? verdict.note : event.note;
      this.#waiting.set(verdict.id, { id: verdict.id, regarding, event, note, count, happenedAt: microTimestamp(this.#options.clock) });
      this.#wake();
    }
  }

  /** Resolves when everything recorded so far is written, or given up; at the latest when `signal` aborts. Nothing is recorded afterwards. */
  async flush(signal: AbortSignal): Promise<void> {
    const stop = () => this.#stopped.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    await this.#writing;
    signal.removeEventListener('abort', stop);
    this.#stopped.abort();
  }

  #wake(): void {
    if (!this.#idle) return;
    this.#idle = false;
    this.#writing = this.#drain();
  }

  async #drain(): Promise<void> {
    for (const [id, work] of this.#waiting) {
      this.#waiting.delete(id);
      await this.#write(work);
    }
    this.#idle = true;
  }

  async #write(work: Work): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopped;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await this.#send(work, signal);
        return;
      } catch (thrown) {
        const err = toError(thrown);
        if (!isTransient(err) || attempt >= maxAttempts) {
          this.#correlator.forget(work.id);
          // A namespace that is being deleted takes no events; an old API server may refuse them. Neither is worth waking anybody.
          log.info({ err, reason: work.event.reason }, 'Could not write an event');
          return;
        }
        await sleep(clock, retryMilliseconds * attempt, signal);
      }
    }
  }

  async #send(work: Work, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    const place = this.#written.get(work.id);
    if (work.count > 1 && place !== undefined) {
      const series = { count: work.count, lastObservedTime: microTimestamp(clock) };
      try {
        await client.patch(eventType, place, { series }, { kind: 'merge' }, signal);
        return;
      } catch (error) {
        // Events live for an hour; this one has ended.
        if (!isNotFound(error)) throw error;
      }
    }
    const event = this.#eventOf(work);
    const { metadata } = await client.create(eventType, event, {}, signal);
    this.#written.delete(work.id);
    this.#written.set(work.id, { name: metadata.name, namespace: metadata.namespace ?? 'default' });
    if (this.#written.size <= maxWaiting) return;
    const [oldest] = this.#written.keys();
    if (oldest !== undefined) this.#written.delete(oldest);
  }

  #eventOf({ regarding, event, note, happenedAt, count }: Work): KubeEvent {
    const { reportingController, reportingInstance, clock } = this.#options;
    const { name, namespace = 'default' } = regarding.metadata;
    const unique = `${clock.now().toString(16)}${Math.floor(Math.random() * 0x1000000)
      .toString(16)
      .padStart(6, '0')}`;
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${name.slice(0, 230).replace(/[^a-z0-9]+$/, '')}.${unique}`, namespace },
      eventTime: happenedAt,
      type: event.type,
      reason: event.reason,
      action: event.action,
      note: note.length <= maxNoteLength ? note : `${note.slice(0, maxNoteLength - 1)}…`,
      regarding: referenceTo(regarding),
      ...(event.related && { related: referenceTo(event.related) }),
      reportingController,
      reportingInstance: reportingInstance.slice(0, 128),
      ...(count > 1 && { series: { count, lastObservedTime: microTimestamp(clock) } }),
    };
  }
}

function referenceTo({ apiVersion, kind, metadata }: Cached<KubeObject>): ObjectReference {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { apiVersion, kind, name, uid, resourceVersion, ...(namespace !== undefined && { namespace }) };
}
