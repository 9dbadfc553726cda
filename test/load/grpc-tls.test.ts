/** gRPC over TLS with a certificate authority of one's own, for both protocols. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bench, benchReport } from './bench.ts';
import { type OwnAuthority, ownAuthority } from './certificate.ts';
import { startGrpcV2Protocol } from './servers/grpc-v2-protocol.ts';
import { startTfServingProtocol } from './servers/tfserving-protocol.ts';
import type { ServerTls } from './servers/unary-grpc.ts';

interface Served extends AsyncDisposable {
  readonly url: string;
}

const protocols: Readonly<Record<'grpc-v2' | 'grpc-tfserving', (tls: ServerTls) => Promise<Served>>> = {
  'grpc-v2': async (tls) => {
    const server = await startGrpcV2Protocol(tls);
    return { url: `grpcs://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
  'grpc-tfserving': async (tls) => {
    const server = await startTfServingProtocol({ tls });
    return { url: server.grpc, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
};

describe('gRPC over TLS', () => {
  let folder: string;
  let authority: OwnAuthority;
  let elsewhere: OwnAuthority;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelwright-tls-'));
    authority = ownAuthority(mkdtempSync(join(folder, 'own-')), ['127.0.0.1', 'models.example.com']);
    elsewhere = ownAuthority(mkdtempSync(join(folder, 'other-')), ['other.example.com']);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [protocol, start] of Object.entries(protocols)) {
    const flags = ['--protocol', protocol, '--model', 'sum'];

    it(`${protocol}: measured with the CA, payload from the server's signature`, async () => {
      await using server = await start(authority);
      const measured = [...flags, '--batch', '1,4', '--concurrency', '2', '--requests', '40', '--no-repeat-first', '--check-every', '1'];
      const report = await benchReport([server.url, ...measured, '--ca-file', authority.caFile]);
      assert.match(report.target.url, /^https:\/\/127\.0\.0\.1:\d+$/);
      assert.deepEqual(report.points.map(({ batchSize }) => batchSize).sort(), [1, 4]);
      for (const point of report.points) assert.equal(point.succeeded, point.requests, point.errorExamples.join());
    });

    it(`${protocol}: refused without the CA, with another one, and for another name; accepted unseen with --insecure`, async () => {
      await using server = await start(authority);
      const refusals: readonly (readonly [readonly string[], RegExp])[] = [
        [[], /unable to (get local issuer|verify the first) certificate/],
        [['--ca-file', elsewhere.caFile], /unable to (get local issuer|verify the first) certificate/],
        [['--ca-file', authority.caFile, '--host-header', 'other.example.com'], /altnames|Hostname/i],
      ];
      for (const [more, said] of refusals) {
        const { code, stderr } = await bench([server.url, ...flags, ...more]);
        assert.match(stderr, said);
        assert.equal(code, 3, stderr);
      }
      for (const more of [['--insecure'], ['--ca-file', authority.caFile, '--host-header', 'models.example.com']]) {
        const report = await benchReport([server.url, ...flags, '--requests', '30', ...more]);
        assert.equal(report.points[0]?.succeeded, report.points[0]?.requests);
      }
    });
  }
});
