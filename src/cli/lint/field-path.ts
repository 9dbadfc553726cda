import type { FieldPath } from './yaml-document.ts';

/** `spec.model.inputs[0].shape`; a key that is not a plain word is quoted: `spec.podMetadata.labels["example.com/team"]`. */
export function printPath(path: FieldPath): string {
  return path
    .map((step) => {
      if (typeof step === 'number') return `[${step}]`;
      return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
    })
    .join('')
    .replace(/^\./, '');
}

/** The reverse of `printPath`, for paths that come in findings; what cannot be read ends the path. */
export function parsePath(text: string): FieldPath {
  const path: (string | number)[] = [];
  for (const [, word, index, quoted] of text.matchAll(/\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/g)) {
    if (word !== undefined) path.push(word);
    else if (index !== undefined) path.push(Number(index));
    else path.push(JSON.parse(`"${quoted ?? ''}"`) as string);
  }
  return path;
}
