import type { Finding } from './finding.ts';
import { isAtLeast, type KServeVersion, printVersion } from './kserve-version.ts';
import type { StorageUri } from './storage-uri.ts';

/** One blob as a container's listing shows it. */
export interface ListedBlob {
  readonly name: string;
  readonly sizeBytes: number;
}

/**
 * What KServe's Azure downloader would make of the blobs whose names begin with the URI's path: it lists by string prefix, skips
 * empty blobs, and unpacks an archive only when exactly one blob is left (from 0.7 on; a blob named directly: from 0.13 on).
 *
 * @param blobs every blob of the container whose name begins with the URI's path.
 */
export function lintBlobListing(parsed: StorageUri, blobs: readonly ListedBlob[], version: KServeVersion): Finding[] {
  const prefix = parsed.azure?.path ?? '';
  const path = parsed.redacted;
  const findings: Finding[] = [];
  const inside = blobs.filter((blob) => blob.name === prefix || blob.name.startsWith(`${prefix}/`));
  const foreign = blobs.filter((blob) => !inside.includes(blob) && blob.sizeBytes > 0);
  const full = inside.filter((blob) => blob.sizeBytes > 0);

  if (full.length === 0) {
    findings.push({
      code: 'MW-L0740',
      severity: 'error',
      path,
      sentence: 'No blob with content lies there; KServe will say "Failed to fetch model. No model found".',
      fix: 'Check the container and the path, or push the package again.',
    });
  }
  if (foreign.length > 0) {
    findings.push({
      code: 'MW-L0741',
      severity: 'error',
      path,
      sentence: `KServe matches by prefix and would also download ${foreign.length} blob(s) beside it, such as ${foreign[0]?.name ?? ''}.`,
      fix: 'Rename one of the two, or push the package into a folder named by its digest.',
    });
  }
  const archives = full.filter((blob) => /\.(?:zip|tar|tgz|tar\.gz|tar\.bz2|tar\.xz)$/i.test(blob.name));
  if (archives.length > 0 && full.length + foreign.length > 1) {
    findings.push({
      code: 'MW-L0742',
      severity: 'error',
      path,
      sentence: `${archives[0]?.name ?? ''} would stay packed: ${printVersion(version)} unpacks an archive only when it is the only blob there, and there are ${full.length + foreign.length}.`,
      fix: 'Move everything but the archive out of this folder; checksums belong into blob metadata.',
    });
  }
  if (archives.length > 0 && version === 'kfserving-0.6') {
    findings.push({
      code: 'MW-L0743',
      severity: 'error',
      path,
      sentence: `${printVersion(version)} never unpacks an archive that it finds on Azure Blob.`,
      fix: 'Upload the unpacked tree, or use KServe 0.7 or newer.',
    });
  }
  const empty = inside.filter((blob) => blob.sizeBytes === 0);
  const marker = empty.some((blob) => blob.name === prefix);
  if (archives.length === 1 && marker && version !== 'kfserving-0.6' && !isAtLeast(version, 0, 17)) {
    findings.push({
      code: 'MW-L0744',
      severity: 'error',
      path,
      sentence: `An empty blob named like the folder ("${prefix}") keeps ${printVersion(version)} from unpacking the archive.`,
      fix: 'Delete the empty blob; storage browsers make it when a folder is created by hand.',
    });
  } else if (empty.length > 0 && archives.length === 0) {
    findings.push({
      code: 'MW-L0745',
      severity: 'warning',
      path,
      sentence: `${empty.length} empty blob(s), such as ${empty[0]?.name ?? ''}, will be missing: KServe skips blobs without content.`,
      fix: 'Push a zip, in which empty files survive.',
    });
  }
  return findings;
}
