import { parseQuantity } from '../api/quantity.ts';
import { PackagingError } from './errors.ts';

/** Caps on what an archive may claim and hold. Every reader takes them; the defaults suit model packages. */
export interface ArchiveLimits {
  /** Size of the archive itself, bytes. */
  readonly archiveBytes: number;
  /** Entries, directories included. */
  readonly entries: number;
  /** Bytes of all files together, unpacked. */
  readonly totalBytes: number;
  /** Unpacked size of one entry over its packed size; the first 64 KiB are free. */
  readonly ratio: number;
  /** Bytes of one name. */
  readonly nameBytes: number;
  /** Directories in one name. */
  readonly depth: number;
  /** Bytes of the central directory; it is held in memory. */
  readonly directoryBytes: number;
}

/** Up to this size an entry may shrink as much as it likes. */
export const ratioFreeBytes = 65_536;

const gibibyte = 1024 ** 3;

export const defaultLimits: ArchiveLimits = {
  archiveBytes: 100 * gibibyte,
  entries: 100_000,
  totalBytes: 100 * gibibyte,
  ratio: 200,
  nameBytes: 1024,
  depth: 32,
  directoryBytes: 64 * 1024 ** 2,
};

/** The caps that an honest, large model may meet, by the name that users set them by. */
export const settableLimits = ['size', 'files', 'ratio', 'depth'] as const;

/**
 * The default caps, with those changed that are named: `size=200Gi` (of the archive, and of its files together), `files=500000`, `ratio=1000`,
 * `depth=64`. Of the same cap the last word counts.
 *
 * @throws PackagingError InvalidArgument
 */
export function readLimits(words: readonly string[]): ArchiveLimits {
  let limits = defaultLimits;
  for (const word of words) {
    const [, name = '', text = ''] = /^\s*([a-z]+)=(\S+)\s*$/.exec(word) ?? [];
    const value = name === 'size' ? bytesOf(text) : /^\d{1,12}$/.test(text) ? Number(text) : undefined;
    if (value === undefined || value < 1) throw invalidLimit(word);
    limits = { ...limits, ...changeOf(name, value, word) };
  }
  return limits;
}

/** How somebody who trusts an archive raises the cap that it met; the end of a sentence. */
export function raising(name: (typeof settableLimits)[number]): string {
  const example = { size: '200Gi', files: 500_000, ratio: 1000, depth: 64 }[name];
  return `which --limit ${name}=${example}, or spec.packaging.limits.${name} of the ServingPlatform, would raise`;
}

function bytesOf(text: string): number | undefined {
  const billionths = parseQuantity(text);
  const bytes = billionths === undefined ? undefined : Number(billionths / 1_000_000_000n);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function changeOf(name: string, value: number, word: string): Partial<ArchiveLimits> {
  switch (settableLimits.find((one) => one === name)) {
    case 'size':
      return { archiveBytes: value, totalBytes: value };
    case 'files':
      // Some 600 bytes for each, in a directory that is held in memory.
      return { entries: value, directoryBytes: Math.max(defaultLimits.directoryBytes, value * 640) };
    case 'ratio':
      return { ratio: value };
    case 'depth':
      return { depth: value };
    case undefined:
      throw invalidLimit(word);
  }
}

function invalidLimit(word: string): PackagingError {
  return new PackagingError(
    'InvalidArgument',
    `"${word}" is no limit of archives: write size=200Gi, files=500000, ratio=1000 or depth=64.`,
  );
}
