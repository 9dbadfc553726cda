/**
 * Counts in buckets whose width grows with the value, so that a quantile is right to ±0.05 % (or ±0.05 µs, whichever is larger) at 8 bytes
 * a bucket and two histograms merge without loss by addition. The layout is HdrHistogram's, with 2,048 buckets for the first power of two
 * and 1,024 for each later one. Values are microseconds; the resolution is 0.1 µs and the range ends at one hour.
 */
export class Histogram {
  readonly #counts = new Float64Array(bucketCount);
  #total = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;
  #clamped = 0;

  get total(): number {
    return this.#total;
  }
  get mean(): number {
    return this.#total === 0 ? Number.NaN : this.#sum / this.#total;
  }
  get min(): number {
    return this.#total === 0 ? Number.NaN : this.#min;
  }
  get max(): number {
    return this.#total === 0 ? Number.NaN : this.#max;
  }
  /** Values beyond the range: counted in the last bucket, kept exact in `max`. */
  get clamped(): number {
    return this.#clamped;
  }

  /** Adds one value, in microseconds; negative values count as 0. */
  record(microseconds: number): void {
    const value = Math.max(0, microseconds);
    if (value > rangeMicroseconds) this.#clamped++;
    const index = bucketOf(Math.min(value, rangeMicroseconds) * unitsPerMicrosecond);
    this.#counts[index] = (this.#counts[index] as number) + 1;
    this.#total++;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /** Adds all that the other has counted. */
  merge(other: Histogram): this {
    for (let i = 0; i < bucketCount; i++) this.#counts[i] = (this.#counts[i] as number) + (other.#counts[i] as number);
    this.#total += other.#total;
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
    this.#clamped += other.#clamped;
    return this;
  }

  /** Nearest-rank quantile: the middle of the bucket that holds that rank, never outside [min, max]. NaN when empty. */
  quantile(q: number): number {
    if (this.#total === 0) return Number.NaN;
    return this.valueAtRank(Math.max(1, Math.ceil(this.#total * q - 1e-9)));
  }

  /** The value of the sample with this 1-based rank, to within the bucket's width. */
  valueAtRank(rank: number): number {
    let seen = 0;
    for (let i = 0; i < bucketCount; i++) {
      seen += this.#counts[i] as number;
      if (seen >= rank) return Math.min(this.#max, Math.max(this.#min, middleOf(i) / unitsPerMicrosecond));
    }
    return this.#max;
  }

  /** Non-empty buckets as [index, count] pairs with the exact extremes: what another process merges. */
  toJSON(): HistogramJson {
    const buckets: number[] = [];
    let previous = 0;
    for (let i = 0; i < bucketCount; i++) {
      const count = this.#counts[i] as number;
      if (count === 0) continue;
      buckets.push(i - previous, count);
      previous = i;
    }
    const { min, max } = this;
    return {
      layout: 'log-linear-1024/0.1us',
      sum: this.#sum,
      min: Number.isNaN(min) ? null : min,
      max: Number.isNaN(max) ? null : max,
      clamped: this.#clamped,
      buckets,
    };
  }

  /** The inverse of `toJSON`; throws a sentence when the value is not of this layout. */
  static from(json: HistogramJson): Histogram {
    if (json.layout !== 'log-linear-1024/0.1us')
      throw new Error(`histogram: unknown layout "${String(json.layout)}"; it was written by another version`);
    const histogram = new Histogram();
    let index = 0;
    for (let i = 0; i < json.buckets.length; i += 2) {
      index += json.buckets[i] as number;
      const count = json.buckets[i + 1];
      if (count === undefined || index < 0 || index >= bucketCount || !(count >= 0)) throw new Error('histogram: damaged bucket list');
      histogram.#counts[index] = count;
      histogram.#total += count;
    }
    histogram.#sum = json.sum;
    histogram.#min = json.min ?? Number.POSITIVE_INFINITY;
    histogram.#max = json.max ?? 0;
    histogram.#clamped = json.clamped;
    return histogram;
  }
}

export interface HistogramJson {
  readonly layout: string;
  readonly sum: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly clamped: number;
  /** Pairs: distance to the previous non-empty bucket, count. */
  readonly buckets: readonly number[];
}

const unitsPerMicrosecond = 10;
const rangeMicroseconds = 3_600_000_000;
const bucketCount = bucketOf(rangeMicroseconds * unitsPerMicrosecond) + 1;

function bucketOf(units: number): number {
  const value = Math.floor(units);
  if (value < 2048) return value;
  const exponent = value >= 4294967296 ? 63 - Math.clz32(Math.floor(value / 4294967296)) : 31 - Math.clz32(value);
  const shift = exponent - 10;
  return 2048 + (shift - 1) * 1024 + (Math.floor(value / 2 ** shift) - 1024);
}

function middleOf(bucket: number): number {
  if (bucket < 2048) return bucket + 0.5;
  const shift = Math.floor((bucket - 2048) / 1024) + 1;
  const sub = ((bucket - 2048) % 1024) + 1024;
  return (sub + 0.5) * 2 ** shift;
}
