/** What a packaging Job does, and what a verifying one does. */
import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { parseAzureHost } from '../models/azure-host.ts';
import { passes, sortFindings } from '../models/finding.ts';
import type { HostRules } from '../models/host-list.ts';
import { recogniseLayout } from '../models/layout.ts';
import type { RuntimeType } from '../models/names.ts';
import { containerClient } from './azure/client.ts';
import { findCredential, type Settings } from './azure/credentials.ts';
import { uploadOnce, uploadPackage } from './azure/upload.ts';
import { PackagingError } from './errors.ts';
import { checkDigest, fetchModel, saveRemote } from './fetch.ts';
import { digestArchive } from './inspect.ts';
import type { JobFailure, JobResult } from './job-message.ts';
import { type ArchiveLimits, defaultLimits, raising } from './limits.ts';
import type { LintContext } from './lint-contents.ts';
import { type Manifest, printManifest } from './manifest.ts';
import { writePackageFile } from './package-file.ts';
import { prepareFolder } from './prepare.ts';
import { openFile } from './random-access.ts';
import { type OpenOptions, openRemote, parsePackageAddress } from './remote/open.ts';

export type PackSource =
  /** `folder` is the root of the mounted volume, `path` the model in it. */
  | { readonly kind: 'Folder'; readonly folder: string; readonly path: string }
  | { readonly kind: 'Archive'; readonly url: string; readonly sha256: string; readonly hosts: HostRules };

export interface PackRequest {
  readonly source: PackSource;
  readonly context: LintContext & { readonly runtime: RuntimeType; readonly name: string };
  /** An empty folder with room for the package, and for the unpacked archive. */
  readonly work: string;
  /** https address of the blob to make. */
  readonly destination: string;
  /** The same for its manifest. */
  readonly manifestDestination: string;
  /** Where the signatures are: for the destination as Azure's credentials are, for the manifest's in MANIFEST_SAS_TOKEN. */
  readonly settings: Settings;
  /** Digests of packages that are there already, and need not be sent. */
  readonly known: ReadonlySet<string>;
  /** Caps on what is read and made; absent: the default ones. */
  readonly limits?: ArchiveLimits;
}

/**
 * Packages a folder of a volume, or the content of an archive, and uploads the package to one blob.
 *
 * @throws PackagingError
 */
export async function pack(request: PackRequest, signal?: AbortSignal): Promise<JobResult> {
  const { source, context, work, known, limits = defaultLimits } = request;
  const root = source.kind === 'Folder' ? await folderIn(source.folder, source.path) : await fetchArchive(source, work, limits, signal);
  const { entries, layout, findings } = await prepareFolder(root, { ...context, generate: true, limits });
  if (!passes(findings)) {
    const sentences = sortFindings(findings)
      .filter(({ severity }) => severity === 'error')
      .slice(0, 5)
      .map(({ code, path, sentence, fix }) => `${path === '' ? '' : `${path}: `}${sentence} ${fix} (${code})`);
    throw new PackagingError('LintFailed', sentences.join(' '));
  }
  const { path, manifest } = await writePackageFile(entries, join(work, 'model.zip'), layout, signal);
  const { sha256, sizeBytes, files } = manifest;
  const uploaded = !known.has(sha256);
  if (uploaded) await upload(path, manifest, request, signal);
  return { sha256, sizeBytes, files: files.length, layout: layout.runtime, uploaded };
}

