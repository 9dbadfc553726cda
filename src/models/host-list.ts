import { isIP } from 'node:net';
import type { AddressRules } from './addresses.ts';

/** What a host may resolve to; undefined: nothing is to be read from it. */
export type HostRules = (host: string) => AddressRules | undefined;

/**
 * What is allowed by a list of hosts: `example.com` (on the usual port), `example.com:8443`, or `*.example.com` for every host below it. A host
 * that is named letter by letter may have a private address. One below a `*.` may not, since whoever owns a name there decides where it points.
 * Loopback and link-local addresses, where nodes keep their metadata, must be named themselves. The list's own spelling is checked where it
 * is declared.
 *
 * @param allowed an empty list allows none.
 */
export function hostRules(allowed: readonly string[]): HostRules {
  return (host) => {
    const name = host.toLowerCase();
    if (allowed.includes(name)) {
      const address = name.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');
      return isIP(address) === 0 ? ['public', 'private'] : [address];
    }
    const below = allowed.some(
      (pattern) => pattern.startsWith('*.') && name.endsWith(pattern.slice(1)) && name.length > pattern.length - 1,
    );
    return below ? ['public'] : undefined;
  };
}

/** Whether a host is one of those that are allowed, as far as its name tells. */
export function hostMatcher(allowed: readonly string[]): (host: string) => boolean {
  const rules = hostRules(allowed);
  return (host) => rules(host) !== undefined;
}
