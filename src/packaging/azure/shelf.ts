/** A repository as the operator works on it: packages come in under a passing name, get their own, and go when nobody refers to them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { PackagingError } from '../errors.ts';
import { defaultRetry, type RetryOptions, withRetry } from '../retry.ts';
import { containerClient, explainAzure, hasStatus, judgeAzure } from './client.ts';
import type { AzureCredential } from './credentials.ts';
import { incomingBlob, incomingManifestBlob, manifestBlob, packageBlob, type Repository, reportsFolder, storageUri } from './repository.ts';
import { type Grant, signatureFor } from './signature.ts';

/** A package, as who made it says. */
export interface PackageClaim {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** An archive with the full report of a load pod. */
export interface StoredArchive {
  /** Of the blob, whole. */
  readonly name: string;
  /** Folder of the profile that it is of. */
  readonly folder: string;
  readonly run: string;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

export interface StoredPackage {
  /** Folder of the repository in which it lies; empty for its top. */
  readonly folder: string;
  readonly sha256: string;
  readonly etag: string;
  /** Milliseconds since the epoch; a package that is used again counts as modified. */
  readonly modified: number;
}

/** A manifest has some 150 bytes a file, and a package 100,000 files at most. */
const manifestBytes = 64 << 20;
/** How long the right to read an upload lives that a copy within the account needs. */
const copyMilliseconds = 15 * 60_000;

export class Shelf {
  readonly #repository: Repository;
  readonly #credential: AzureCredential;
  readonly #container: ContainerClient;
  readonly #retry: RetryOptions;

  constructor(repository: Repository, credential: AzureCredential, retry: RetryOptions = defaultRetry) {
    this.#repository = repository;
    this.#credential = credential;
    this.#container = containerClient(repository.endpoint, repository.container, credential);
    this.#retry = retry;
  }

  sign(grant: Grant, expires: Date, signal?: AbortSignal): Promise<string> {
    return this.#explained('the signature', () => signatureFor(this.#repository, this.#credential, grant, expires, signal));
  }

