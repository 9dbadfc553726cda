import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority, issue } from '../../hack/controlplane/x509.ts';
import type { ServerTls } from './servers/unary-grpc.ts';

/** A certificate authority of nobody else's, as its file, and a server's certificate that it signed. */
export interface OwnAuthority extends ServerTls {
  readonly caFile: string;
}

/**
 * Makes an authority and a certificate for the given names, with the authority's file in a folder of the caller's.
 * @param hosts DNS names and IPv4 addresses
 */
export function ownAuthority(folder: string, hosts: readonly string[]): OwnAuthority {
  const commonName = `test authority of ${hosts.join(' ')}`;
  const authority = { commonName, ...createAuthority(commonName) };
  const caFile = join(folder, 'ca.crt');
  writeFileSync(caFile, authority.cert);
  return { caFile, ...issue(authority, { commonName: 'server', hosts }) };
}
