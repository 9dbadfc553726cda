/** Which addresses a name may resolve to: whoever owns the name decides that, after it was judged. */

import { lookup as resolve } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type AddressRules, allowsAddress } from '../../models/addresses.ts';

/** Name resolution for sockets that fails where the name points to what may not be connected to. */
export function guardedLookup(rules: AddressRules): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, []);
      const allowed = found.filter(({ address }) => allowsAddress(rules, address));
      const [first] = allowed;
      if (first === undefined)
        return callback(
          new AddressRefused(
            hostname,
            found.map(({ address }) => address),
          ),
          [],
        );
      return options.all === true ? callback(null, allowed) : callback(null, first.address, first.family);
    });
  };
}

/** A name that resolves to addresses which may not be loaded. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
  readonly code = 'EADDRREFUSED';

  constructor(host: string, addresses: readonly string[]) {
    const said = addresses.length === 1 && addresses[0] === host ? host : `${host} is ${addresses.join(', ')}, which`;
    super(
      `${said} may not be loaded: it is none of the addresses that are allowed (--allow-addresses; of a ModelProfile spec.policy.targetHosts of the ServingPlatform)`,
    );
  }
}
