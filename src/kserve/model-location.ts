import type { ModelDeployment } from '../api/model-deployment/index.ts';
import { blobSuffix } from '../models/azure-host.ts';
import { isAtLeast } from '../models/kserve-version.ts';
import type { Dialect } from './dialect.ts';

/** Where KServe is to find a model, and how the pods come to it. */
export interface ModelLocation {
  readonly storageUri: string;
  /** A Secret of the namespace, in a shape that KServe knows, with which the pods read it; absent: they need none, or the author gave one. */
  readonly secretName?: string;
}

/** Name of the ClusterStorageContainer whose program is `modelwright fetch`. */
export const storageContainerName = 'modelwright';

/**
 * Takes the place of `https://` where KServe cannot be told the name of our container: a scheme that no other container reads. Where two read a
 * URI, KServe takes the first that its cache lists, in no order (`GetContainerSpecForStorageUri`, 0.11 to 0.20); and the stock one reads
 * whatever has `https://` anywhere in it, since its expressions are not anchored.
 */
export const fetchScheme = 'modelwright://';

/** KServe finds a Secret by this annotation, before those of the service account (0.11 and newer, by default: `storageSecretNameAnnotation`). */
export const secretAnnotation = 'serving.kserve.io/storageSecretName';

const hosts = Object.values(blobSuffix)
  .map((suffix) => suffix.replaceAll('.', '[.]'))
  .join('|');

/** URIs that our storage container reads: packages on Azure that are named by their digest. RE2 and JavaScript read it alike. */
export const packageUriPattern = `^https://[a-z0-9]{3,24}[.](${hosts})/[^?#]+/[0-9a-f]{64}(/|/model[.]zip)?$`;

/** The location that the author gave; undefined for a source that the operator packages. */
export function givenLocation({ spec }: ModelDeployment): ModelLocation | undefined {
  return spec.source.storageUri === undefined ? undefined : { storageUri: spec.source.storageUri };
}

/** Whether `modelwright fetch` downloads the model, and not KServe's stock initializer. */
export function isFetchedByUs({ storageUri }: ModelLocation, { hasStorageContainer, version }: Dialect): boolean {
  return hasStorageContainer === true && isAtLeast(version, 0, 11) && new RegExp(packageUriPattern).test(storageUri);
}

/** How the InferenceService names the model and who downloads it. */
export function renderLocation(
  location: ModelLocation,
  dialect: Dialect,
): {
  readonly storageUri: string;
  readonly predictor: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
} {
  const { storageUri, secretName } = location;
  const annotations: Record<string, string> = secretName === undefined ? {} : { [secretAnnotation]: secretName };
  if (!isFetchedByUs(location, dialect)) return { storageUri, predictor: {}, annotations };
  if (dialect.features.storageContainerName) return { storageUri, predictor: { storageContainerName }, annotations };
  return { storageUri: storageUri.replace(/^https:\/\//, fetchScheme), predictor: {}, annotations };
}
