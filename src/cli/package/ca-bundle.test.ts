import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { createAuthority, issue } from '../../../hack/controlplane/x509.ts';
import { Failure } from '../failure.ts';
import { trustBundleOfKServe } from './ca-bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'modelwright-bundle-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const variables = { CA_BUNDLE_CONFIGMAP_NAME: 'global-ca-bundle', CA_BUNDLE_VOLUME_MOUNT_POINT: folder };
const one = { commonName: 'one', ...createAuthority('one') };
const two = { commonName: 'two', ...createAuthority('two') };

/** Asks a TLS server of `authority` in a process of its own, since what a process trusts cannot be taken back. */
function asked(authority: typeof one, env: Record<string, string>): string {
  const { cert, key } = issue(authority, { commonName: 'blob', hosts: ['127.0.0.1'] });
  const program = `
    import https from 'node:https';
    import { trustBundleOfKServe } from ${JSON.stringify(join(import.meta.dirname, 'ca-bundle.ts'))};
    const server = https.createServer(${JSON.stringify({ cert, key })}, (_, answer) => answer.end('served')).listen(0, '127.0.0.1', async () => {
      trustBundleOfKServe();
      const url = 'https://127.0.0.1:' + server.address().port;
      const byFetch = fetch(url).then((answer) => answer.text(), (error) => error.cause.code);
      const byHttps = new Promise((done) => https.get(url, (answer) => answer.setEncoding('utf8').on('data', done)).on('error', (error) => done(error.code)));
      console.log((await byFetch) + ' ' + (await byHttps));
      process.exit();
    });`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  }).trim();
}

describe("the CA bundle of KServe's administrator", () => {
  it('is trusted, each authority in it', () => {
    writeFileSync(join(folder, 'cabundle.crt'), `# ours\n${one.cert}\n${two.cert}`);
    for (const authority of [one, two]) assert.equal(asked(authority, variables), 'served served');
  });

  it('is not asked for where KServe mounts none', () => {
    assert.equal(asked(one, {}), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    assert.equal(asked(one, { CA_BUNDLE_VOLUME_MOUNT_POINT: folder }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });

  for (const [what, content] of [
    ['has no certificate', 'not a certificate'],
    ['has a broken one', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
  ] as const) {
    it(`is refused when it ${what}`, () => {
      writeFileSync(join(folder, 'cabundle.crt'), content);
      assert.throws(
        () => trustBundleOfKServe(variables),
        (error) => error instanceof Failure && /global-ca-bundle/.test(error.message),
      );
    });
  }

  it('is refused when it is not there', () => {
    rmSync(join(folder, 'cabundle.crt'), { force: true });
    assert.throws(() => trustBundleOfKServe(variables), /cabundle\.crt, cannot be used/);
  });
});
