/** The narrowest read access to a package that the pods' way to it needs. */
import { hash } from 'node:crypto';
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import { type Dialect, describeDialect } from '../../../kserve/dialect.ts';
import { isFetchedByUs } from '../../../kserve/model-location.ts';
import type { Cached } from '../../../kube/store.ts';
import { isAtLeast } from '../../../models/kserve-version.ts';
import { packageBlob } from '../../../packaging/azure/repository.ts';
import type { Grant } from '../../../packaging/azure/signature.ts';
import type { Block } from '../block.ts';
import type { PackageStatus } from './outcome.ts';
import type { NamespaceRepository } from './repository.ts';
import { selectsOnly } from './selector.ts';

export type AccessNeeded =
  | { readonly kind: 'None' }
  | { readonly kind: 'Grant'; readonly grant: Grant; readonly scope: 'Blob' | 'Container' }
  | { readonly kind: 'Refused'; readonly block: Block };

/** How long a signature for reading lives; it is renewed when half of that is over. Pods start again at any time, also while no operator runs. */
export const readMilliseconds = 48 * 3_600_000;

/**
 * Our own storage container reads one blob. KServe's stock initializer lists the container, so what it is given opens all of it: only for a
 * repository that no other namespace may use.
 */
export function accessFor(
  { storageUri, sha256 }: Pick<PackageStatus, 'storageUri' | 'sha256'>,
  { declared, place }: NamespaceRepository,
  namespace: string,
  dialect: Dialect,
): AccessNeeded {
  if (declared.readAccess === 'Anonymous') return { kind: 'None' };
  if (isFetchedByUs({ storageUri }, dialect))
    return { kind: 'Grant', grant: { kind: 'Read', blob: packageBlob(place, sha256) }, scope: 'Blob' };
  const refuse = (message: string): AccessNeeded => ({ kind: 'Refused', block: { stage: 'Packaging', reason: 'NoReadAccess', message } });
  const product = describeDialect(dialect);
  if (!isAtLeast(dialect.version, 0, 11)) {
    return refuse(
      `Packages of repository "${declared.name}" are private, and ${product} cannot be given access to one package alone; an administrator must make its container public (readAccess: Anonymous), or install KServe 0.11 or newer`,
    );
  }
  if (place.cloud !== 'Public') {
    return refuse(
      `Packages of repository "${declared.name}" are private, and ${product} reads private blobs of the public cloud only; an administrator must declare spec.storageContainer in the ServingPlatform`,
    );
  }
  if (!selectsOnly(declared.allowedNamespaces, namespace)) {
    return refuse(
      `KServe's stock initializer lists the whole container of repository "${declared.name}", which other namespaces may use too; an administrator must declare spec.storageContainer in the ServingPlatform, or a repository for this namespace alone`,
    );
  }
  return { kind: 'Grant', grant: { kind: 'ReadContainer' }, scope: 'Container' };
}

/** One for each package, so that pods of an earlier one keep theirs while a rollout goes on. */
export function readSecretName({ metadata }: Cached<ModelDeployment>, storageUri: string): string {
  return `${metadata.name}-read-${hash('sha256', `${metadata.uid} ${storageUri}`).slice(0, 10)}`;
}

/** Whether the access that was given serves still, and for long enough. */
export function isCurrent(access: PackageStatus['access'], scope: 'Blob' | 'Container', now: number): boolean {
  return access?.scope === scope && Date.parse(access.expirationTime) - now > readMilliseconds / 2;
}
