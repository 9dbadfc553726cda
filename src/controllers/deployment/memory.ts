import type { Clock } from '../../kube/clock.ts';
import { keyText, type ObjectKey } from '../../kube/object.ts';
import type { Store } from '../../kube/store.ts';
import type { Corrections } from './corrections.ts';

/** What the last reconciles of a deployment left behind; losing it (a restart) costs one comparison and nothing else. */
export interface Memory {
  /** The deployment that all this is about. */
  readonly uid?: string;
  /** Digest of the InferenceService that was wanted. */
  readonly wanted?: string | undefined;
  /** The write of the InferenceService that KServe may not have acted on yet. */
  readonly write?: Write | undefined;
  /** The write of our status that the cache may not have yet. */
  readonly status?: Write;
  /** UID of the predecessor's InferenceService that we have deleted. */
  readonly cleared?: string;
  /** How often others' changes were put back of late. */
  readonly corrections?: Corrections;
  /** What the API server refused last of each thing that was to be made, and when. */
  readonly refusals?: Readonly<Record<string, { readonly message: string; readonly at: number }>>;
}

export interface Write {
  readonly resourceVersion: string;
  /** On the clock that does not jump. */
  readonly at: number;
}

/** A write reaches KServe and our cache within this time, or will not be heard of. */
export const settleMilliseconds = 5000;
/** What was refused is tried again this seldom: the refusal may have depended on something that is not watched. */
export const refusalMilliseconds = 600_000;

export class Memories {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Memory>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(key: ObjectKey): Memory {
    return this.#byKey.get(keyText(key)) ?? {};
  }

  /** To be called first: what is remembered of an earlier deployment of this name says nothing about the one with this uid. */
  begin(key: ObjectKey, uid: string): void {
    if (this.of(key).uid !== uid) this.#byKey.set(keyText(key), { uid });
  }

  /** Lays `news` over what is known. */
  note(key: ObjectKey, news: Memory): void {
    this.#byKey.set(keyText(key), { ...this.of(key), ...news });
  }

  /** What the API server said to something of late; undefined when it may be asked again, or was never refused. */
  refusal(key: ObjectKey, what: string | undefined): string | undefined {
    const refused = what === undefined ? undefined : this.of(key).refusals?.[what];
    return refused === undefined || this.#clock.monotonic() - refused.at >= refusalMilliseconds ? undefined : refused.message;
  }

  /** Something was refused now. Only the last few are remembered. */
  refuse(key: ObjectKey, what: string, message: string): void {
    const others = Object.entries(this.of(key).refusals ?? {}).slice(-7);
    this.note(key, { refusals: { ...Object.fromEntries(others), [what]: { message, at: this.#clock.monotonic() } } });
  }

  forget(key: ObjectKey): void {
    this.#byKey.delete(keyText(key));
  }

  /** A write that was made now. */
  write(resourceVersion: string): Write {
    return { resourceVersion, at: this.#clock.monotonic() };
  }

  isRecent({ at }: Write): boolean {
    return this.#clock.monotonic() - at < settleMilliseconds;
  }

  /** The cache has yet to hear of our write. After a while it is believed all the same: a restored etcd counts anew. */
  isBehind(store: Pick<Store<never>, 'hasSeen'>, key: ObjectKey, write: Write | undefined): boolean {
    return write !== undefined && this.isRecent(write) && !store.hasSeen(key, write.resourceVersion);
  }
}
