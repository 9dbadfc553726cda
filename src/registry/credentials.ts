/** Pull secrets: which credentials a registry and repository get, by the rules of the kubelet (k8s.io/kubernetes/pkg/credentialprovider). */
import { dockerHub } from '../models/image-reference.ts';
import { canonicalHost } from './reference.ts';

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
  /** An OAuth2 refresh token, which takes the place of name and password at a token server. */
  readonly identityToken?: string;
}

/** Entries of a pull secret, by where they are for: `host[:port][/path]`, with `*` for a part of a host name. */
export type PullSecret = ReadonlyMap<string, RegistryCredentials>;

interface AuthEntry {
  readonly auth?: unknown;
  readonly username?: unknown;
  readonly password?: unknown;
  readonly identitytoken?: unknown;
}

/**
 * Reads the data of a Secret of type `kubernetes.io/dockerconfigjson`, or of the older `kubernetes.io/dockercfg`, whose entries have no `auths` around them.
 *
 * @param data the Secret's `data`, base64 as the API server gives it
 * @returns undefined where there is neither key, or its content is no such JSON
 */
export function readPullSecret(data: Readonly<Record<string, string>>): PullSecret | undefined {
  const [modern, legacy] = [jsonIn(data['.dockerconfigjson']), jsonIn(data['.dockercfg'])];
  const entries = isRecord(modern) ? modern['auths'] : legacy;
  if (!isRecord(entries)) return undefined;
  const secret = new Map<string, RegistryCredentials>();
  for (const [place, entry] of Object.entries(entries)) {
    const credentials = isRecord(entry) ? credentialsOf(entry) : undefined;
    if (credentials !== undefined) secret.set(placeOf(place), credentials);
  }
  return secret;
}

/** The credentials for a repository: of the entries that fit, the one with the longest path. */
export function credentialsFor(secret: PullSecret, host: string, repository: string): RegistryCredentials | undefined {
  const fitting = [...secret].filter(([place]) => fits(place, host, repository));
  return fitting.toSorted(([a], [b]) => b.length - a.length)[0]?.[1];
}

function jsonIn(base64: string | undefined): unknown {
  if (base64 === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}

function credentialsOf({ auth, username, password, identitytoken }: AuthEntry): RegistryCredentials | undefined {
  const [name, word] = typeof auth === 'string' && auth !== '' ? pairIn(auth) : [username, password];
  if (typeof name !== 'string' || typeof word !== 'string') return undefined;
  return {
    username: name,
    password: word,
    ...(typeof identitytoken === 'string' && identitytoken !== '' && { identityToken: identitytoken }),
  };
}

function pairIn(auth: string): readonly [string, string] {
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** `https://index.docker.io/v1/` and its kind are how `docker login` writes Docker Hub. */
function placeOf(text: string): string {
  const bare = text.replace(/^https?:\/\//, '').replace(/\/+$/, '');
  const slash = bare.indexOf('/');
  const host = canonicalHost(slash < 0 ? bare : bare.slice(0, slash));
  const path = slash < 0 ? '' : bare.slice(slash).replace(/^\/v[12]$/, '');
  return host === dockerHub ? dockerHub + path : host + path;
}

function fits(place: string, host: string, repository: string): boolean {
  const slash = place.indexOf('/');
  const pattern = slash < 0 ? place : place.slice(0, slash);
  const path = slash < 0 ? '' : place.slice(slash + 1);
  return hostFits(pattern, host) && (path === '' || repository === path || repository.startsWith(`${path}/`));
}

/** A star stands for any text within one part of the name; ports have to be equal. */
function hostFits(pattern: string, host: string): boolean {
  const [wanted, given] = [pattern.split(/[.:]/), host.split(/[.:]/)];
  if (wanted.length !== given.length || pattern.includes(':') !== host.includes(':')) return false;
  return wanted.every((part, index) => {
    const pieces = part.split('*');
    if (pieces.length === 1) return part === given[index];
    const text = pieces.map((piece) => piece.replace(/[^a-z0-9-]/gi, '\\$&')).join('.*');
    return new RegExp(`^${text}$`).test(given[index] ?? '');
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
