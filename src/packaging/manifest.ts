import { refuseName } from './entry-name.ts';
import { PackagingError } from './errors.ts';
import { type ArchiveLimits, defaultLimits } from './limits.ts';

/** What a package holds, beside the package: pushed to `<prefix>/_manifests/<sha256>.json`. */
export interface Manifest {
  readonly format: 'modelwright.dev/manifest/v1';
  /** SHA-256 of the zip, hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** The runtime whose layout the package has, and the models it names; absent for an unknown layout. */
  readonly layout?: { readonly runtime: string; readonly models: readonly string[]; readonly versions: readonly number[] };
  readonly files: readonly ManifestFile[];
}

export interface ManifestFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

const digestPattern = /^[0-9a-f]{64}$/;

/** JSON with a fixed order of keys and a line feed at the end: equal packages have equal manifests. */
export function printManifest(manifest: Manifest): string {
  const { sha256, sizeBytes, layout, files } = manifest;
  return `${JSON.stringify(
    {
      format: 'modelwright.dev/manifest/v1',
      sha256,
      sizeBytes,
      ...(layout === undefined ? {} : { layout: { runtime: layout.runtime, models: layout.models, versions: layout.versions } }),
      files: files.map((file) => ({ path: file.path, sizeBytes: file.sizeBytes, sha256: file.sha256 })),
    },
    undefined,
    1,
  )}\n`;
}

/**
 * Reads a manifest and checks every field, since it may come from anyone's container.
 *
 * @throws PackagingError ArchiveRefused
 */
export function parseManifest(text: string, limits: ArchiveLimits = defaultLimits): Manifest {
  const refuse = (what: string): never => {
    throw new PackagingError('ArchiveRefused', `The manifest is not one of modelwright.dev/manifest/v1: ${what}.`);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('it is not JSON');
  }
  if (!isRecord(value) || value['format'] !== 'modelwright.dev/manifest/v1') return refuse('its format is another one');
  const { sha256, sizeBytes, files } = value;
  if (typeof sha256 !== 'string' || !digestPattern.test(sha256)) return refuse('sha256 is no digest');
  if (!isSize(sizeBytes)) return refuse('sizeBytes is no size');
  if (!Array.isArray(files)) return refuse('files is no list');
  const read = files.map((file: unknown): ManifestFile => {
    if (!isRecord(file)) return refuse('a file is no object');
    const { path, sizeBytes: bytes, sha256: digest } = file;
    if (typeof path !== 'string' || refuseName(path, limits) !== undefined) return refuse('a path is not allowed');
    if (!isSize(bytes) || typeof digest !== 'string' || !digestPattern.test(digest)) return refuse(`${path} has no size or digest`);
    return { path, sizeBytes: bytes, sha256: digest };
  });
  const layout = readLayout(value['layout']);
  return { format: 'modelwright.dev/manifest/v1', sha256, sizeBytes, ...(layout === undefined ? {} : { layout }), files: read };
}

function readLayout(value: unknown): Manifest['layout'] {
  if (!isRecord(value) || typeof value['runtime'] !== 'string') return undefined;
  const strings = (list: unknown): string[] => (Array.isArray(list) ? list.filter((item): item is string => typeof item === 'string') : []);
  const numbers = (list: unknown): number[] => (Array.isArray(list) ? list.filter(isSize) : []);
  return { runtime: value['runtime'], models: strings(value['models']), versions: numbers(value['versions']) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
