/**
 * Builds and checks everything that a release consists of, and publishes nothing.
 *
 *   npm run release -- [--out FOLDER] [--image REFERENCE] [--only PART …]
 *   npm run release:manifests -- [--out FOLDER] [--image REFERENCE]
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { chart, checksums, emptyFolder, image, licenses, manifests, npmTarball, type Release, sbom } from './artefacts.ts';

const root = resolve(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

const parts: Readonly<Record<string, (release: Release) => Promise<string | string[]> | string>> = {
  npm: npmTarball,
  chart,
  manifests,
  sbom,
  licenses,
  image,
};

await new Command('release')
  .description('build and check the parts of a release')
  .option('--out <folder>', 'where to, emptied before', join(root, 'release'))
  .option('--image <reference>', 'image of the operator in the manifests (default: the one they name)')
  .addOption(new Option('--only <part...>', 'only these').choices(Object.keys(parts)))
  .action(async (flags: { readonly out: string; readonly image?: string; readonly only?: readonly string[] }) => {
    const out = resolve(flags.out);
    emptyFolder(out);
    const release: Release = { version, out, ...(flags.image !== undefined && { image: flags.image }) };
    const made: string[] = [];
    for (const name of flags.only ?? Object.keys(parts)) {
      const paths = [(await parts[name]?.(release)) ?? []].flat();
      for (const path of paths) console.log(`${name.padEnd(10)} ${basename(path)}  ${(statSync(path).size / 1e6).toFixed(2)} MB`);
      made.push(...paths);
    }
    console.log(`checksums  ${basename(checksums(out, made))}, all in ${out}`);
  })
  .parseAsync();
