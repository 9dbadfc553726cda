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
