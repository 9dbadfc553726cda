/** Small pieces of CEL (https://kubernetes.io/docs/reference/using-api/cel/) that several rules are built from. */

/** A list of strings: `['a', 'b']`. The words must hold neither quotes nor backslashes. */
export function celList(words: readonly string[]): string {
  return `[${words.map((word) => `'${word}'`).join(', ')}]`;
}

/**
 * True when every step of a path is there: `has(self.a) && has(self.a.b)`.
 *
 * @param path from `root`, with dots. Fields that are always there may be left out by `from`, the number of leading steps to trust.
 */
export function celPresent(path: string, root = 'self', from = 0): string {
  const fields = path.split('.');
  return fields
    .map((_, index) => `has(${[root, ...fields.slice(0, index + 1)].join('.')})`)
    .slice(from)
    .join(' && ');
}

/** True when the path is absent, or the condition on it holds. */
export function celIfPresent(path: string, condition: string): string {
  return `!(${celPresent(path)}) || ${condition}`;
}
