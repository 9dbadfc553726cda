/**
 * Addresses by which a load pod might be sent where its author may not go: spellings of loopback, of the metadata service of clouds and of the
 * cluster's network, as target URLs. What the CRD and the policy let through is connected to for real, with the guard of the load generator; a
 * server on loopback counts who comes.
 */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { targetSchema } from '../../../src/api/model-profile/target.ts';
import { judgeUrl } from '../../../src/controllers/profile/target/url-policy.ts';
import { guardedLookup } from '../../../src/load/transport/addresses.ts';

/** What an administrator may have listed: a host, hosts below a domain, a range of the data centre. */
const targetHosts = ['models.example', 'gateway.example:8443', '*.apps.example', '10.8.0.0/16'];
const pattern = new RegExp((targetSchema as unknown as { properties: { url: { pattern: string } } }).properties.url.pattern);

/** PORT is that of the server that counts. */
const forms: readonly string[] = [
  // Loopback, in every spelling that a URL parser or a C library takes.
  'http://127.0.0.1:PORT',
  'http://127.1:PORT',
  'http://127.0.1:PORT',
  'http://2130706433:PORT',
  'http://0x7f000001:PORT',
  'http://0x7f.0.0.1:PORT',
  'http://0177.0.0.1:PORT',
  'http://017700000001:PORT',
  'http://0x7f.1:PORT',
  'http://127.000.000.001:PORT',
  'http://127.0.0.1.:PORT',
  'http://127.255.255.254:PORT',
  'http://0:PORT',
  'http://0.0.0.0:PORT',
  'http://localhost:PORT',
  'http://LOCALHOST:PORT',
  'http://localhost.:PORT',
  'http://localhost.localdomain:PORT',
  'http://ip6-localhost:PORT',
  'http://[::1]:PORT',
  'http://[0:0:0:0:0:0:0:1]:PORT',
  'http://[::]:PORT',
  'http://[::ffff:127.0.0.1]:PORT',
  'http://[::ffff:7f00:1]:PORT',
  'http://[::127.0.0.1]:PORT',
  'http://[64:ff9b::7f00:1]:PORT',
  'http://[fe80::1]:PORT',
  'http://①②⑦.⓪.⓪.①:PORT',
  'http://１２７.０.０.１:PORT',
  'http://127。0。0。1:PORT',
  'http://%31%32%37.0.0.1:PORT',
  // Beside what is listed.
  'http://models.example@127.0.0.1:PORT',
  'http://models.example:80@127.0.0.1:PORT',
  'http://127.0.0.1:PORT#@models.example',
  'http://127.0.0.1:PORT?models.example',
  'http://127.0.0.1:PORT\\@models.example',
  'http://models.example\\@127.0.0.1:PORT',
  'http://127.0.0.1:PORT/models.example',
  'http://models.example.127.0.0.1:PORT',
  'http://models.example.evil.example:PORT',
  'http://evilmodels.example:PORT',
  'http://xmodels.example:PORT',
  'http://apps.example.evil.example:PORT',
  'http://evilapps.example:PORT',
  'http://.apps.example:PORT',
  'http://apps.example:PORT',
  'http://gateway.example:PORT',
  'http://gateway.example',
  'http://10.9.0.1:PORT',
  'http://10.7.255.255:PORT',
  'http://[::ffff:10.9.0.1]:PORT',
  'http://0xa090001:PORT',
  // Where clouds and clusters keep what is not for tenants.
  'http://169.254.169.254/latest/meta-data/',
  'http://169.254.169.254./latest/',
  'http://0xa9fea9fe/latest/',
  'http://2852039166/latest/',
  'http://0251.0376.0251.0376/latest/',
  'http://[::ffff:169.254.169.254]/latest/',
  'http://[::ffff:a9fe:a9fe]/latest/',
  'http://[fd00:ec2::254]/latest/',
  'http://metadata.google.internal/computeMetadata/v1/',
  'http://metadata/computeMetadata/v1/',
  'http://100.100.100.200/latest/',
  'http://168.63.129.16/machine',
  'http://kubernetes.default.svc/api/v1/secrets',
  'http://kubernetes.default.svc.cluster.local/api',
  'http://10.96.0.1/api',
  'http://iris.team-b.svc.cluster.local/v1/models',
  'http://127.0.0.1:10250/pods',
  // Not the web.
  'file:///etc/passwd',
  'ftp://models.example/x',
  'gopher://127.0.0.1:PORT/_x',
  'unix:///run/containerd/containerd.sock',
  'http:127.0.0.1:PORT',
  'http:///127.0.0.1:PORT',
  '//127.0.0.1:PORT',
  'models.example:PORT',
  'http://',
  '',
];

describe('a target URL', () => {
  let server: Server;
  let port: number;
  let visits = 0;
  before(async () => {
    server = createServer((_, response) => response.end()).on('connection', () => {
      visits += 1;
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    ({ port } = server.address() as AddressInfo);
  });
  after(() => server.close());

  for (const form of forms) {
    it(`${form === '' ? '(nothing)' : form} leads nowhere`, async () => {
      const url = form.replaceAll('PORT', String(port));
      const verdict = pattern.test(url) ? judgeUrl(url, targetHosts) : undefined;
      if (verdict?.allowed) await assert.rejects(visit(url, verdict.addresses));
      else assert.ok(verdict === undefined || verdict.message.length > 0);
      assert.equal(visits, 0);
    });
  }

  it('of a name that was allowed and points to loopback is not connected to, however late that is found out', async () => {
    // As if localhost stood for a listed name whose owner turned it.
    for (const addresses of [['public'], ['public', 'private'], ['public', 'private', '10.8.0.0/16']]) {
      await assert.rejects(visit(`http://localhost:${port}`, addresses), /may not be loaded/);
    }
    assert.equal(visits, 0);
  });

  it('of a listed host or range is allowed, and the counter counts', async () => {
    assert.equal(judgeUrl('http://models.example:8000', targetHosts).allowed, true);
    assert.equal(judgeUrl('https://gateway.example:8443', targetHosts).allowed, true);
    assert.equal(judgeUrl('http://iris.apps.example', targetHosts).allowed, true);
    assert.equal(judgeUrl('http://10.8.1.2', targetHosts).allowed, true);
    await visit(`http://127.0.0.1:${port}`, ['127.0.0.1']);
    await visit(`http://localhost:${port}`, ['127.0.0.1', '::1']);
    assert.equal(visits, 2);
  });

  it('is tried in more than 75 forms', () => assert.ok(forms.length > 75));
});

/** Opens a connection as the load generator does. */
function visit(url: string, addresses: readonly string[]): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((done, fail) => {
    const socket = connect({ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || 80), lookup: guardedLookup(addresses) });
    socket.once('connect', () => {
      socket.destroy();
      // The server counts a connection when it accepts it.
      setImmediate(() => setImmediate(done));
    });
    socket.once('error', fail);
  });
}
