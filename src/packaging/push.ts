import { containerClient } from './azure/client.ts';
import { findCredential, type Settings } from './azure/credentials.ts';
import { manifestBlob, packageBlob, type Repository, storageUri } from './azure/repository.ts';
import { type UploadOptions, type UploadResult, uploadOnce, uploadPackage } from './azure/upload.ts';
import type { Manifest } from './manifest.ts';
import { printManifest } from './manifest.ts';
import { openFile } from './random-access.ts';

export interface PushResult extends UploadResult {
  readonly storageUri: string;
}

/**
 * Uploads a package and then its manifest; an equal package that is there already is not sent again. The returned `storageUri` names
 * complete, checked content, always.
 *
 * @param path the zip, whose digest and size are those of the manifest.
 * @throws PackagingError
 */
export async function pushPackage(
  path: string,
  manifest: Manifest,
  repository: Repository,
  options: UploadOptions & { readonly settings: Settings },
  signal?: AbortSignal,
): Promise<PushResult> {
  const credential = await findCredential(repository.account, repository.cloud, options.settings);
  const container = containerClient(repository.endpoint, repository.container, credential);
  await using source = await openFile(path);
  const result = await uploadPackage(container, packageBlob(repository, manifest.sha256), source, manifest.sha256, options, signal);
  await uploadOnce(container, manifestBlob(repository, manifest.sha256), printManifest(manifest), 'application/json', options, signal);
  return { ...result, storageUri: storageUri(repository, manifest.sha256) };
}
