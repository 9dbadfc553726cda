/** Collects what came of the trials, tells it as it goes, and sums it up. */
import type { Outcome } from './trial.ts';

/** Violations shown of one trial; the rest is counted. */
const shown = 6;

export class Report {
  readonly outcomes: Outcome[] = [];
  readonly #started = performance.now();

  add(outcome: Outcome): void {
    this.outcomes.push(outcome);
    if (outcome.violations.length === 0) return;
    this.say(`FAILED ${outcome.family}: ${outcome.name} (${outcome.seconds.toFixed(1)} s)`);
    for (const violation of outcome.violations.slice(0, shown)) this.say(`  ${violation}`);
    if (outcome.violations.length > shown) this.say(`  and ${outcome.violations.length - shown} more`);
  }

  /** One line, with the time since the start in front. */
  say(line: string): void {
    const seconds = Math.round((performance.now() - this.#started) / 1000);
    console.log(`[${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}] ${line}`);
  }

  /** One line per family. */
  families(): string[] {
    return Object.entries(Object.groupBy(this.outcomes, ({ family }) => family)).map(([family, outcomes = []]) => {
      const converged = outcomes.filter((outcome) => outcome.converged).length;
      const failed = outcomes.filter(({ violations }) => violations.length > 0).length;
      const times = outcomes.map(({ seconds }) => seconds).toSorted((a, b) => a - b);
      const middle = times[Math.floor(times.length / 2)] ?? 0;
      return `${family}: ${outcomes.length} trials, ${converged} converged, ${outcomes.length - converged} did not, ${failed} with violations; ${middle.toFixed(1)} s each (median), ${(times.at(-1) ?? 0).toFixed(1)} s at most`;
    });
  }

  get passed(): number {
    return this.outcomes.filter(({ violations }) => violations.length === 0).length;
  }

  get failed(): number {
    return this.outcomes.length - this.passed;
  }
}
