/**
 * A tar writer whose output depends on nothing but what goes in: no times, no owner on disk, no order of a folder. POSIX ustar (IEEE 1003.1-1988),
 * with pax headers for paths and link targets that are too long for it.
 */
import { createReadStream, lstatSync } from 'node:fs';

/** One thing in an archive. Paths have no slash in front. */
export type Entry = {
  readonly path: string;
  readonly mode: number;
  /** User and group; default root. */
  readonly owner?: number;
} & (
  | { readonly kind: 'folder' }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'file'; readonly source: string }
  | { readonly kind: 'text'; readonly text: string }
);

const BLOCK = 512;
const TYPES = { file: '0', text: '0', link: '2', folder: '5', pax: 'x' } as const;

/** The archive's bytes, piece by piece. Entries are sorted, and folders that nobody named are added; of two with one path the last wins. */
export async function* tar(entries: readonly Entry[]): AsyncGenerator<Buffer> {
  for (const entry of complete(entries)) {
    const size = sizeOf(entry);
    const path = entry.kind === 'folder' ? `${entry.path}/` : entry.path;
    const target = entry.kind === 'link' ? entry.target : '';
    const records = [
      ...(Buffer.byteLength(path) > 100 ? [['path', path]] : []),
      ...(Buffer.byteLength(target) > 100 ? [['linkpath', target]] : []),
    ];
    if (records.length > 0) {
      const pax = Buffer.from(records.map(([key = '', value = '']) => paxRecord(key, value)).join(''));
      yield header({ path: 'pax', target: '', mode: 0o644, owner: 0, size: pax.length, type: TYPES.pax });
      yield padded(pax);
    }
    yield header({ path, target, mode: entry.mode, owner: entry.owner ?? 0, size, type: TYPES[entry.kind] });
    if (entry.kind === 'text') yield padded(Buffer.from(entry.text));
    if (entry.kind === 'file') {
      for await (const chunk of createReadStream(entry.source, { highWaterMark: 1 << 20 })) yield chunk as Buffer;
      yield Buffer.alloc(-size & (BLOCK - 1));
    }
  }
  yield Buffer.alloc(2 * BLOCK);
}

function complete(entries: readonly Entry[]): Entry[] {
  const all = new Map<string, Entry>();
  for (const { path } of entries) {
    const parts = path.split('/');
    for (let length = 1; length < parts.length; length++) {
      const parent = parts.slice(0, length).join('/');
      if (!all.has(parent)) all.set(parent, { kind: 'folder', path: parent, mode: 0o755 });
    }
  }
  for (const entry of entries) all.set(entry.path, entry);
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function sizeOf(entry: Entry): number {
  if (entry.kind === 'file') return lstatSync(entry.source).size;
  return entry.kind === 'text' ? Buffer.byteLength(entry.text) : 0;
}

interface Header {
  readonly path: string;
  readonly target: string;
  readonly mode: number;
  readonly owner: number;
  readonly size: number;
  readonly type: string;
}

function header({ path, target, mode, owner, size, type }: Header): Buffer {
  const block = Buffer.alloc(BLOCK);
  // What is cut off here stands in the pax header before.
  Buffer.from(path).copy(block, 0, 0, 100);
  block.write(
    `${octal(mode, 7)}\0${octal(owner, 7)}\0${octal(owner, 7)}\0${octal(size, 11)}\0${octal(0, 11)}\0        ${type}`,
    100,
    'latin1',
  );
  Buffer.from(target).copy(block, 157, 0, 100);
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return block;
}

function octal(value: number, digits: number): string {
  const text = value.toString(8).padStart(digits, '0');
  if (text.length > digits) throw new Error(`${value} does not fit into ${digits} octal digits of a tar header`);
  return text;
}

/** "LENGTH KEY=VALUE\n", where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & (BLOCK - 1))]);
}
