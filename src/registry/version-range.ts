/**
 * Version ranges over image tags. Tags of model servers are no semantic versions: `20.10-py3`, `2.6.2-gpu`, `v0.6.1`, `23.05` with its leading zero. So a
 * tag is read as numbers and a variant; the numbers are compared one by one, and the variant has to be equal. That keeps builds for other
 * purposes (`-gpu`, `-py3-sdk`) and pre-releases (`-rc1`) out of a range that does not name them.
 */

/** A tag in its parts: `v1.2-gpu` has prefix `v`, numbers 1 and 2, variant `-gpu`. */
export interface VersionTag {
  readonly tag: string;
  readonly prefix: 'v' | '';
  readonly numbers: readonly number[];
  readonly variant: string;
}

export interface VersionRange {
  /** As it was written. */
  readonly text: string;
  readonly prefix: 'v' | '';
  /** Lowest, and the first that is too high, number by number; missing numbers are 0. */
  readonly from: readonly number[];
  readonly below: readonly number[];
  /** Undefined: none was named. */
  readonly variant: string | undefined;
}

const tagPattern = /^(v?)([0-9]{1,9}(?:[.][0-9]{1,9}){0,3})((?:[-_][A-Za-z0-9_.-]*)?)$/;
const rangePattern = /^([\^~]?)(v?)([0-9]{1,9}(?:[.][0-9]{1,9}){0,3})((?:[.]x){0,3})((?:[-_][A-Za-z0-9_.-]*)?)$/;

/** Undefined for a tag that does not begin with a version, such as `latest`. */
export function parseVersionTag(tag: string): VersionTag | undefined {
  const match = tagPattern.exec(tag);
  if (match === null) return undefined;
  const [, prefix = '', numbers = '', variant = ''] = match;
  return { tag, prefix: prefix === 'v' ? 'v' : '', numbers: numbers.split('.').map(Number), variant };
}

/**
 * Undefined for what is no range, a tag for one. `^` lets everything change behind the first number that is not zero, `~` everything behind the
 * second, as in semantic versioning (github.com/npm/node-semver); `x` stands for any number.
 */
export function parseVersionRange(text: string): VersionRange | undefined {
  const [, operator = '', prefix = '', written = '', stars = '', variant = ''] = rangePattern.exec(text) ?? [];
  if (written === '' || (operator === '') === (stars === '')) return undefined;
  const from = written.split('.').map(Number);
  return {
    text,
    prefix: prefix === 'v' ? 'v' : '',
    from,
    below: upperBound(from, operator),
    variant: variant === '' ? undefined : variant,
  };
}

function upperBound(from: readonly number[], operator: string): readonly number[] {
  if (operator === '~') return raised(from, Math.min(1, from.length - 1));
  if (operator === '') return raised(from, from.length - 1);
  const firstOf = from.findIndex((value) => value !== 0);
  return raised(from, firstOf < 0 ? from.length - 1 : firstOf);
}

function raised(numbers: readonly number[], at: number): readonly number[] {
  return [...numbers.slice(0, at), (numbers[at] ?? 0) + 1];
}

/**
 * The highest tag of a range; undefined where none lies in it.
 *
 * @param defaultVariant what a range that names no variant asks for: that of the image which it is to replace
 */
export function highestInRange(tags: readonly string[], range: VersionRange, defaultVariant = ''): string | undefined {
  const variant = range.variant ?? defaultVariant;
  const fitting = tags
    .flatMap((tag) => parseVersionTag(tag) ?? [])
    .filter((version) => version.variant === variant && isWithin(version.numbers, range));
  // Of two spellings of one version, the one whose prefix is written, and the one with more numbers: 2.6.0 moves less than 2.6.
  fitting.sort(
    (a, b) =>
      compareNumbers(b.numbers, a.numbers) ||
      Number(b.prefix === range.prefix) - Number(a.prefix === range.prefix) ||
      b.numbers.length - a.numbers.length ||
      (a.tag < b.tag ? -1 : 1),
  );
  return fitting[0]?.tag;
}

/** Variants under which there are tags in the range, for a message. */
export function variantsInRange(tags: readonly string[], range: VersionRange): readonly string[] {
  const found = tags.flatMap((tag) => parseVersionTag(tag) ?? []).filter(({ numbers }) => isWithin(numbers, range));
  return [...new Set(found.map(({ variant }) => variant))].sort();
}

function isWithin(numbers: readonly number[], { from, below }: VersionRange): boolean {
  return compareNumbers(numbers, from) >= 0 && compareNumbers(numbers, below) < 0;
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
