/** Which URLs may be loaded: those of hosts that the ServingPlatform names. */
import { isIP } from 'node:net';
import { allowsAddress, isAddressRange } from '../../../models/addresses.ts';

export type UrlVerdict =
  /** `addresses`: what the load pod may connect to once it has resolved the name. */
  { readonly allowed: true; readonly addresses: readonly string[] } | { readonly allowed: false; readonly message: string };

/**
 * Judges the host of a URL by `targetHosts`. A host that is named letter by letter may have a private address; one below a `*.` may not,
 * since whoever owns a name below it decides where it points; loopback and link-local addresses, where nodes keep their metadata, must be
 * named themselves, alone or by their range.
 */
export function judgeUrl(text: string, targetHosts: readonly string[]): UrlVerdict {
  if (!URL.canParse(text)) return { allowed: false, message: 'spec.target.url is not a URL; write http://HOST:PORT' };
  const url = new URL(text);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const ranges = targetHosts.filter(isAddressRange);
  if (isIP(host) !== 0) return allowsAddress(ranges, host) ? { allowed: true, addresses: ranges } : refused(host);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const names = targetHosts.filter((entry) => !isAddressRange(entry));
  if (names.some((entry) => !entry.startsWith('*.') && matchesPort(entry, host, port))) {
    return { allowed: true, addresses: ['public', 'private', ...ranges] };
  }
  if (names.some((entry) => entry.startsWith('*.') && isBelow(entry, host, port)))
    return { allowed: true, addresses: ['public', ...ranges] };
  return refused(host);
}

function refused(host: string): UrlVerdict {
  return {
    allowed: false,
    message: `spec.target.url names the host ${host}, which no entry of spec.policy.targetHosts of the ServingPlatform allows; name a ModelDeployment or an InferenceService, or ask an administrator to add the host`,
  };
}

function matchesPort(entry: string, host: string, port: string): boolean {
  const [name, only] = entry.split(':');
  return name === host && (only === undefined || only === port);
}

function isBelow(entry: string, host: string, port: string): boolean {
  const [name = '', only] = entry.slice(1).split(':');
  return host.endsWith(name) && host.length > name.length && (only === undefined || only === port);
}
