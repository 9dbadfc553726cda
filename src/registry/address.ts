/**
 * Which addresses the operator may connect to when it asks a registry. It has a place in the cluster network that an author of models has not, so a name
 * that leads there is followed only if an administrator wrote it.
 */
import { lookup as lookupAll } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { RegistryError } from './error.ts';

/** `Never`: no registry has such an address, and cloud metadata services do. `Private`: only where an administrator named the registry. */
export type AddressClass = 'Public' | 'Private' | 'Never';

const never = blocks([
  ['0.0.0.0', 8, 'ipv4'], // "this host": Linux connects to loopback
  ['169.254.0.0', 16, 'ipv4'], // link-local: metadata services
  ['224.0.0.0', 3, 'ipv4'], // multicast, reserved and broadcast
  ['::', 128, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
]);
const notPublic = blocks([
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'], // shared address space (RFC 6598)
  ['127.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['::1', 128, 'ipv6'],
  ['64:ff9b::', 96, 'ipv6'], // NAT64, 6to4 and Teredo hold IPv4 addresses
  ['64:ff9b:1::', 48, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['2001::', 32, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fec0::', 10, 'ipv6'],
]);

function blocks(entries: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix, family] of entries) list.addSubnet(network, prefix, family);
  return list;
}

/** What kind of address this is, IPv4 or IPv6, with or without a zone. An IPv4 address inside an IPv6 one counts as itself. */
export function classOf(address: string): AddressClass {
  const bare = address.replace(/%.*$/, '');
  const embedded = embeddedIPv4(bare);
  if (embedded !== undefined) return classOf(embedded);
  const family = isIP(bare) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(bare) === 0 || never.check(bare, family)) return 'Never';
  return notPublic.check(bare, family) ? 'Private' : 'Public';
}

/** `::ffff:a.b.c.d` and the deprecated `::a.b.c.d`, in every spelling. */
function embeddedIPv4(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const hex = /^::(?:ffff:)?([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text);
  if (hex === null) return undefined;
  const [high, low] = [Number.parseInt(hex[1] ?? '', 16), Number.parseInt(hex[2] ?? '', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

export function isPermitted(address: string, mayBePrivate: boolean): boolean {
  const kind = classOf(address);
  return kind === 'Public' || (kind === 'Private' && mayBePrivate);
}

export function isLoopbackName(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

export function refusal(host: string): RegistryError {
  return new RegistryError(
    'HostRefused',
    `${host} has a private, loopback or link-local address; an administrator has to name the registry in spec.registries of the ServingPlatform (a link-local address is never asked)`,
  );
}

/** A `lookup` for sockets that gives only permitted addresses: what was judged is what is connected to, whatever DNS says a moment later. */
export function guardedLookup(mayBePrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookupAll(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const permitted = addresses.filter(({ address }) => isPermitted(address, mayBePrivate));
      const [first] = permitted;
      if (first === undefined) return callback(refusal(hostname), '', 0);
      if (options.all) return callback(null, permitted);
      callback(null, first.address, first.family);
    });
  };
}
