/** One measured number with all its runs, and the goal it is held to. */

export interface Goal {
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** Every run, in order. */
  readonly runs: readonly number[];
  readonly median: number;
  /** Smallest and largest run. */
  readonly spread: readonly [number, number];
  readonly goal?: Goal;
  /** Whether the median meets the goal; absent where there is none. */
  readonly met?: boolean;
  /** What else was seen in these runs, what it was compared with, or where the time goes. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** `runs` must not be empty; numbers are rounded to four significant digits. */
export function figure(
  name: string,
  unit: string,
  runs: readonly number[],
  options: { readonly goal?: Goal; readonly detail?: Readonly<Record<string, unknown>> } = {},
): Figure {
  if (runs.length === 0) throw new Error(`figure "${name}" has no runs`);
  const median = round(medianOf(runs));
  const { goal, detail } = options;
  return {
    name,
    unit,
    runs: runs.map(round),
    median,
    spread: [round(Math.min(...runs)), round(Math.max(...runs))],
    ...(goal && { goal, met: median <= (goal.atMost ?? Number.POSITIVE_INFINITY) && median >= (goal.atLeast ?? Number.NEGATIVE_INFINITY) }),
    ...(detail && { detail }),
  };
}

/** The middle value, or the mean of the two middle ones. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function round(value: number): number {
  return Number(value.toPrecision(4));
}
