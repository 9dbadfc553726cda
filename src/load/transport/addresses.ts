/** Which addresses a name may resolve to: whoever owns the name decides that, after it was judged. */

import { lookup as resolve } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/**
 * What may be connected to: `public`, `private` (RFC 1918, unique local, shared address space), single addresses and ranges as `10.0.0.0/8`.
 * Loopback, link-local, multicast and unspecified addresses are neither public nor private: they must be listed themselves.
 */
export type AddressRules = readonly string[];

const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'];
/** Special-purpose address registries of IANA, as far as nothing of the public network is there. */
const specialRanges = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '198.18.0.0/15',
  '224.0.0.0/3',
  '::/127',
  '64:ff9b::/96',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
];

const privateAddresses = listOf(privateRanges);
const specialAddresses = listOf(specialRanges);

/** Whether `address`, an IP address, may be connected to. */
export function allowsAddress(rules: AddressRules, address: string): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(address) === 0) return false;
  if (listOf(rules.filter(isAddressRange)).check(address, family)) return true;
  if (specialAddresses.check(address, family)) return false;
  return rules.includes(privateAddresses.check(address, family) ? 'private' : 'public');
}

/** An address, or a range of them as `10.0.0.0/8`. */
export function isAddressRange(text: string): boolean {
  const [address = '', bits] = text.split('/');
  const family = isIP(address);
  return family !== 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32)));
}

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
    super(`${said} may not be loaded: ask for the address in spec.policy.targetHosts of the ServingPlatform`);
  }
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
