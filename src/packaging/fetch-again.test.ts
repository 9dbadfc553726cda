import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { PackagingError } from './errors.ts';
import { fetchAgain } from './fetch-again.ts';
import { writePackageFile } from './package-file.ts';
import { listSource } from './source-folder.ts';

const options = {
  settings: async () => undefined,
  retry: { attempts: 1, delayMilliseconds: 1, maxDelayMilliseconds: 1, timeoutMilliseconds: 10_000 },
};

describe('fetching over a volume that was filled before', () => {
  let work: string;
  let server: Server;
  let asked = 0;
  let target: string;
  const packages = new Map<string, Buffer>();

  /** Packs one file, and gives the address of its package. */
  async function offer(name: string, content: string): Promise<string> {
    const folder = join(work, name);
    await mkdir(join(folder, 'sub'), { recursive: true });
    await writeFile(join(folder, 'model.joblib'), content);
    await writeFile(join(folder, 'sub/labels.txt'), `labels of ${name}`);
    const { path, manifest } = await writePackageFile(await listSource(folder), join(work, `${name}.zip`), undefined);
    packages.set(`/models/${manifest.sha256}/model.zip`, await readFile(path));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/${manifest.sha256}`;
  }

  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'modelwright-again-'));
    server = createServer((request, response) => {
      asked++;
      const found = packages.get(request.url?.replace(/\?.*$/, '') ?? '');
      if (found === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': 'application/zip', 'content-length': found.length }).end(found);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(async () => {
    server.close();
    server.closeAllConnections();
    await rm(work, { recursive: true, force: true });
  });
  beforeEach(async () => {
    target = await mkdtemp(join(work, 'target-'));
    asked = 0;
  });
  afterEach(() => packages.clear());

  const model = () => readFile(join(target, 'model.joblib'), 'utf8');

  it('asks nobody when the same model is there, whatever signature the address has by now', async () => {
    const uri = await offer('iris', 'a model');
    const first = await fetchAgain(`${uri}?sig=one`, target, options);
    assert.deepEqual([first.again, first.files, first.verified, await model()], [false, 2, true, 'a model']);
    const before = asked;
    packages.clear();
    assert.deepEqual(await fetchAgain(`${uri}?sig=two`, target, options), { ...first, again: true });
    assert.equal(asked, before);
  });

  it('leaves nothing beside the model but its receipt', async () => {
    await fetchAgain(await offer('iris', 'a model'), target, options);
    assert.deepEqual((await readdir(target)).sort(), ['.modelwright-fetched', 'model.joblib', 'sub']);
  });

  for (const [what, damage] of [
    ['is shorter', () => truncate(join(target, 'model.joblib'), 3)],
    ['is missing', () => rm(join(target, 'sub/labels.txt'))],
    ['has a receipt that cannot be read', () => writeFile(join(target, '.modelwright-fetched'), '{"format":')],
    ['has a receipt of another kind', () => writeFile(join(target, '.modelwright-fetched'), '{"format": "other"}')],
  ] as const) {
    it(`fetches anew what ${what}`, async () => {
      const uri = await offer('iris', 'a model');
      await fetchAgain(uri, target, options);
      await damage();
      const { again } = await fetchAgain(uri, target, options);
      assert.deepEqual(
        [again, await model(), await readFile(join(target, 'sub/labels.txt'), 'utf8')],
        [false, 'a model', 'labels of iris'],
      );
      assert.equal((await fetchAgain(uri, target, options)).again, true);
    });
  }

  it('replaces another model, and leaves none of it', async () => {
    await fetchAgain(await offer('iris', 'a model'), target, options);
    await writeFile(join(target, 'left.txt'), '');
    assert.equal((await fetchAgain(await offer('other', 'another'), target, options)).again, false);
    assert.deepEqual([(await readdir(target)).sort(), await model()], [['.modelwright-fetched', 'model.joblib', 'sub'], 'another']);
  });

  it('does not look into the folder that a file system has of its own', async () => {
    await mkdir(join(target, 'lost+found'), { mode: 0 });
    const uri = await offer('iris', 'a model');
    await fetchAgain(uri, target, options);
    assert.equal((await fetchAgain(await offer('other', 'another'), target, options)).again, false);
    assert.deepEqual((await readdir(target)).sort(), ['.modelwright-fetched', 'lost+found', 'model.joblib', 'sub']);
  });

  it('does not touch what it did not bring', async () => {
    await writeFile(join(target, 'precious'), '');
    await assert.rejects(
      fetchAgain(await offer('iris', 'a model'), target, options),
      (error) => error instanceof PackagingError && error.code === 'TargetNotEmpty',
    );
    assert.deepEqual(await readdir(target), ['precious']);
  });

  it('leaves no receipt of a fetch that failed', async () => {
    const uri = await offer('iris', 'a model');
    packages.clear();
    await assert.rejects(fetchAgain(uri, target, options), PackagingError);
    assert.deepEqual(await readdir(target), []);
  });
});
