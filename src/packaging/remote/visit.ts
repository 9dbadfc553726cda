/** One request to one host: free, or to hosts of a list only and to where their names may lead. */
import dns from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, fetch as guardedFetch } from 'undici';
import { type AddressRules, allowsAddress } from '../../models/addresses.ts';
import type { HostRules } from '../../models/host-list.ts';

export interface VisitOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly redirect: 'manual';
}

export type Visit = (url: URL, options: VisitOptions) => Promise<Response>;

export const unguardedVisit: Visit = (url, options) => fetch(url, options);

/**
 * Asks hosts of the list only, and connects only to addresses that they may have: a name is judged again when it is resolved, at every
 * connection, so that whoever owns it cannot point it elsewhere after it was judged. A refusal is found by {@link refusalIn}.
 */
export function guardedVisit(hosts: HostRules): Visit {
  const agents = new Map<string, Agent>();
  return async (url, options) => {
    const rules = hosts(url.host);
    if (rules === undefined) throw new Refused('is not among the hosts that may be read from.');
    const address = url.hostname.replace(/^\[(.*)\]$/, '$1');
    // An address is connected to without being looked up.
    if (isIP(address) !== 0 && !allowsAddress(rules, address)) throw new Refused(leadsTo(address));
    const key = rules.join();
    const agent = agents.get(key) ?? new Agent({ connect: { lookup: guardedLookup(rules) } });
    agents.set(key, agent);
    return (await guardedFetch(url, { ...options, dispatcher: agent })) as unknown as Response;
  };
}

/** Why a request was not made, as the end of a sentence that begins with the host; undefined for any other failure. */
export function refusalIn(error: unknown): string | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) if (cause instanceof Refused) return cause.message;
  return undefined;
}

class Refused extends Error {
  override readonly name = 'Refused';
}

function leadsTo(...addresses: readonly string[]): string {
  return `is the address ${addresses.join(', ')}, which may not be read from: a host below a "*." of the list must have a public address, and none a loopback or link-local one.`;
}

function guardedLookup(rules: AddressRules): LookupFunction {
  return (hostname, options, callback) => {
    dns.lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, []);
      const allowed = found.filter(({ address }) => allowsAddress(rules, address));
      const [first] = allowed;
      if (first === undefined) return callback(new Refused(leadsTo(...found.map(({ address }) => address))), []);
      return options.all === true ? callback(null, allowed) : callback(null, first.address, first.family);
    });
  };
}
