import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerTls } from './servers/unary-grpc.ts';

/** A certificate authority of nobody else's, as its file, and a server's certificate that it signed. */
export interface OwnAuthority extends ServerTls {
  readonly caFile: string;
}

/**
 * Makes an authority and a certificate for the given names with openssl, in a folder of the caller's; undefined where openssl is not installed.
 *
 * @param names as in `subjectAltName`: `DNS:localhost`, `IP:127.0.0.1`
 */
export function ownAuthority(folder: string, names: readonly string[]): OwnAuthority | undefined {
  const file = (name: string) => join(folder, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  try {
    openssl('req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=test authority', '-keyout', file('ca.key'), '-out', file('ca.crt'));
    openssl('req', ...newKey, '-subj', '/CN=server', '-keyout', file('server.key'), '-out', file('server.csr'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  writeFileSync(file('names'), `subjectAltName=${names.join(',')}\n`);
  const signed = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', file('names')];
  openssl('x509', '-req', '-in', file('server.csr'), ...signed, '-out', file('server.crt'));
  return { caFile: file('ca.crt'), key: readFileSync(file('server.key'), 'utf8'), cert: readFileSync(file('server.crt'), 'utf8') };
}
