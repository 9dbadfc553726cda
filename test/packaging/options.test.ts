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
