/** The product's image: Node, the four libraries it needs, and `dist/`. No shell, no distribution, no root. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Say } from '../controlplane/log.ts';
import { type Architecture, hostArchitecture } from '../debian/packages.ts';
import { nodeEnvironment, nodeFlags } from '../node-flags.ts';
import { type DebianLayer, debianLayer, rootLayer, USER } from './debian.ts';
import { fromFile, text } from './entries.ts';
import { type Image, type ImageIndex, makeImage, makeIndex } from './image.ts';
import { cachedLayer, type Layer, type LayerOptions } from './layer.ts';
import { nodeBinary } from './node-binary.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');

export interface ModelwrightImage extends LayerOptions {
  readonly say: Say;
  /** Registry, repository and tag. */
  readonly reference: string;
  /** Default that of this machine. */
  readonly architecture?: Architecture;
  /** Folder of the built program; default `dist/` of this checkout. */
  readonly dist?: string;
}

/** How its containers start. */
export const modelwrightRun = {
  User: USER,
  // As the first line of the program asks for, which names no interpreter that this image has.
  Entrypoint: ['/usr/bin/node', ...nodeFlags, '/app/dist/modelwright.js'],
  Env: ['PATH=/usr/bin', 'NODE_ENV=production', ...Object.entries(nodeEnvironment).map(([name, value]) => `${name}=${value}`)],
  WorkingDir: '/app',
} as const;

/** The program on PATH, for whoever gives a command: KServe's storage containers have no other way. Linux hands an interpreter one flag at most. */
const LAUNCHER = `#!/usr/bin/node ${nodeFlags[0]}\nimport('/app/dist/modelwright.js');\n`;

/** A root folder, the libraries that Node needs, and Node. */
export async function nodeLayers({ say, purpose, ...options }: DebianLayer): Promise<Layer[]> {
  const node = await nodeBinary(options.architecture ?? hostArchitecture(), say);
  return [
    await rootLayer(options),
    await debianLayer(['libc6', 'gcc-12-base', 'libgcc-s1', 'libstdc++6'], { say, purpose, ...options }),
    await cachedLayer(['node', fileDigest(node)], async () => [fromFile(node, 'usr/bin/node')], options),
  ];
}

/** The program must have been built. */
export async function modelwrightImage({ say, reference, dist = join(CHECKOUT, 'dist'), ...options }: ModelwrightImage): Promise<Image> {
  const version = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')).version as string;
  const program = programFiles(dist);
  const layers = [
    ...(await nodeLayers({ say, purpose: 'Modelwright’s image', ...options })),
    await cachedLayer(
      ['modelwright', LAUNCHER, program.map(({ path, digest }) => [path, digest])],
      async () => [...program.map(({ entry }) => entry), text('usr/bin/modelwright', LAUNCHER, 0o755)],
      options,
    ),
  ];
  return makeImage(
    {
      reference,
      layers,
      ...(options.architecture && { architecture: options.architecture }),
      run: {
        ...modelwrightRun,
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

/** The image for every architecture that there is a Node for, in one index. */
export async function modelwrightIndex(options: Omit<ModelwrightImage, 'architecture'>): Promise<ImageIndex> {
  const images: Image[] = [];
  for (const architecture of ['amd64', 'arm64'] as const) images.push(await modelwrightImage({ ...options, architecture }));
  return makeIndex(images, options.root);
}

/** What a container needs; maps of sources are for people. */
function programFiles(dist: string) {
  if (!existsSync(join(dist, 'modelwright.js'))) throw new Error(`there is no modelwright.js in ${dist}: run "npm run build"`);
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
