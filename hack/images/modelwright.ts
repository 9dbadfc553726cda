/** The product's image: Node, the four libraries it needs, and `dist/`. No shell, no distribution, no root. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Say } from '../controlplane/log.ts';
import { debianLayer, rootLayer, USER } from './debian.ts';
import { fromFile } from './entries.ts';
import { hostArchitecture, type Image, makeImage } from './image.ts';
import { cachedLayer, type LayerOptions } from './layer.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');

export interface ModelwrightImage extends LayerOptions {
  readonly say: Say;
  /** Registry, repository and tag. */
  readonly reference: string;
}

/** `dist/` must have been built. */
export async function modelwrightImage({ say, reference, ...options }: ModelwrightImage): Promise<Image> {
  const libraries = await debianLayer(['libc6', 'libgcc-s1', 'libstdc++6'], { say, purpose: 'Modelwright’s image', ...options });
  const node = nodeBinary();
  const version = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')).version as string;
  const program = programFiles();
  const layers = [
    await rootLayer(options),
    libraries,
    await cachedLayer(['node', fileDigest(node)], async () => [fromFile(node, 'usr/bin/node')], options),
    await cachedLayer(
      ['modelwright', program.map(({ path, digest }) => [path, digest])],
      async () => program.map(({ entry }) => entry),
      options,
    ),
  ];
  return makeImage(
    {
      reference,
      layers,
      run: {
        User: USER,
        // As the first line of the program asks for, which names no interpreter that this image has.
        Entrypoint: ['/usr/bin/node', '--max-semi-space-size=4', '/app/dist/modelwright.js'],
        Env: ['PATH=/usr/bin', 'NODE_ENV=production'],
        WorkingDir: '/app',
        Labels: {
          'org.opencontainers.image.title': 'modelwright',
          'org.opencontainers.image.version': version,
          'org.opencontainers.image.licenses': 'Apache-2.0',
        },
      },
    },
    options.root,
  );
}

/** Node as package-lock.json pins it. */
function nodeBinary(): string {
  const file = join(CHECKOUT, 'node_modules', `node-linux-${hostArchitecture() === 'arm64' ? 'arm64' : 'x64'}`, 'bin/node');
  if (!existsSync(file)) throw new Error(`there is no ${file}: run "npm ci" without --omit=optional, on Linux`);
  return file;
}

/** What a container needs; maps of sources are for people. */
function programFiles() {
  const dist = join(CHECKOUT, 'dist');
  if (!existsSync(join(dist, 'modelwright.js'))) throw new Error('there is no dist/modelwright.js: run "npm run build"');
  const sources = readdirSync(dist)
    .filter((name) => !name.endsWith('.map'))
    .map((name) => ({ source: join(dist, name), path: `app/dist/${name}` }));
  const notices = ['LICENSE', 'package.json'].map((name) => ({ source: join(CHECKOUT, name), path: `app/${name}` }));
  return [...sources, ...notices]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ source, path }) => ({ path, digest: fileDigest(source), entry: fromFile(source, path) }));
}

function fileDigest(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
