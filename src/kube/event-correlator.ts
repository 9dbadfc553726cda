import type { Clock } from './clock.ts';
import { TokenBucket } from './rate-limiter.ts';

/** What makes two events alike, and the words in which they may differ. */
export interface Occurrence {
  /** The object that it happened to. */
  readonly object: string;
  /** Everything but the note: object, type, reason, action. */
  readonly group: string;
  readonly note: string;
}

/** What to do about one occurrence. */
export type Verdict =
  /** Too many about one object: say nothing. */
  | { readonly kind: 'drop' }
  /** The first of its kind: write a new event with this note. */
  | { readonly kind: 'new'; readonly id: string; readonly note: string }
  /** Happened before: raise the count of that event. */
  | { readonly kind: 'repeat'; readonly id: string; readonly count: number };

/** Limits of client-go's event correlator (tools/record/events_cache.go). */
const burst = 25;
const perSecond = 1 / 300;
const similarWindowMilliseconds = 600_000;
const maxSimilar = 10;
const maxEntries = 4096;

interface Group {
  notes: Set<string>;
  lastAt: number;
}

/**
 * Keeps events from becoming noise: one object gets a burst of 25 and then one in five minutes; the same thing again raises a count; more than ten variants of
 * a thing within ten minutes become one event. Remembers the 4,096 most recent of each, so that memory is bounded.
 */
export class EventCorrelator {
  readonly #clock: Clock;
  readonly #budgets = new Map<string, TokenBucket>();
  readonly #groups = new Map<string, Group>();
  readonly #series = new Map<string, { count: number; lastAt: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  judge({ object, group, note }: Occurrence): Verdict {
    const budget = this.#budgets.get(object) ?? new TokenBucket(perSecond, burst, this.#clock);
    keep(this.#budgets, object, budget);
    if (!budget.take()) return { kind: 'drop' };
    const combined = this.#isCombined(group, note);
    const id = combined ? group : `${group}\0${note}`;
    const known = this.#series.get(id);
    const now = this.#clock.monotonic();
    const count = known !== undefined && now - known.lastAt <= similarWindowMilliseconds ? known.count + 1 : 1;
    keep(this.#series, id, { count, lastAt: now });
    if (count > 1) return { kind: 'repeat', id, count };
    return { kind: 'new', id, note: combined ? `(combined from similar events): ${note}` : note };
  }

  /** The event `id` is no longer there: the next of its kind is new. */
  forget(id: string): void {
    this.#series.delete(id);
  }

  /** Whether this group had too many different notes lately to show each. */
  #isCombined(name: string, note: string): boolean {
    const now = this.#clock.monotonic();
    const known = this.#groups.get(name);
    const group =
      known !== undefined && now - known.lastAt <= similarWindowMilliseconds ? known : { notes: new Set<string>(), lastAt: now };
    group.lastAt = now;
    if (group.notes.size <= maxSimilar) group.notes.add(note);
    keep(this.#groups, name, group);
    return group.notes.size > maxSimilar;
  }
}

/** Puts an entry at the young end of a bounded map. */
function keep<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= maxEntries) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
