/** Images of one Node program each, bundled into one file: test servers, and Azurite. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { build } from 'esbuild';
import type { Say } from '../controlplane/log.ts';
import { USER } from './debian.ts';
import { text } from './entries.ts';
import { type Image, makeImage, type RunConfig } from './image.ts';
import { cachedLayer } from './layer.ts';
import { nodeLayers } from './modelwright.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');

export interface NodeProgram {
  readonly reference: string;
  /** Source file, or a program of a package. */
  readonly entry: string;
  /** Where the program is in the image; it can be executed. */
  readonly path: string;
  /** Packages that the program asks for only where they are installed. */
  readonly without?: readonly string[];
}

export async function nodeProgramImage(say: Say, { reference, entry, path, without = [] }: NodeProgram): Promise<Image> {
  const program = await bundled(entry, without);
  const digest = createHash('sha256').update(program).digest('hex');
  const layers = [
    ...(await nodeLayers({ say, purpose: `the image ${reference}` })),
    await cachedLayer(['node-program', path, digest], async () => [text(path, program, 0o755)]),
  ];
  const run: RunConfig = {
    User: USER,
    Entrypoint: [`/${path}`],
    Env: ['PATH=/usr/bin', 'NODE_ENV=production'],
    WorkingDir: '/tmp',
  };
  return makeImage({ reference, layers, run });
}

/** The whole program as CommonJS, so that a file without an extension is one: a Pod may call it by another's name. The same wherever it is made. */
export async function bundled(entry: string, without: readonly string[] = []): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    // Paths of sources stand in it as they are from here.
    absWorkingDir: CHECKOUT,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    external: [...without],
    legalComments: 'inline',
    logLevel: 'silent',
  });
  const program = outputFiles[0]?.text ?? '';
  return `#!/usr/bin/node\n${program.replace(/^#!.*\n/, '')}`;
}
