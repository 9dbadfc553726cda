/** What was seen of the GPUs of each waiting run, look after look; kept in memory. */
import type { Judgement } from './judge.ts';
import type { IdleSighting } from './wait.ts';

interface Seen extends IdleSighting {
  readonly run: string;
  readonly at: number;
}

/** Time between two looks after which nobody can say that the GPUs were idle in between, as a multiple of the usual time. */
const longestGap = 3;

export class Sightings {
  readonly #seen = new Map<string, Seen>();

  /** The last look, where it is less than `everyMilliseconds` old. */
  recent(profile: string, run: string, everyMilliseconds: number, now: number): IdleSighting | undefined {
    const last = this.#seen.get(profile);
    // A timer may wake a moment early.
    return last?.run === run && now - last.at < everyMilliseconds - 100 && now >= last.at ? last : undefined;
  }

  /** Takes a look down. Idle time counts from the first of an unbroken row of looks that all found the GPUs idle. */
  record(profile: string, run: string, judgement: Judgement, everyMilliseconds: number, now: number): IdleSighting {
    const last = this.#seen.get(profile);
    const unbroken = last?.run === run && now >= last.at && now - last.at <= longestGap * everyMilliseconds;
    const idleSince = judgement.kind === 'Busy' ? undefined : ((unbroken ? last.idleSince : undefined) ?? now);
    const seen = { run, at: now, judgement, idleSince };
    this.#seen.set(profile, seen);
    return seen;
  }

  /** To be called when a profile waits no more. */
  forget(profile: string): void {
    this.#seen.delete(profile);
  }
}
