/** The keys of one instance: one authority, the API server's certificate, and a client certificate per component. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority, issue, type KeyPair, type Subject, signingKey } from './x509.ts';

const AUTHORITY = 'modelwright-controlplane';

/** Signs certificates for one instance and keeps their files. */
export class Pki {
  readonly caFile: string;
  readonly caKeyFile: string;
  readonly serviceAccountKeyFile: string;
  readonly serviceAccountPublicKeyFile: string;
  readonly #authority: KeyPair & { readonly commonName: string };
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
    this.#authority = { commonName: AUTHORITY, ...createAuthority(AUTHORITY) };
    this.caFile = this.#write('ca.crt', this.#authority.cert);
    this.caKeyFile = this.#write('ca.key', this.#authority.key);
    const { publicKey, privateKey } = signingKey();
    this.serviceAccountKeyFile = this.#write('service-account.key', privateKey);
    this.serviceAccountPublicKeyFile = this.#write('service-account.pub', publicKey);
  }

  get ca(): string {
    return this.#authority.cert;
  }

  /** A certificate on disk, as servers want theirs. */
  issueFiles(name: string, subject: Subject): { readonly certFile: string; readonly keyFile: string } {
    const { cert, key } = this.issue(subject);
    return { certFile: this.#write(`${name}.crt`, cert), keyFile: this.#write(`${name}.key`, key) };
  }

  issue(subject: Subject): KeyPair {
    return issue(this.#authority, subject);
  }

  #write(name: string, text: string): string {
    const file = join(this.#dir, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }
}
