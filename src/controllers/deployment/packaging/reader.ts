/** As whom a verifying Job reads a package: as the Pods of the model will. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { Dialect } from '../../../kserve/dialect.ts';
import { isFetchedByUs } from '../../../kserve/model-location.ts';
import type { Cached } from '../../../kube/store.ts';
import { newestKServe } from '../../../models/kserve-version.ts';
import { parseStorageUri } from '../../../models/storage-uri.ts';
import { type Downloader, secretKeysOf } from '../../../packaging/azure/download-secrets.ts';
import type { ServiceAccountObject } from './resources.ts';

export interface Reader {
  readonly serviceAccount: string;
  /** Secrets that the service account names, in its order. */
  readonly secrets: readonly string[];
  readonly downloader: Downloader;
  /** Keys of those Secrets that this download is given. */
  readonly keys: readonly string[];
  /** The Pods ask for Azure's workload identity. */
  readonly workloadIdentity: boolean;
}

/** The label by which Pods ask Azure's workload identity for the token of their service account. */
export const workloadIdentityLabel = 'azure.workload.identity/use';

/** A service account names a few; whoever names hundreds gets no larger Pod of it. */
const maxSecrets = 32;

/** The service account of the model's Pods. */
export function serviceAccountOf({ spec }: Pick<Cached<ModelDeployment>, 'spec'>): string {
  return spec.serviceAccountName ?? 'default';
}

/** KServe's reader of Azure knows the public cloud only: what lies in another one it downloads like any file, without Azure's credentials. */
export function downloaderOf(storageUri: string, dialect: Dialect): Downloader {
  if (isFetchedByUs({ storageUri }, dialect)) return 'modelwright';
  return parseStorageUri(storageUri, dialect.version).route === 'AzureBlob' ? 'kserve-azure' : 'kserve-http';
}

/** What the Job is given of a service account. */
export function readerOf(
  { spec }: Pick<Cached<ModelDeployment>, 'spec'>,
  storageUri: string,
  account: ServiceAccountObject,
  dialect: Dialect,
): Reader {
  const downloader = downloaderOf(storageUri, dialect);
  return {
    serviceAccount: serviceAccountOf({ spec }),
    secrets: (account.secrets ?? []).flatMap(({ name }) => name ?? []).slice(0, maxSecrets),
    downloader,
    // Where no image told the version it may be newer than was seen, and newer ones use more keys.
    keys: secretKeysOf(downloader, dialect.versionFrom === 'Schema' ? newestKServe : dialect.version),
    workloadIdentity: downloader !== 'kserve-http' && spec.podMetadata?.labels?.[workloadIdentityLabel] === 'true',
  };
}
