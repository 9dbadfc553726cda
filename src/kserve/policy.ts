import { hostMatcher } from '../models/host-list.ts';

/**
 * What a cluster's administrator lets the authors of ModelDeployments name. Absent or empty lists allow only what the product itself
 * needs: the namespace's default service account, and no transformer image at all.
 */
export interface Policy {
  /** Service account names that `spec.serviceAccountName` may give, in any namespace. */
  readonly serviceAccounts?: readonly string[];
  /** Image prefixes, `registry` or `registry/path`, that `spec.transformer.image` may come from. */
  readonly imageRegistries?: readonly string[];
  /** Image prefixes that images of model servers may come from. Absent or empty: any. */
  readonly runtimeRegistries?: readonly string[];
  /** Hosts that `spec.source.archive.url` may name, and, where there are any, the only ones for a `storageUri` with http or https. */
  readonly sourceHosts?: readonly string[];
}

/** Whether a `storageUri` may be read: hosts are limited only where some are listed, and only those of http and https. */
export function allowsStorageUri({ sourceHosts = [] }: Policy, storageUri: string): boolean {
  const host = /^https?:\/\/([^/?#]*)/.exec(storageUri)?.[1];
  return host === undefined || sourceHosts.length === 0 || hostMatcher(sourceHosts)(host);
}

/** Whether pods may run under this service account. */
export function allowsServiceAccount(policy: Policy, name: string): boolean {
  return name === 'default' || (policy.serviceAccounts ?? []).includes(name);
}

/**
 * Whether an image comes from an allowed registry. The comparison is made on whole path segments of the full reference, so that
 * `ghcr.io/acme` allows `ghcr.io/acme/x` and not `ghcr.io/acme-evil/x`; Docker Hub may be written in any of its spellings.
 */
export function allowsImage(policy: Pick<Policy, 'imageRegistries'>, image: string): boolean {
  const full = fullImageName(image);
  return (policy.imageRegistries ?? []).some((allowed) => {
    const prefix = registryPrefix(allowed);
    return prefix !== '' && (full === prefix || full.startsWith(`${prefix}/`));
  });
}

/** Whether the image of a model server comes from an allowed registry. */
export function allowsRuntimeImage({ runtimeRegistries = [] }: Policy, image: string): boolean {
  return runtimeRegistries.length === 0 || allowsImage({ imageRegistries: runtimeRegistries }, image);
}

/** `nginx:1` is `docker.io/library/nginx`: registry and repository without tag and digest, as container engines complete them. */
function fullImageName(image: string): string {
  const name = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasRegistry = first.includes('.') || first.includes(':') || first === 'localhost';
  if (!hasRegistry) return `docker.io/${slash < 0 ? `library/${name}` : name}`;
  return hubName(name);
}

function registryPrefix(allowed: string): string {
  return hubName(allowed.trim().replace(/\/+$/, ''));
}

function hubName(name: string): string {
  return name.replace(/^(?:index\.docker\.io|registry-1\.docker\.io)(?=\/|$)/, 'docker.io');
}
