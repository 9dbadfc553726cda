/** The line of a termination message that tells where the full report of a load pod is, or why it is nowhere. */
import { crc32 } from 'node:zlib';

export type StoredReport =
  | { readonly kind: 'Stored'; readonly sha256: string; readonly sizeBytes: number }
  | { readonly kind: 'Failed'; readonly message: string };

/** Eight points leave 488 bytes of the 4,096. */
export const reportLineBytes = 400;
const format = 'mwr1';
const longestMessage = 300;

/** `mwr1,<run>,<SHA-256>,<bytes>,<CRC-32>`, or `mwr1,<run>,!<message>,<CRC-32>`. */
export function encodeReportLine(run: string, stored: StoredReport): string {
  const said =
    stored.kind === 'Stored'
      ? `${stored.sha256},${stored.sizeBytes}`
      : `!${stored.message.replace(/[^\x20-\x2b\x2d-\x7e]+/g, ' ').slice(0, longestMessage)}`;
  const body = `${format},${run},${said}`;
  return `${body},${crc32(body).toString(36)}`;
}

export function isReportLine(line: string): boolean {
  return line.startsWith(`${format},`);
}

/** Undefined for a line that is cut off, altered, or of another run. */
export function decodeReportLine(line: string, run: string): StoredReport | undefined {
  const cut = line.lastIndexOf(',');
  const body = line.slice(0, cut);
  if (line.length > reportLineBytes || crc32(body).toString(36) !== line.slice(cut + 1)) return undefined;
  const [version, lineRun, first = '', size = ''] = body.split(',');
  if (version !== format || lineRun !== run) return undefined;
  if (first.startsWith('!')) return { kind: 'Failed', message: first.slice(1) };
  return /^[0-9a-f]{64}$/.test(first) && /^[1-9][0-9]{0,14}$/.test(size)
    ? { kind: 'Stored', sha256: first, sizeBytes: Number(size) }
    : undefined;
}
