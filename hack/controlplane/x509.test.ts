import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { createAuthority, issue, signingKey } from './x509.ts';

const authority = { commonName: 'test-ca', ...createAuthority('test-ca') };

test('an authority signs itself and may sign others', () => {
  const ca = new X509Certificate(authority.cert);
  assert.equal(ca.ca, true);
  assert.equal(ca.subject, 'CN=test-ca');
  assert.ok(ca.verify(ca.publicKey));
  assert.ok(ca.checkPrivateKey(createPrivateKey(authority.key)));
});

test('a server certificate names its hosts and its authority', () => {
  const pair = issue(authority, { commonName: 'kube-apiserver', hosts: ['localhost', '127.0.0.1', 'kubernetes.default.svc'] });
  const cert = new X509Certificate(pair.cert);
  assert.ok(cert.checkIssued(new X509Certificate(authority.cert)));
  assert.equal(cert.checkHost('kubernetes.default.svc'), 'kubernetes.default.svc');
  assert.equal(cert.checkIP('127.0.0.1'), '127.0.0.1');
  assert.equal(cert.checkHost('example.com'), undefined);
  assert.deepEqual(cert.keyUsage, ['1.3.6.1.5.5.7.3.1']);
});

test('a client certificate carries user and groups in Kubernetes’ order', () => {
  const cert = new X509Certificate(issue(authority, { commonName: 'admin', organizations: ['system:masters'] }).cert);
  assert.equal(cert.subject, 'O=system:masters\nCN=admin');
  assert.deepEqual(cert.keyUsage, ['1.3.6.1.5.5.7.3.2']);
});

test('a TLS server and a client with such certificates accept each other', async () => {
  const server = issue(authority, { commonName: 'server', hosts: ['localhost'] });
  const client = issue(authority, { commonName: 'client' });
  const listener = createServer({ ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: true }, (socket) =>
    socket.end(String(socket.getPeerCertificate().subject.CN)),
  );
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const { port } = listener.address() as AddressInfo;
  const socket = connect({ ...client, ca: authority.cert, host: '127.0.0.1', servername: 'localhost', port });
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  listener.close();
  assert.equal(Buffer.concat(chunks).toString(), 'client');
});

test('a token-signing key is a P-256 pair', () => {
  assert.equal(createPrivateKey(signingKey().privateKey).asymmetricKeyDetails?.namedCurve, 'prime256v1');
});
