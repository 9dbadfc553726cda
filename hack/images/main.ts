/** `npm run images -- list|build|lock`: images for the local control plane, made from packages without a container engine. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { layoutOf } from '../controlplane/layout.ts';
import { elapsed } from '../controlplane/log.ts';
import { recordOf } from '../controlplane/plane.ts';
import { writeArchive } from './image.ts';
import { publish } from './publish.ts';
import { lists, lock } from './python.ts';
import { type ImageName, recipes } from './recipes.ts';

const say = (line: string) => console.error(line);
const names = Object.keys(recipes) as ImageName[];

const program = new Command('images').description('images made from npm, PyPI and Debian packages, without a container engine');
program
  .command('list')
  .description('what can be made')
  .action(() => {
    for (const name of names) console.log(`${name.padEnd(20)} ${recipes[name].reference}\n${' '.repeat(20)} ${recipes[name].summary}`);
  });
program
  .command('build')
  .description('make images; the same input gives the same digest')
  .argument('[name...]', `which; default all: ${names.join(', ')}`, imageName, [])
  .option('--archive <folder>', 'write each as an OCI archive NAME.tar into this folder')
  .option('--instance <name>', 'send each to the registry of this control plane, started with --nodes real')
  .action(build);
program
  .command('lock')
  .description('resolve a list of Python packages anew')
  .argument('<name>', `one of ${lists().join(', ')}`)
  .action(async (name: string) => writeFileSync(join(import.meta.dirname, 'requirements', `${name}.txt`), await lock(name)));

function imageName(value: string, before: ImageName[]): ImageName[] {
  const name = names.find((known) => known === value);
  if (!name) throw new InvalidArgumentError(`There are ${names.join(', ')}.`);
  return [...before, name];
}

async function build(chosen: readonly ImageName[], flags: { readonly archive?: string; readonly instance?: string }): Promise<void> {
  const registry = flags.instance === undefined ? undefined : registryOf(flags.instance);
  for (const name of chosen.length > 0 ? chosen : names) {
    const started = Date.now();
    const image = await recipes[name].make(say);
    const megabytes = image.layers.reduce((sum, { size }) => sum + size, 0) / 1e6;
    console.log(`${image.reference}@${image.digest}  ${megabytes.toFixed(1)} MB, ${elapsed(started)}`);
    if (flags.archive) await writeArchive(image, join(flags.archive, `${name}.tar`));
    if (registry) await publish(image, registry);
  }
}

function registryOf(name: string): string {
  const registry = recordOf(layoutOf(name))?.node?.registry;
  if (!registry)
    throw new Error(`instance ${name} has no registry: start it with "npm run controlplane -- up --name ${name} --nodes real"`);
  return registry;
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