/** The model in the volume; a link on the way there must not lead out of it. */
async function folderIn(folder: string, path: string): Promise<string> {
  const [root, model] = await Promise.all([realpath(folder), realpath(join(folder, path))]).catch((error: NodeJS.ErrnoException) => {
    const what = path === '' ? 'The volume' : `"${path}" in the volume`;
    throw new PackagingError(
      'NotFound',
      `${what} ${error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${error.code ?? 'unknown'})`}.`,
    );
  });
  if (model !== root && !model.startsWith(`${root}${sep}`)) {
    throw new PackagingError('SourceRefused', `"${path}" leads out of the volume.`);
  }
  return model;
}

async function fetchArchive(
  source: Extract<PackSource, { kind: 'Archive' }>,
  work: string,
  limits: ArchiveLimits,
  signal?: AbortSignal,
): Promise<string> {
  const content = join(work, 'content');
  const { url, sha256, hosts } = source;
  await fetchModel(url, content, { settings: async () => undefined, sha256, hosts, limits }, signal);
  return content;
}

async function upload(path: string, manifest: Manifest, request: PackRequest, signal?: AbortSignal): Promise<void> {
  const { destination, manifestDestination, settings } = request;
  const [zip, list] = [blobAt(destination), blobAt(manifestDestination)];
  const credential = await findCredential(zip.host.account, zip.host.cloud, settings);
  const token = await settings('MANIFEST_SAS_TOKEN');
  if (token === undefined) throw new PackagingError('CredentialsMissing', 'There is no signature for the manifest.');
  await using archive = await openFile(path);
  try {
    await uploadPackage(containerClient(zip.origin, zip.container, credential), zip.blob, archive, manifest.sha256, {}, signal);
    const container = containerClient(list.origin, list.container, { kind: 'sas', token });
    await uploadOnce(container, list.blob, printManifest(manifest), 'application/json', {}, signal);
  } catch (error) {
    if (!(error instanceof PackagingError) || error.code !== 'AccessDenied') throw error;
    throw new PackagingError(
      'StorageFailed',
      'The signature for the upload was not accepted: it has expired, or the key that made it was changed.',
    );
  }
}

interface BlobPlace {
  readonly origin: string;
  readonly host: NonNullable<ReturnType<typeof parseAzureHost>>;
  readonly container: string;
  readonly blob: string;
}

function blobAt(address: string): BlobPlace {
  const url = new URL(address);
  const host = parseAzureHost(url.host);
  const [, container = '', ...blob] = decodeURIComponent(url.pathname).split('/');
  if (url.protocol !== 'https:' || host === undefined || container === '' || blob.length === 0) {
    throw new PackagingError('InvalidArgument', 'The destination is no https address of a blob on Azure.');
  }
  return { origin: url.origin, host, container, blob: blob.join('/') };
}

export interface VerifyRequest extends OpenOptions {
  readonly uri: string;
  readonly sha256: string;
  readonly runtime: RuntimeType;
  /** Folder with room for the package, used where the server sends no parts of files. */
  readonly work: string;
  /** A sentence about the credentials, for whoever has to mend them. */
  readonly readAs?: string;
}

/**
 * Reads all of a package that lies somewhere already: its digest must be the expected one, and its layout that of the runtime.
 *
 * @throws PackagingError ChecksumMismatch, LayoutUnknown and those of reading
 */
export async function verifyPackage(request: VerifyRequest, signal?: AbortSignal): Promise<JobResult> {
  try {
    return await readAndCompare(request, signal);
  } catch (error) {
    // Azure says of what may not be read without credentials also that it is not there.
    const isAccess = error instanceof PackagingError && (error.code === 'AccessDenied' || error.code === 'NotFound');
    if (!isAccess || request.readAs === undefined) throw error;
    throw new PackagingError(error.code, `${error.message} ${request.readAs}`, error.subject);
  }
}

async function readAndCompare(request: VerifyRequest, signal?: AbortSignal): Promise<JobResult> {
  const { uri, sha256, runtime, work, limits = defaultLimits } = request;
  const { zipUri } = parsePackageAddress(uri);
  await using remote = await openRemote(zipUri, request, signal);
  if (remote.sizeBytes > limits.archiveBytes) {
    throw new PackagingError(
      'ArchiveRefused',
      `${remote.shown} has ${remote.sizeBytes} bytes; at most ${limits.archiveBytes} are read, ${raising('size')}.`,
    );
  }
  const file = join(work, 'model.zip');
  const saved = remote.ranges ? undefined : await saveRemote(remote, file, limits.archiveBytes, () => undefined, signal);
  // Whoever made it the wrong content is told that, and not what is wrong inside.
  checkDigest(remote.shown, saved ?? sha256, sha256);
  await using archive = saved === undefined ? remote : await openFile(file);
  const read = await digestArchive(archive, limits, signal);
  checkDigest(remote.shown, read.sha256, sha256);
  const layout = recogniseLayout(
    read.files.map(({ path }) => path),
    { name: 'model', runtime },
  );
  if (typeof layout === 'string') throw new PackagingError('LayoutUnknown', `${remote.shown}: ${layout}`);
  if (layout.moves.size > 0) {
    throw new PackagingError('LayoutUnknown', `${remote.shown} is not laid out as ${runtime} reads it. ${layout.notes.join(' ')}`);
  }
  return { sha256, sizeBytes: archive.sizeBytes, files: read.files.length, layout: layout.runtime, uploaded: false };
}

/** What an error of a Job means to the operator. */
export function failureOf(error: unknown): JobFailure {
  if (error instanceof PackagingError) {
    return { code: error.code, message: error.message, retry: error.code === 'StorageFailed' || error.code === 'SourceChanged' };
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOSPC') {
    const message = 'The disk space of the packaging Job is used up; raise spec.packaging.workSpace of the ServingPlatform.';
    return { code: 'SourceRefused', message, retry: false };
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const path = error instanceof Error && 'path' in error ? String(error.path) : 'a file';
    const message = `${path} cannot be read by the packaging Job, which runs as user ${process.getuid?.()}; let everybody read the files of the model (chmod -R a+rX).`;
    return { code: 'SourceRefused', message, retry: false };
  }
  return { code: 'StorageFailed', message: `Unexpected failure${code === '' ? '' : ` (${code})`}.`, retry: true };
}