  /** Where an upload of this run goes, until it is looked at. */
  incomingBlob(run: string): string {
    return incomingBlob(this.#repository, run);
  }

  incomingManifest(run: string): string {
    return incomingManifestBlob(this.#repository, run);
  }

  storageUri(sha256: string): string {
    return storageUri(this.#repository, sha256);
  }

  /**
   * Gives an upload and its manifest their own names: copies them there if the upload is what its maker says, unless an equal package is
   * there, and removes the passing names. Doing it again after a part of it was done, or by two at once, comes to the same.
   *
   * @throws PackagingError ChecksumMismatch, when there is no such upload, or another
   */
  async promote(run: string, claim: PackageClaim, signal?: AbortSignal): Promise<void> {
    const name = packageBlob(this.#repository, claim.sha256);
    await this.#explained(name, async () => {
      const incoming = this.#container.getBlockBlobClient(this.incomingBlob(run));
      const target = this.#container.getBlockBlobClient(name);
      const found = await this.#properties(incoming, signal);
      if (found === undefined) {
        // Promoted before, by a run of ours that was stopped then.
        if (await this.#touch(target, claim, signal)) return;
        throw new PackagingError('ChecksumMismatch', 'The packaging Job reported an upload that is not there.');
      }
      if (!matches(found, claim)) {
        throw new PackagingError('ChecksumMismatch', 'The packaging Job uploaded something else than it reported.');
      }
      if (!(await this.#touch(target, claim, signal))) await this.#copy(incoming, found.etag, target, claim, signal);
      await this.#promoteManifest(run, claim.sha256, signal);
      await this.#delete(incoming, {}, signal);
    });
  }

  /** Whether the package is there; marks it as used now, so that what is collecting unused ones leaves it alone. */
  async keep(claim: PackageClaim, signal?: AbortSignal): Promise<boolean> {
    const name = packageBlob(this.#repository, claim.sha256);
    return this.#explained(name, () => this.#touch(this.#container.getBlockBlobClient(name), claim, signal));
  }

  /** Removes what a run left under its passing name. */
  async discard(run: string, signal?: AbortSignal): Promise<void> {
    for (const name of [this.incomingManifest(run), this.incomingBlob(run)])
      await this.#explained(name, () => this.#delete(this.#container.getBlockBlobClient(name), {}, signal));
  }

  /** Every package of this repository, in whatever folder; and uploads that nobody took over. */
  async list(
    signal?: AbortSignal,
  ): Promise<{ readonly packages: StoredPackage[]; readonly uploads: { readonly name: string; readonly modified: number }[] }> {
    const { prefix } = this.#repository;
    const start = prefix === '' ? '' : `${prefix}/`;
    return this.#explained(start, async () => {
      const packages: StoredPackage[] = [];
      const uploads: { name: string; modified: number }[] = [];
      for await (const { name, properties } of this.#container.listBlobsFlat({ prefix: start, ...(signal && { abortSignal: signal }) })) {
        const modified = properties.lastModified.getTime();
        const [, folder = '', sha256] = /^(?:(.*)\/)?([0-9a-f]{64})\/model\.zip$/.exec(name.slice(start.length)) ?? [];
        if (/(?:^|\/)_incoming\/[0-9a-f]{32}\.(?:zip|json)$/.test(name)) uploads.push({ name, modified });
        if (sha256 === undefined || properties.etag === undefined) continue;
        // Listings give the bare tag; headers, and conditions, have it in quotes.
        const etag = properties.etag.startsWith('"') ? properties.etag : `"${properties.etag}"`;
        packages.push({ folder, sha256, etag, modified });
      }
      return { packages, uploads };
    });
  }

  /** Deletes a package and its manifest, unless it was used since it was listed; returns whether it is gone by that. */
  async remove({ folder, sha256, etag }: StoredPackage, signal?: AbortSignal): Promise<boolean> {
    const place = { ...this.#repository, prefix: [this.#repository.prefix, folder].filter(Boolean).join('/') };
    const name = packageBlob(place, sha256);
    return this.#explained(name, async () => {
      const manifest = this.#container.getBlockBlobClient(manifestBlob(place, sha256));
      const before = await this.#properties(manifest, signal);
      if (!(await this.#delete(this.#container.getBlockBlobClient(name), { ifMatch: etag }, signal))) return false;
      // Whoever makes the package anew from now on marks its manifest, too, which keeps it.
      if (before?.etag !== undefined) await this.#delete(manifest, { ifMatch: before.etag }, signal);
      return true;
    });
  }

  /** Removes an upload that nobody took over, by the name that `list` gave. */
  async removeUpload(name: string, signal?: AbortSignal): Promise<void> {
    await this.#explained(name, () => this.#delete(this.#container.getBlockBlobClient(name), {}, signal));
  }

  /** The archives of full reports in the folder of this namespace; what else may lie there is left out. */
  async listReports(signal?: AbortSignal): Promise<StoredArchive[]> {
    const prefix = `${this.#repository.prefix}/${reportsFolder}/`;
    return this.#explained(prefix, async () => {
      const archives: StoredArchive[] = [];
      for await (const { name, properties } of this.#container.listBlobsFlat({ prefix, ...(signal && { abortSignal: signal }) })) {
        const [, folder, run] = /^([^/]+)\/[^/]+-(r[0-9a-f]{11})-\d+-\d+\.zip$/.exec(name.slice(prefix.length)) ?? [];
        if (folder !== undefined && run !== undefined) archives.push({ name, folder, run, modified: properties.lastModified.getTime() });
      }
      return archives;
    });
  }

  /** Removes an archive, by the name that `listReports` gave. */
  async removeReport(name: string, signal?: AbortSignal): Promise<void> {
    await this.#explained(name, () => this.#delete(this.#container.getBlockBlobClient(name), {}, signal));
  }

  /** A package is one without its manifest too; what is there under the manifest's passing name and is none is dropped. */
  async #promoteManifest(run: string, sha256: string, signal?: AbortSignal): Promise<void> {
    const incoming = this.#container.getBlockBlobClient(this.incomingManifest(run));
    const found = await this.#properties(incoming, signal);
    if (found === undefined) return;
    if (found.contentType === 'application/json' && (found.contentLength ?? 0) <= manifestBytes) {
      const manifest = this.#container.getBlockBlobClient(manifestBlob(this.#repository, sha256));
      // One that is there is marked, so that nobody collects it with the package before; where it just went, it is made again.
      if (!(await this.#mark(manifest, { used: new Date().toISOString() }, signal)))
        await this.#beginCopy(incoming, found.etag, manifest, signal);
    }
    await this.#delete(incoming, {}, signal);
  }

  async #copy(source: BlockBlobClient, etag: string | undefined, target: BlockBlobClient, claim: PackageClaim, signal?: AbortSignal) {
    await this.#beginCopy(source, etag, target, signal);
    // A large one is copied in the background; so is one that somebody else has begun.
    while ((await this.#properties(target, signal))?.copyStatus === 'pending') {
      await sleep(1000, undefined, signal === undefined ? {} : { signal });
    }
    if (await this.#touch(target, claim, signal)) return;
    throw new PackagingError('StorageFailed', `${target.name} could not be copied from the upload.`, target.name);
  }

  /** Has the service copy a blob to a name that nothing has yet. */
  async #beginCopy(source: BlockBlobClient, etag: string | undefined, target: BlockBlobClient, signal?: AbortSignal): Promise<void> {
    // Within an account the key opens the source as well; a token is not passed on to it.
    const expires = new Date(Date.now() + copyMilliseconds);
    const query = this.#credential.kind === 'key' ? '' : `?${await this.sign({ kind: 'Read', blob: source.name }, expires, signal)}`;
    const conditions = { conditions: { ifNoneMatch: '*' }, ...(etag !== undefined && { sourceConditions: { ifMatch: etag } }) };
    try {
      const poller = await target.beginCopyFromURL(`${source.url.replace(/\?.*$/, '')}${query}`, {
        ...conditions,
        ...(signal && { abortSignal: signal }),
      });
      await poller.pollUntilDone();
    } catch (error) {
      // Somebody put the same there meanwhile, or is done with the upload altogether.
      if (!hasStatus(error, 404, 409, 412)) throw error;
    }
  }

  /** True when the blob is this package; its metadata is written anew then, which changes its tag. */
  async #touch(blob: BlockBlobClient, claim: PackageClaim, signal?: AbortSignal): Promise<boolean> {
    const found = await this.#properties(blob, signal);
    if (found === undefined || found.copyStatus === 'pending') return false;
    if (!matches(found, claim)) {
      throw new PackagingError('Conflict', `${blob.name} is there and is not the package that its name says. Delete it.`, blob.name);
    }
    return this.#mark(blob, { sha256: claim.sha256, used: new Date().toISOString() }, signal);
  }

  /** Writes metadata, which changes the tag; false where there is no such blob. */
  async #mark(blob: BlockBlobClient, metadata: Record<string, string>, signal?: AbortSignal): Promise<boolean> {
    try {
      await withRetry((abortSignal) => blob.setMetadata(metadata, { abortSignal }), judgeAzure, this.#retry, signal);
      return true;
    } catch (error) {
      if (hasStatus(error, 404)) return false;
      throw error;
    }
  }

  async #properties(blob: BlockBlobClient, signal?: AbortSignal) {
    try {
      return await withRetry((abortSignal) => blob.getProperties({ abortSignal }), judgeAzure, this.#retry, signal);
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  async #delete(blob: BlockBlobClient, conditions: { readonly ifMatch?: string }, signal?: AbortSignal): Promise<boolean> {
    try {
      await withRetry((abortSignal) => blob.delete({ conditions, abortSignal }), judgeAzure, this.#retry, signal);
      return true;
    } catch (error) {
      if (hasStatus(error, 404, 412)) return false;
      throw error;
    }
  }

  async #explained<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw explainAzure(error, what);
    }
  }
}

function matches(
  found: { readonly contentLength?: number; readonly contentType?: string; readonly metadata?: Readonly<Record<string, string>> },
  { sha256, sizeBytes }: PackageClaim,
): boolean {
  return found.contentLength === sizeBytes && found.contentType === 'application/zip' && found.metadata?.['sha256'] === sha256;
}
