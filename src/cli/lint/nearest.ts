/** Words of KServe and its users, without case and separators, for what is called otherwise here. */
const synonyms: Readonly<Record<string, string>> = {
  tensorflow: 'TFServing',
  tensorflowserving: 'TFServing',
  pytorch: 'TorchServe',
  onnx: 'Triton',
  onnxruntime: 'Triton',
  scikitlearn: 'SKLearn',
  rawdeployment: 'Standard',
  serverless: 'Knative',
  runtimeversion: 'version',
  protocolversion: 'protocol',
};

const plain = (text: string) => text.toLowerCase().replaceAll(/[-_ ]/g, '');

/**
 * The candidate that was probably meant: the same but for case and separators, else what it is called elsewhere, else the one with the
 * fewest edits, at most a third of its length.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const same = candidates.find((candidate) => plain(candidate) === plain(word) || candidate === synonyms[plain(word)]);
  if (same !== undefined) return same;
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: distance(plain(word), plain(candidate)) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.edits - b.edits);
  return ranked[0]?.candidate;
}

/** Damerau–Levenshtein distance (optimal string alignment): insertions, deletions, replacements and swaps of neighbours. */
export function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      const row = rows[i];
      if (row) row[j] = Math.min(replaced, swapped, at(i - 1, j) + 1, at(i, j - 1) + 1);
    }
  }
  return at(a.length, b.length);
}
