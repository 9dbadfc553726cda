/** A container image reference, taken apart as container engines do (github.com/distribution/reference), and KServe with them. */
export interface ImageReference {
  /** Registry and repository, as they were written. */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:…` */
  readonly digest?: string;
}

/** Registry of an image that names none. */
export const dockerHub = 'docker.io';

/** `host:5000/group/name:tag@sha256:…` in its parts. A colon before the last slash belongs to the registry's port. */
export function parseImage(image: string): ImageReference {
  const at = image.indexOf('@');
  const digest = at < 0 ? undefined : image.slice(at + 1);
  const name = at < 0 ? image : image.slice(0, at);
  const colon = name.lastIndexOf(':');
  const hasTag = colon > name.lastIndexOf('/');
  return {
    repository: hasTag ? name.slice(0, colon) : name,
    ...(hasTag && { tag: name.slice(colon + 1) }),
    ...(digest !== undefined && { digest }),
  };
}

/** The registry host (with its port) that an image names: its first part, if that has a dot or a port or is `localhost`. */
export function namedRegistry(image: string): string | undefined {
  const first = image.slice(0, Math.max(0, image.indexOf('/')));
  return first.includes('.') || first.includes(':') || first === 'localhost' ? first : undefined;
}

/** The registry host that an image comes from; Docker Hub where it names none. */
export function registryOf(image: string): string {
  return namedRegistry(image) ?? dockerHub;
}

export function isDigest(version: string): boolean {
  return version.startsWith('sha256:');
}
