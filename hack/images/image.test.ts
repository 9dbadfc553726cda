import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fromFolder } from './entries.ts';
import { makeImage, writeArchive } from './image.ts';
import { cachedLayer, writeLayer } from './layer.ts';
import { partsOf, publish } from './publish.ts';

const work = mkdtempSync(join(tmpdir(), 'modelwright-images-'));
after(() => rmSync(work, { recursive: true, force: true }));

const run = { Entrypoint: ['/program'], User: '65532:65532' };

/** A folder with a program, made in another order each time. */
function sample(name: string, files: readonly string[]): string {
  const folder = join(work, name);
  mkdirSync(join(folder, 'sub'), { recursive: true });
  for (const file of files) writeFileSync(join(folder, file), file, { mode: file === 'program' ? 0o4750 : 0o600 });
  symlinkSync('program', join(folder, 'link'));
  return folder;
}

async function build(name: string, files: readonly string[], gzip: boolean) {
  const root = join(work, `cache-${name}-${gzip}`);
  const layer = await writeLayer(fromFolder(sample(`${name}-${gzip}`, files), 'opt'), { root, gzip });
  return { root, image: makeImage({ reference: 'images.example/team/program:1', layers: [layer], run, architecture: 'amd64' }, root) };
}

for (const gzip of [false, true]) {
  test(`the same files give the same digest wherever and whenever they are built${gzip ? ', compressed, too' : ''}`, async () => {
    const one = await build('one', ['program', 'sub/data'], gzip);
    const two = await build('two', ['sub/data', 'program'], gzip);
    assert.equal(one.image.digest, two.image.digest);
    const other = await build('other', ['program', 'sub/other'], gzip);
    assert.notEqual(one.image.digest, other.image.digest);
  });
}

test('an archive has every blob under its digest, and an index that names the image', async () => {
  const { image, root } = await build('archive', ['program'], false);
  const file = join(work, 'image.tar');
  await writeArchive(image, file, root);
  const folder = join(work, 'unpacked');
  mkdirSync(folder);
  execFileSync('tar', ['--extract', '--file', file, '--directory', folder]);
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
  assert.equal(index.manifests[0].digest, image.digest);
  assert.equal(index.manifests[0].annotations['io.containerd.image.name'], 'images.example/team/program:1');
  const blob = (digest: string) => readFileSync(join(folder, 'blobs', digest.replace(':', '/')));
  const manifest = JSON.parse(blob(image.digest).toString());
  for (const { digest, size } of [manifest.config, ...manifest.layers]) {
    assert.equal(`sha256:${createHash('sha256').update(blob(digest)).digest('hex')}`, digest);
    assert.equal(blob(digest).length, size);
  }
  assert.equal(JSON.parse(blob(manifest.config.digest).toString()).config.User, '65532:65532');
});

test('a layer of the same inputs is made once', async () => {
  const root = join(work, 'once');
  let made = 0;
  const make = async () => {
    made += 1;
    return [{ kind: 'text', path: 'a', mode: 0o644, text: 'a' } as const];
  };
  const first = await cachedLayer(['a', 1], make, { root });
  assert.deepEqual(await cachedLayer(['a', 1], make, { root }), first);
  assert.equal(made, 1);
  await cachedLayer(['a', 2], make, { root });
  assert.equal(made, 2);
});

test('files are owned by root, readable by all, and never setuid', () => {
  const modes = fromFolder(sample('modes', ['program', 'data']), '').map(({ path, mode }) => [path, mode.toString(8)]);
  assert.deepEqual(Object.fromEntries(modes), { program: '755', data: '644', link: '777' });
});

test('a registry is sent what it lacks, and nothing the second time', async () => {
  const { image, root } = await build('publish', ['program'], false);
  const registry = await startRegistry();
  assert.equal(await publish(image, registry.address, root), true);
  assert.deepEqual(new Set(registry.blobs.keys()), new Set([...image.layers.map(({ digest }) => digest), image.config.digest]));
  for (const [digest, bytes] of registry.blobs) assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, digest);
  assert.equal(await publish(image, registry.address, root), false);
  registry.stop();
});

test('a reference is a registry, a repository and a tag', () => {
  assert.deepEqual(partsOf('images.example:5000/a/b:1.2'), { repository: 'a/b', tag: '1.2' });
  for (const wrong of ['program', 'images.example/program', 'images.example/program@sha256:0'])
    assert.throws(() => partsOf(wrong), /must be REGISTRY/);
});

/** As much of a registry as a push needs, by the text of the OCI distribution specification. */
async function startRegistry() {
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, Buffer>();
  const body = async (incoming: IncomingMessage) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const server = createServer(async (incoming, response) => {
    const url = new URL(incoming.url ?? '', 'http://registry');
    const last = url.pathname.split('/').pop() ?? '';
    const kept = url.pathname.includes('/manifests/') ? manifests.get(last) : blobs.get(last);
    const content = await body(incoming);
    if (incoming.method === 'HEAD') {
      const digest = kept && `sha256:${createHash('sha256').update(kept).digest('hex')}`;
      response.writeHead(kept ? 200 : 404, digest ? { 'docker-content-digest': digest } : {}).end();
    } else if (incoming.method === 'POST') response.writeHead(202, { location: `${url.pathname}upload-1?state=x` }).end();
    else if (url.pathname.includes('/manifests/')) {
      manifests.set(last, content);
      response.writeHead(201).end();
    } else {
      blobs.set(url.searchParams.get('digest') ?? '', content);
      response.writeHead(url.searchParams.get('state') === 'x' ? 201 : 400).end();
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, blobs, stop: () => server.close() };
}
