/** Images of the OCI image specification 1.1: layers, a configuration and a manifest. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Architecture, hostArchitecture } from '../debian/packages.ts';
import { blobFile, imageCache } from './cache.ts';
import type { Layer } from './layer.ts';
import { type Entry, tar } from './tar.ts';

export { hostArchitecture } from '../debian/packages.ts';

/** How containers of an image start, in the specification's own names. */
export interface RunConfig {
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  /** `uid:gid`: Kubernetes cannot tell that a name is not root. */
  readonly User: string;
  readonly WorkingDir?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Labels?: Readonly<Record<string, string>>;
}

export interface Image {
  /** Registry, repository and tag. */
  readonly reference: string;
  readonly architecture: Architecture;
  /** Of the manifest: what a Pod's `imageID` ends with. */
  readonly digest: string;
  readonly manifest: Buffer;
  readonly config: { readonly digest: string; readonly size: number };
  readonly layers: readonly Layer[];
}

/** The same image for several architectures, under one name. */
export interface ImageIndex extends Pick<Image, 'reference' | 'digest' | 'manifest'> {
  readonly images: readonly Image[];
}

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';

export interface ImageParts {
  readonly reference: string;
  readonly layers: readonly Layer[];
  readonly run: RunConfig;
  readonly architecture?: Architecture;
}

/** Puts an image together; the same parts give the same digest. It has no date. */
export function makeImage({ reference, layers, run, architecture = hostArchitecture() }: ImageParts, root = imageCache()): Image {
  const config = {
    architecture,
    os: 'linux',
    config: run,
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  };
  const configBlob = store(Buffer.from(JSON.stringify(config)), root);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: { mediaType: CONFIG_TYPE, ...configBlob },
      layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    }),
  );
  return { reference, architecture, digest: store(manifest, root).digest, manifest, config: configBlob, layers };
}

/** One name for images of several architectures, of which each node takes its own. */
export function makeIndex(images: readonly Image[], root = imageCache()): ImageIndex {
  const [first] = images;
  if (first === undefined) throw new Error('an index needs an image');
  const manifests = images.map(({ digest, manifest, architecture }) => ({
    mediaType: MANIFEST_TYPE,
    digest,
    size: manifest.length,
    platform: { architecture, os: 'linux' },
  }));
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests }));
  return { reference: first.reference, digest: store(manifest, root).digest, manifest, images };
}

function store(bytes: Buffer, root: string): { readonly digest: string; readonly size: number } {
  const digest = digestOf(bytes);
  const file = blobFile(digest, root);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return { digest, size: bytes.length };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Writes an image, or several under one name, as an OCI layout in one tar file, which `docker load`, `ctr images import` and `skopeo` read. */
export async function writeArchive(image: Image | ImageIndex, file: string, root = imageCache()): Promise<void> {
  const { reference, digest, manifest } = image;
  const images = 'images' in image ? image.images : [image];
  const blobs = [digest, ...images.flatMap((one) => [one.digest, one.config.digest, ...one.layers.map((layer) => layer.digest)])];
  const index = {
    schemaVersion: 2,
    mediaType: INDEX_TYPE,
    manifests: [
      {
        mediaType: 'images' in image ? INDEX_TYPE : MANIFEST_TYPE,
        digest,
        size: manifest.length,
        annotations: {
          'io.containerd.image.name': reference,
          'org.opencontainers.image.ref.name': reference.slice(reference.lastIndexOf(':') + 1),
        },
      },
    ],
  };
  const entries: Entry[] = [
    { kind: 'text', path: 'oci-layout', mode: 0o644, text: JSON.stringify({ imageLayoutVersion: '1.0.0' }) },
    { kind: 'text', path: 'index.json', mode: 0o644, text: JSON.stringify(index) },
    ...[...new Set(blobs)].map(
      (blob): Entry => ({ kind: 'file', path: `blobs/${blob.replace(':', '/')}`, mode: 0o644, source: blobFile(blob, root) }),
    ),
  ];
  await pipeline(Readable.from(tar(entries), { objectMode: false }), createWriteStream(file));
}

/** The bytes of a blob, for whoever sends it on. */
export function readBlob(digest: string, root = imageCache()): Readable {
  return createReadStream(blobFile(digest, root));
}
