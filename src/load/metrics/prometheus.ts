/** One sample of the Prometheus text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Values at and above 2⁶⁰ are DCGM's "blank" markers (9223372036854775794 and its like), which its exporter prints as they are; they and
 * what is not a number are left out.
 */
const blank = 2 ** 60;

/** Reads the text exposition format (0.0.4 and OpenMetrics), metric names with colons (TensorFlow Serving) included. Lines that are none are skipped. */
export function parsePrometheus(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?[ \t]+([^ \t\r]+)/.exec(line);
    if (match === null) continue;
    const value = numberOf(match[3] as string);
    if (Number.isNaN(value) || Math.abs(value) >= blank) continue;
    samples.push({ name: match[1] as string, labels: labelsOf(match[2] ?? ''), value });
  }
  return samples;
}

/** Sum over all samples of a name whose labels agree; null when there is none. */
export function total(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number | null {
  let sum: number | null = null;
  for (const sample of samples) if (sample.name === name && agrees(sample, labels)) sum = (sum ?? 0) + sample.value;
  return sum;
}

/** Growth of a counter between two scrapes; null when it is missing, or fell: then the server was restarted. */
export function increase(
  before: readonly Sample[],
  after: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | null {
  const end = total(after, name, labels);
  if (end === null) return null;
  const grown = end - (total(before, name, labels) ?? 0);
  return grown < 0 ? null : grown;
}

export function agrees(sample: Sample, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([name, value]) => sample.labels[name] === value);
}

function numberOf(text: string): number {
  if (/^[+-]?inf/i.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const match of text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)) {
    labels[match[1] as string] = (match[2] as string).replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
  }
  return labels;
}
