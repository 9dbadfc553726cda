/** `npm run images -- list|build|lock`: images for the local control plane, made from packages without a container engine. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { layoutOf } from '../controlplane/layout.ts';
import { elapsed } from '../controlplane/log.ts';
import { recordOf } from '../controlplane/plane.ts';
import { writeArchive } from './image.ts';
import { publish } from './publish.ts';
import { lists, lock } from './python.ts';
import { type ImageName, recipes } from './recipes.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');
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
  .option('--verify', 'make each once more, of nothing that was kept, and compare the digests (minutes)')
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

interface BuildFlags {
  readonly archive?: string;
  readonly instance?: string;
  readonly verify?: true;
}

async function build(chosen: readonly ImageName[], flags: BuildFlags): Promise<void> {
  const registry = flags.instance === undefined ? undefined : registryOf(flags.instance);
  const wanted = chosen.length > 0 ? chosen : names;
  // The image of the product has what the checkout holds now, also right after `npm ci`.
  if (wanted.includes('modelwright'))
    execFileSync(process.execPath, [join(CHECKOUT, 'hack/build.ts')], { cwd: CHECKOUT, stdio: ['ignore', 2, 2] });
  for (const name of wanted) {
    const started = Date.now();
    const image = await recipes[name].make(say);
    const megabytes = image.layers.reduce((sum, { size }) => sum + size, 0) / 1e6;
    console.log(`${image.reference}@${image.digest}  ${megabytes.toFixed(1)} MB, ${elapsed(started)}`);
    if (flags.verify) await verify(name, image.digest);
    if (flags.archive) await writeArchive(image, join(flags.archive, `${name}.tar`));
    if (registry) await publish(image, registry);
  }
}

/** With an empty cache: packages are downloaded, unpacked and compiled again. */
async function verify(name: ImageName, digest: string): Promise<void> {
  const kept = process.env['XDG_CACHE_HOME'];
  const empty = mkdtempSync(join(tmpdir(), 'modelwright-verify-'));
  process.env['XDG_CACHE_HOME'] = empty;
  try {
    const again = await recipes[name].make(say);
    if (again.digest !== digest)
      throw new Error(
        `${name} was ${digest} and is ${again.digest} when it is made anew: Debian has newer packages than the cache, or something is not reproducible`,
      );
    console.log(`${again.reference}@${again.digest}  the same, made anew`);
  } finally {
    if (kept === undefined) delete process.env['XDG_CACHE_HOME'];
    else process.env['XDG_CACHE_HOME'] = kept;
    rmSync(empty, { recursive: true, force: true });
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
