/** Options of the commands that reach the network: a folder within a repository, and headers for a host. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { writePackageFile } from '../../src/packaging/package-file.ts';
import { listSource } from '../../src/packaging/source-folder.ts';
import { type Azure, account, hosts, startAzure } from './support/azure.ts';

const main = resolve(import.meta.dirname, '../../src/cli/main.ts');

describe('options that reach the network', { timeout: 180_000 }, () => {
  let azure: Azure;
  let work: string;
  let zip: { readonly path: string; readonly sha256: string; readonly bytes: Buffer };

  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    promisify(execFile)(process.execPath, [main, ...args], { env: { ...azure.environment(), ...env } });

  before(async () => {
    azure = await startAzure();
    await azure.container('models').create();
    work = await mkdtemp(join(tmpdir(), 'modelwright-options-'));
    await mkdir(join(work, 'iris'));
    await writeFile(join(work, 'iris/model.joblib'), Buffer.from([0x80, 2, 0x7d, 0x2e]));
    const path = join(work, 'iris.zip');
    const { manifest } = await writePackageFile(await listSource(join(work, 'iris')), path, undefined);
    zip = { path, sha256: manifest.sha256, bytes: await readFile(path) };
  });
  after(async () => {
    await azure?.[Symbol.asyncDispose]();
    await rm(work, { recursive: true, force: true });
  });

  it('push --folder puts the package into a folder of the repository, manifest and all', async () => {
    const args = ['push', join(work, 'iris'), '--to', `az://${account}/models/packages`, '--folder', 'cv-models'];
    const { stdout } = await run(args, { AZURE_STORAGE_KEY: azure.key });
    assert.equal(stdout.trim(), `https://${hosts.Public}/models/packages/cv-models/${zip.sha256}`);
    const names: string[] = [];
    for await (const { name } of azure.container('models').listBlobsFlat({ prefix: 'packages/cv-models/' })) names.push(name);
    assert.deepEqual(
      names.sort(),
      [`packages/cv-models/${zip.sha256}/model.zip`, `packages/cv-models/_manifests/${zip.sha256}.json`].sort(),
    );
  });

  it('pull, inspect and lint find an az:// address in the cloud that is named', async () => {
    const env = { AZURE_STORAGE_KEY: azure.key };
    const asked = new Set<string>();
    azure.misbehave = ({ headers }) => {
      asked.add(headers.host ?? '');
      return false;
    };
    try {
      await run(['push', join(work, 'iris'), '--to', `az://${account}/models/packages`], env);
      const address = `az://${account}/models/packages/${zip.sha256}`;
      for (const [cloud, host] of Object.entries(hosts)) {
        const output = join(work, `pulled-${cloud}.zip`);
        for (const args of [
          ['pull', address, '-o', output],
          ['inspect', address],
          ['lint', address, '--runtime', 'SKLearn'],
        ]) {
          asked.clear();
          // What lint finds wrong, as a private blob outside of windows.net, is not the question here.
          await run([...args, '--cloud', cloud.toLowerCase()], env).catch((error: Error) => {
            if (args[0] !== 'lint' || !/the model would not be served/.test(error.message)) throw error;
          });
          assert.deepEqual([...asked], [host], args[0]);
        }
        assert.deepEqual(await readFile(output), zip.bytes);
      }
      await assert.rejects(
        run(['pull', address, '--cloud', 'Mars'], env),
        /--cloud: there is no cloud "Mars"; write Public, China or USGovernment/,
      );
    } finally {
      azure.misbehave = undefined;
    }
  });

  it('--limit and MODELWRIGHT_LIMITS set the caps on archives, and what stands behind them is not swallowed', async () => {
    for (const command of [['inspect'], ['pull', '-o', join(work, 'never.zip'), '--extract', join(work, 'never')]]) {
      const target = command[0] === 'inspect' ? zip.path : `https://${hosts.Public}/models/packages/${zip.sha256}`;
      const env = { AZURE_STORAGE_KEY: azure.key };
      await assert.rejects(run([...command, '--limit', 'size=10', target], env), /at most 10 are accepted/);
      await assert.rejects(run([...command, target], { ...env, MODELWRIGHT_LIMITS: 'ratio=300, size=10' }), /at most 10 are accepted/);
    }
    await run(['inspect', '--limit', 'size=1Gi', zip.path], { MODELWRIGHT_LIMITS: 'size=10' });
    await assert.rejects(run(['package', '--limit', 'size=1', join(work, 'iris')]), /has 4 bytes; a package has at most 1/);
    await assert.rejects(run(['inspect', '--limit', 'sise=1Gi', zip.path]), /"sise=1Gi" is no limit of archives: write size=200Gi/);
  });

  it('push --folder cannot lead out of the repository', async () => {
    const args = ['push', join(work, 'iris'), '--to', `az://${account}/models/packages`, '--folder', '../others'];
    await assert.rejects(run(args, { AZURE_STORAGE_KEY: azure.key }), /a prefix has letters, digits/);
  });

  describe('headers for a host', () => {
    const asked: { readonly host: string; readonly headers: IncomingMessage['headers'] }[] = [];
    const servers: Server[] = [];
    const port = () => {
      const address = servers[0]?.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    };
    before(async () => {
      for (const host of ['127.0.0.1', '127.0.0.2']) {
        const server = createServer((request, response) => {
          asked.push({ host, headers: request.headers });
          if (request.url === '/moved.zip') return response.writeHead(302, { location: `http://127.0.0.2:${port()}/model.zip` }).end();
          if (host === '127.0.0.1' && request.headers['x-token'] !== 'abc') return response.writeHead(401).end();
          return response.writeHead(200, { 'content-type': 'application/zip', 'content-length': zip.bytes.length }).end(zip.bytes);
        });
        await new Promise<void>((done) => server.listen(host === '127.0.0.1' ? 0 : port(), host, done));
        servers.push(server);
      }
    });
    after(() => {
      for (const server of servers) server.close();
    });
    const headers = { '127.0.0.1-headers': JSON.stringify({ 'x-token': 'abc' }) };
    const fetched = (name: string, path: string, env: NodeJS.ProcessEnv) =>
      run(['fetch', `http://127.0.0.1:${port()}${path}`, join(work, name), '--termination-log', join(work, `${name}.log`)], env);

    it('are sent, as KServe takes them: a variable of the name HOST-headers', async () => {
      await assert.rejects(fetched('without', '/model.zip', {}), /access denied \(status 401\)/);
      await fetched('with', '/model.zip', headers);
      assert.deepEqual(await readFile(join(work, 'with/model.joblib')), Buffer.from([0x80, 2, 0x7d, 0x2e]));
    });

    it("are taken from a folder as well, in the shape of KServe's Secrets", async () => {
      const folder = join(work, 'headers-secret');
      await mkdir(folder);
      await writeFile(join(folder, 'https-host'), '127.0.0.1');
      await writeFile(join(folder, 'headers'), '{"x-token": "abc"}');
      const url = `http://127.0.0.1:${port()}/model.zip`;
      const { stdout } = await run(['inspect', url, '--credentials', folder, '--verify']).catch((error: Error) => ({
        stdout: error.message,
      }));
      // This server sends whole files only, which is told after the headers were right.
      assert.match(stdout, /sends no parts of the file/);
      const target = join(work, 'by-secret');
      await run(['fetch', url, target, '--credentials', folder, '--termination-log', join(work, 'by-secret.log')]);
      assert.deepEqual(await readFile(join(target, 'model.joblib')), Buffer.from([0x80, 2, 0x7d, 0x2e]));
      assert.match(await readFile(join(work, 'by-secret.log'), 'utf8'), /^\{"seconds":.*"files":1/);
    });

    it('do not follow a redirect to another host', async () => {
      asked.length = 0;
      await fetched('moved', '/moved.zip', headers);
      const there = asked.filter(({ host }) => host === '127.0.0.2');
      assert.ok(there.length > 0);
      assert.ok(there.every((one) => one.headers['x-token'] === undefined));
      assert.ok(asked.some((one) => one.host === '127.0.0.1' && one.headers['x-token'] === 'abc'));
    });
  });
});
