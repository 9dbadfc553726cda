/** Which IP addresses may be connected to: the one rule for whatever follows a name that somebody else owns. */
import { BlockList, isIP } from 'node:net';

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
