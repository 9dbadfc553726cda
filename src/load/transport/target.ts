import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type AddressRules, allowsAddress } from '../../models/addresses.ts';
import { AddressRefused } from './addresses.ts';

/** Where requests go and what every one of them carries. Plain data, so that it can be handed to a worker thread. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions | null;
  /** Path in front of the protocol's own paths, without a slash at its end; "" for none. */
  readonly basePath: string;
  /** The Host header (HTTP/1.1) or `:authority` (HTTP/2): what an ingress routes by. */
  readonly authority: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** What the host may resolve to; absent: anything. */
  readonly addresses?: AddressRules;
}

export interface TlsOptions {
  readonly ca: string | null;
  readonly serverName: string;
  /** Accept any certificate. */
  readonly insecure: boolean;
}

export interface TargetFlags {
  readonly hostHeader?: string;
  readonly headers?: readonly string[];
  readonly token?: string;
  readonly caFile?: string;
  readonly insecure?: boolean;
  readonly addresses?: AddressRules;
}

/** A mistake of the person who typed the command; the message names what to change. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'Usage';
}

/** Takes a URL apart (`http`, `https`; `grpc`, `grpcs` for gRPC). Throws a `UsageError` for anything else. */
export function parseTarget(text: string, flags: TargetFlags = {}): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:', 'grpc:', 'grpcs:'].includes(url.protocol) || url.hostname === '') {
    throw new UsageError(`"${text}" is not a URL this tool can load; give http://HOST[:PORT][/PATH], https://…, or grpc://HOST:PORT`);
  }
  if (url.username !== '' || url.password !== '')
    throw new UsageError('the URL holds a user name or password; give credentials with --header or --token-file');
  const secure = url.protocol === 'https:' || url.protocol === 'grpcs:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const { addresses } = flags;
  // A name is judged when it is resolved, at every connection.
  if (addresses !== undefined && isIP(host) !== 0 && !allowsAddress(addresses, host))
    throw new UsageError(new AddressRefused(host, [host]).message);
  const authority = flags.hostHeader ?? (url.port === '' ? url.hostname : `${url.hostname}:${url.port}`);
  const headers = (flags.headers ?? []).map(parseHeader);
  if (flags.token !== undefined) headers.push(['authorization', `Bearer ${flags.token}`]);
  return {
    host,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    tls: secure
      ? {
          ca: flags.caFile === undefined ? null : readCa(flags.caFile),
          serverName: serverName(flags.hostHeader ?? host),
          insecure: flags.insecure ?? false,
        }
      : null,
    basePath: (url.pathname + url.search).replace(/\/+$/, ''),
    authority,
    headers,
    ...(addresses === undefined ? {} : { addresses }),
  };
}

/** The target as it may be shown: no headers' values, no query (it may hold a token). */
export function describeTarget(target: Target): string {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return `${target.tls === null ? 'http' : 'https'}://${host}:${target.port}${target.basePath.replace(/\?.*$/, '')}`;
}

function parseHeader(text: string): [string, string] {
  const colon = text.indexOf(':');
  const name = text.slice(0, colon).trim().toLowerCase();
  const value = text.slice(colon + 1).trim();
  if (colon < 1 || !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) || /[\r\n\0]/.test(value)) {
    throw new UsageError(`--header ${JSON.stringify(colon < 1 ? text : name)} is not "Name: value"`);
  }
  if (name === 'host') throw new UsageError('set the Host header with --host-header');
  if (['content-length', 'transfer-encoding', 'connection'].includes(name))
    throw new UsageError(`the header ${name} is set by the load generator`);
  return [name, value];
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--ca-file ${file} cannot be read: ${(error as Error).message}`);
  }
}

/** The name in the TLS handshake: without a port, and none for an IP address. */
function serverName(host: string): string {
  const name = host.replace(/:\d+$/, '');
  return /^[\d.]+$|:/.test(name) ? '' : name;
}
