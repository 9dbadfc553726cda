/** Recognises that somebody keeps putting back what we set, and says when to stop. Never an endless fight. */

/** So often may a value be taken back within `windowMilliseconds` before we stop. */
const maxRounds = 3;
const windowMilliseconds = 600_000;
/** How long we stay away; then one more try. */
export const truceMilliseconds = 600_000;

interface Bout {
  readonly rounds: readonly number[];
  readonly until?: number;
}

/** One per operator: what is lost with a restart is the count, and three more rounds bring it back. Times are milliseconds on a clock that never jumps. */
export class FightDetector {
  readonly #bouts = new Map<string, Bout>();

  /** A value of ours in `target` was found changed and is about to be set again. Returns whether to stay away instead. */
  reverted(target: string, now: number): boolean {
    const { rounds, until } = this.#bouts.get(target) ?? { rounds: [] };
    if (until !== undefined && now < until) return true;
    if (until !== undefined) {
      // After a truce one try: with one more round it is war again.
      this.#bouts.set(target, { rounds: Array.from({ length: maxRounds }, () => now) });
      return false;
    }
    const recent = [...rounds.filter((at) => now - at < windowMilliseconds), now];
    if (recent.length > maxRounds) {
      this.#bouts.set(target, { rounds: recent, until: now + truceMilliseconds });
      return true;
    }
    this.#bouts.set(target, { rounds: recent });
    return false;
  }

  isContested(target: string, now: number): boolean {
    const until = this.#bouts.get(target)?.until;
    return until !== undefined && now < until;
  }

  /** Another spec: what was fought about is over. */
  forget(): void {
    this.#bouts.clear();
  }
}
