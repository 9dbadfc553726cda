/** Layers of images, each a tar file in the cache. */
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { blobFile, imageCache } from './cache.ts';
import { type Entry, tar } from './tar.ts';

export interface Layer {
  /** Of the file as it is stored and sent. */
  readonly digest: string;
  readonly size: number;
  /** Of the tar file, which is the same where it is not compressed. */
  readonly diffId: string;
  readonly mediaType: string;
}

export interface LayerOptions {
  /** For images that travel; on one machine it only costs time. */
  readonly gzip?: boolean;
  readonly root?: string;
}

/** Changes when this code makes other bytes of the same input: what was kept under another number is not used. */
const FORMAT = 1;

/**
 * Makes a layer once: `inputs` says all that decides what it holds, and one of the same inputs is taken from the cache.
 * @param inputs versions, digests, lists; compared as text
 */
export async function cachedLayer(
  inputs: readonly unknown[],
  make: () => Promise<readonly Entry[]>,
  options: LayerOptions = {},
): Promise<Layer> {
  const { root = imageCache(), gzip = false } = options;
  const key = createHash('sha256')
    .update(JSON.stringify([FORMAT, gzip, inputs]))
    .digest('hex');
  const record = join(root, 'layers', `${key}.json`);
  if (existsSync(record)) {
    const known = JSON.parse(readFileSync(record, 'utf8')) as Layer;
    if (existsSync(blobFile(known.digest, root))) return known;
  }
  const layer = await writeLayer(await make(), options);
  mkdirSync(dirname(record), { recursive: true });
  const draft = `${record}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, JSON.stringify(layer));
  renameSync(draft, record);
  return layer;
}

/** Writes the entries as a tar file, named by its digest. */
export async function writeLayer(entries: readonly Entry[], { gzip = false, root = imageCache() }: LayerOptions = {}): Promise<Layer> {
  const folder = join(root, 'blobs', 'sha256');
  mkdirSync(folder, { recursive: true });
  const draft = join(folder, `.${randomBytes(8).toString('hex')}`);
  const plain = hashing();
  const stored = hashing();
  try {
    const source = Readable.from(tar(entries), { objectMode: false });
    // Level 6 of zlib is the same everywhere that Node's own zlib is.
    const steps = gzip ? [plain.stream, createGzip({ level: 6 }), stored.stream] : [plain.stream, stored.stream];
    await pipeline([source, ...steps, createWriteStream(draft)]);
    const digest = stored.digest();
    const size = statSync(draft).size;
    renameSync(draft, blobFile(digest, root));
    const mediaType = `application/vnd.oci.image.layer.v1.tar${gzip ? '+gzip' : ''}`;
    return { digest, size, diffId: plain.digest(), mediaType };
  } finally {
    rmSync(draft, { force: true });
  }
}

function hashing(): { readonly stream: Transform; digest(): string } {
  const hash = createHash('sha256');
  let digest: string | undefined;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  return {
    stream,
    digest: () => {
      digest ??= `sha256:${hash.digest('hex')}`;
      return digest;
    },
  };
}
