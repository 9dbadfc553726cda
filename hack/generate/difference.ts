/** A line difference for people: what is on disk (-) against what it should be (+), with a little context. */

const context = 2;
const maxLines = 60;

type Line = readonly [sign: ' ' | '-' | '+', text: string];

export function difference(before: string, after: string): string {
  if (before === after) return '';
  const lines = compare(before.split('\n'), after.split('\n'));
  const shown = lines.map((_, index) => lines.slice(Math.max(0, index - context), index + context + 1).some(([sign]) => sign !== ' '));
  const out: string[] = [];
  for (const [index, [sign, text]] of lines.entries()) {
    if (!shown[index]) {
      if (index === 0 || shown[index - 1]) out.push('  …');
    } else out.push(`${sign} ${text}`);
  }
  return out.length > maxLines ? [...out.slice(0, maxLines), `  … and ${out.length - maxLines} lines more`].join('\n') : out.join('\n');
}

/** Longest common subsequence, after the equal head and tail are set aside. */
function compare(before: readonly string[], after: readonly string[]): Line[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;

  const same = (text: string): Line => [' ', text];
  return [
    ...before.slice(0, head).map(same),
    ...compareMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ];
}

function compareMiddle(a: readonly string[], b: readonly string[]): Line[] {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    if (left !== undefined && left === right) {
      lines.push([' ', left]);
      i++;
      j++;
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(['-', left]);
      i++;
    } else {
      lines.push(['+', right ?? '']);
      j++;
    }
  }
  return lines;
}
