/** Manifests and image indexes (OCI image specification; Docker image manifest version 2, schema 2). */
import { RegistryError } from './error.ts';

export const indexTypes = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'] as const;
export const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

/** What a tag leads to: an index with an image for each platform, or one image, whose platform stands in its configuration. */
export type Manifest =
  | { readonly kind: 'Index'; readonly images: readonly { readonly digest: string; readonly platform: string }[] }
  | { readonly kind: 'Image'; readonly configDigest: string };

interface Written {
  readonly mediaType?: unknown;
  readonly schemaVersion?: unknown;
  readonly config?: { readonly digest?: unknown };
  readonly manifests?: readonly {
    readonly digest?: unknown;
    readonly platform?: Partial<Record<'os' | 'architecture' | 'variant', unknown>>;
  }[];
}

/** @param contentType as the registry labelled it; parameters behind a semicolon count for nothing */
export function parseManifest(text: string, contentType: string): Manifest {
  const written = parsed(text);
  const type = contentType.split(';')[0]?.trim() ?? '';
  const mediaType = typeof written.mediaType === 'string' ? written.mediaType : type;
  if (isOneOf(indexTypes, mediaType) || (Array.isArray(written.manifests) && !isOneOf(manifestTypes, mediaType))) {
    const images = (written.manifests ?? []).flatMap(({ digest, platform }) => {
      const name = platformName(platform);
      return typeof digest === 'string' && isDigestText(digest) && name !== undefined ? [{ digest, platform: name }] : [];
    });
    return { kind: 'Index', images };
  }
  const configDigest = written.config?.digest;
  if (typeof configDigest !== 'string' || !isDigestText(configDigest)) {
    const old =
      written.schemaVersion === 1 ? 'of schema 1, which no container runtime pulls any more' : `of type ${mediaType || 'unknown'}`;
    throw new RegistryError('Malformed', `answered with a manifest ${old}`);
  }
  return { kind: 'Image', configDigest };
}

/** `linux/amd64`, `linux/arm64/v8`; undefined for an attestation and its like, which say `unknown`. */
export function platformName(platform: Partial<Record<'os' | 'architecture' | 'variant', unknown>> | undefined): string | undefined {
  const { os, architecture, variant } = platform ?? {};
  if (typeof os !== 'string' || typeof architecture !== 'string' || os === 'unknown') return undefined;
  return [os, architecture, ...(typeof variant === 'string' && variant !== '' ? [variant] : [])].join('/').slice(0, 64);
}

/** Whether an image for `have` runs where `wanted` is asked for. A wanted platform without a variant takes any. */
export function platformFits(have: string, wanted: string): boolean {
  return have === wanted || have.startsWith(`${wanted}/`);
}

export function isDigestText(text: string): boolean {
  return /^sha256:[a-f0-9]{64}$/.test(text);
}

function parsed(text: string): Written {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new RegistryError('Malformed', 'answered with a manifest that is no JSON');
}

function isOneOf(types: readonly string[], type: string): boolean {
  return types.includes(type);
}
