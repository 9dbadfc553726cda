/**
 * X.509 certificates by Node's own crypto: a small DER writer (ITU-T X.690) and the fields of RFC 5280 that
 * kube-apiserver, its clients and admission webhooks look at. Only for the local control plane: P-256 keys, no revocation.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** A certificate with its private key, both PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Who a certificate names, and what it may be used for. */
export interface Subject {
  readonly commonName: string;
  /** Kubernetes reads these as the user's groups. */
  readonly organizations?: readonly string[];
  /** DNS names and IPv4 addresses; any given makes it a server certificate, none a client certificate. */
  readonly hosts?: readonly string[];
}

/** A certificate authority that signs itself, valid for `days`. */
export function createAuthority(commonName: string, days = 30): KeyPair {
  const { publicKey, privateKey } = newKey();
  const extensions = [
    extension('2.5.29.19', sequence(tagged(0x01, Buffer.from([0xff]))), true),
    extension('2.5.29.15', keyUsage(0x06), true), // keyCertSign, cRLSign
  ];
  const name = distinguishedName({ commonName });
  return certificate({ issuer: name, subject: name, publicKey, signer: privateKey, extensions, days, privateKey });
}

/** A certificate for `subject` signed by `authority`, valid for `days`. */
export function issue(authority: KeyPair & { readonly commonName: string }, subject: Subject, days = 30): KeyPair {
  const { publicKey, privateKey } = newKey();
  const hosts = subject.hosts ?? [];
  const extensions = [
    extension('2.5.29.15', keyUsage(0x80), true), // digitalSignature
    extension('2.5.29.37', sequence(objectIdentifier(hosts.length > 0 ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2'))),
  ];
  if (hosts.length > 0) extensions.push(extension('2.5.29.17', sequence(...hosts.map(generalName))));
  return certificate({
    issuer: distinguishedName({ commonName: authority.commonName }),
    subject: distinguishedName(subject),
    publicKey,
    signer: createPrivateKey(authority.key),
    extensions,
    days,
    privateKey,
  });
}

/** A P-256 key pair for service-account tokens (ES256), PEM. */
export function signingKey(): { readonly publicKey: string; readonly privateKey: string } {
  const { publicKey, privateKey } = newKey();
  return { publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(), privateKey: pemKey(privateKey) };
}

interface Draft {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly days: number;
}

function certificate(draft: Draft): KeyPair {
  // Five minutes into the past, for clients whose clock differs a little.
  const from = new Date(Date.now() - 300_000);
  const until = new Date(from.getTime() + draft.days * 86_400_000);
  const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))), // version 3
    tagged(0x02, serial()),
    ecdsaWithSha256,
    draft.issuer,
    sequence(utcTime(from), utcTime(until)),
    draft.subject,
    draft.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...draft.extensions)),
  );
  const signature = bitString(sign('sha256', body, draft.signer));
  const base64 = sequence(body, ecdsaWithSha256, signature).toString('base64');
  const cert = `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`;
  return { cert, key: pemKey(draft.privateKey) };
}

function newKey() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function pemKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function tagged(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.from(body.length.toString(16).padStart(body.length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
}

function sequence(...content: readonly Buffer[]): Buffer {
  return tagged(0x30, ...content);
}

function bitString(content: Buffer): Buffer {
  return tagged(0x03, Buffer.from([0]), content);
}

function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) bytes.unshift((left & 0x7f) | 0x80);
  return bytes;
}

function serial(): Buffer {
  const bytes = randomBytes(16);
  // Positive and without a leading zero byte, as DER wants an INTEGER.
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function utcTime(date: Date): Buffer {
  return tagged(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`));
}

function distinguishedName({ commonName, organizations = [] }: Subject): Buffer {
  const attribute = (oid: string, value: string) => tagged(0x31, sequence(objectIdentifier(oid), tagged(0x0c, Buffer.from(value))));
  return sequence(...organizations.map((value) => attribute('2.5.4.10', value)), attribute('2.5.4.3', commonName));
}

function extension(oid: string, value: Buffer, critical = false): Buffer {
  const flag = critical ? [tagged(0x01, Buffer.from([0xff]))] : [];
  return sequence(objectIdentifier(oid), ...flag, tagged(0x04, value));
}

function keyUsage(bits: number): Buffer {
  const unused = Math.log2(bits & -bits);
  return tagged(0x03, Buffer.from([unused, bits]));
}

function generalName(host: string): Buffer {
  return isIPv4(host) ? tagged(0x87, Buffer.from(host.split('.').map(Number))) : tagged(0x82, Buffer.from(host));
}
