import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PackagingError } from './errors.ts';
import { checkDigest, saveRemote } from './fetch.ts';
import { digestArchive } from './inspect.ts';
import { type ArchiveLimits, defaultLimits, raising } from './limits.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import { openFile } from './random-access.ts';
import { type OpenOptions, openRemote, parsePackageAddress } from './remote/open.ts';

export interface PullResult {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** What the content was compared with: a digest in the address, the manifest's files, or nothing. */
  readonly verifiedBy: 'manifest' | 'digest' | 'nothing';
}

/**
 * Downloads a package, checks it against the digest in its address and against its manifest, and only then gives it its name.
 *
 * @throws PackagingError
 */
export async function pullPackage(
  uri: string,
  output: string,
  options: OpenOptions & { readonly onProgress?: (received: number, total: number) => void },
  signal?: AbortSignal,
): Promise<PullResult> {
  const { limits = defaultLimits } = options;
  const address = parsePackageAddress(uri);
  await using remote = await openRemote(address.zipUri, options, signal);
  const partial = join(dirname(output), `.modelwright-${process.pid}-${Date.now().toString(36)}.partial`);
  try {
    const sha256 = await saveRemote(
      remote,
      partial,
      limits.archiveBytes,
      (received) => options.onProgress?.(received, remote.sizeBytes),
      signal,
    );
    checkDigest(remote.shown, sha256, address.sha256);
    const manifest = address.manifestUri === undefined ? undefined : await readManifest(address.manifestUri, options, signal);
    if (manifest !== undefined) await compare(partial, sha256, manifest, limits, signal);
    await rename(partial, output);
    const verifiedBy = manifest !== undefined ? 'manifest' : address.sha256 !== undefined ? 'digest' : 'nothing';
    return { path: output, sha256, sizeBytes: remote.sizeBytes, verifiedBy };
  } finally {
    await rm(partial, { force: true });
  }
}

/** The manifest beside a package; undefined when there is none. */
export async function readManifest(uri: string, options: OpenOptions, signal?: AbortSignal): Promise<Manifest | undefined> {
  try {
    await using remote = await openRemote(uri, options, signal);
    const most = (options.limits ?? defaultLimits).directoryBytes;
    if (remote.sizeBytes > most)
      throw new PackagingError(
        'ArchiveRefused',
        `${remote.shown} is larger than a manifest may be (${most} bytes), ${raising('files')}.`,
        remote.shown,
      );
    return parseManifest((await remote.read(0, remote.sizeBytes, signal)).toString('utf8'), options.limits);
  } catch (error) {
    if (error instanceof PackagingError && error.code === 'NotFound') return undefined;
    throw error;
  }
}

async function compare(path: string, sha256: string, manifest: Manifest, limits: ArchiveLimits, signal?: AbortSignal): Promise<void> {
  await using archive = await openFile(path);
  const { files } = await digestArchive(archive, limits, signal);
  const found = new Map(files.map((file) => [file.path, file]));
  if (manifest.sha256 !== sha256 || manifest.files.length !== files.length) {
    throw new PackagingError('ChecksumMismatch', 'The manifest beside the package describes another package.');
  }
  for (const file of manifest.files) {
    const other = found.get(file.path);
    if (other?.sha256 !== file.sha256 || other.sizeBytes !== file.sizeBytes) {
      throw new PackagingError('ChecksumMismatch', `${file.path} differs from what the manifest says.`, file.path);
    }
  }
}
