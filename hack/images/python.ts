/** Layers of Python: Debian's interpreter, and packages of PyPI by a list that fixes every version and checksum. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from '../controlplane/lock.ts';
import type { Say } from '../controlplane/log.ts';
import { debianTree, hostArchitecture } from '../debian/packages.ts';
import { imageCache } from './cache.ts';
import { type DebianLayer, debianLayer } from './debian.ts';
import { fromFolder, type Wanted } from './entries.ts';
import { cachedLayer, type Layer, type LayerOptions } from './layer.ts';

const run = promisify(execFile);

/** Debian 12's. */
export const PYTHON = '3.11';
export const SITE_PACKAGES = `usr/local/lib/python${PYTHON}/dist-packages`;

/** The interpreter and the libraries of its standard modules, with C++'s for the packages. */
const INTERPRETER = [
  'libbz2-1.0',
  'libc6',
  'libcrypt1',
  'libexpat1',
  'libffi8',
  'libgcc-s1',
  'liblzma5',
  'libpython3.11-minimal',
  'libpython3.11-stdlib',
  'libsqlite3-0',
  'libssl3',
  'libstdc++6',
  'libuuid1',
  'media-types',
  'python3.11-minimal',
  'zlib1g',
];

/** Changes when packages are prepared in another way. */
const COMPILED = 1;

const REQUIREMENTS = join(import.meta.dirname, 'requirements');

/** What installed packages carry for their own developers. */
const UNWANTED = [
  /\/(tests?|testing_data)\/.*\.(py|csv|gz|json|npz|pkl|pyc|txt|xml)$/,
  /\.(pyi|pyx|pxd|c|h|hpp|cpp)$/,
  /\/(RECORD|INSTALLER|REQUESTED|direct_url\.json)$/,
  /\/bin\//,
];

export async function pythonLayer(options: DebianLayer): Promise<Layer> {
  const { folder } = await debianTree(INTERPRETER, options);
  const done = `${folder}.compiled-${COMPILED}`;
  await withLock(`${folder}.lock`, options.say, async () => {
    if (existsSync(done)) return;
    const library = `usr/lib/python${PYTHON}`;
    await compile(folder, join(folder, library), library);
    writeFileSync(done, '');
  });
  return debianLayer(INTERPRETER, { ...options, prepared: COMPILED });
}

/**
 * Compiles what is in `folder` as Python in the image would, which could not keep it: the image's own interpreter does it, out of the unpacked
 * packages. Without it each start compiles everything, which takes a server of half a core a minute.
 * @param path the folder's path in the image
 */
async function compile(root: string, folder: string, path: string): Promise<void> {
  const { command, args, env } = interpreter(root);
  // By content, not time: a layer has no times. Some packages carry files for other versions, which do not compile: that fails nothing.
  const options = ['-m', 'compileall', '-q', '-f', '--invalidation-mode', 'unchecked-hash', '-s', folder, '-p', `/${path}`, folder];
  await run(command, [...args, ...options], { env, maxBuffer: 64 << 20 }).catch((error: { code?: number; message: string }) => {
    if (error.code !== 1) throw new Error(`Python's files cannot be compiled: ${error.message.split('\n')[0]}`);
  });
}

/** A program of this machine with its first arguments and its environment. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The interpreter of the unpacked Debian packages, with their libraries. */
function interpreter(root: string): Program {
  const libraries = ['usr/lib', 'lib'].map((part) =>
    join(root, part, `${hostArchitecture() === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`),
  );
  const [command = ''] = globSync(join(root, 'lib/*-linux-gnu/ld-linux-*.so.*'));
  return {
    command,
    args: ['--library-path', libraries.join(':'), join(root, `usr/bin/python${PYTHON}`)],
    env: { PATH: process.env['PATH'] ?? '', PYTHONHOME: join(root, 'usr'), PYTHONHASHSEED: '0', PYTHONDONTWRITEBYTECODE: '1' },
  };
}

/** Python as it is in the image `name`, to run on this machine. */
export async function pythonOf(name: string, say: Say): Promise<Program> {
  const { folder } = await debianTree(INTERPRETER, { say, purpose: `the image ${name}` });
  const program = interpreter(folder);
  return { ...program, env: { ...program.env, PYTHONPATH: await installed(name, say) } };
}

/** `requirements/NAME.txt` as a layer, where the interpreter looks for packages. */
export async function packagesLayer(name: string, say: Say, wanted: Wanted = () => true, options: LayerOptions = {}): Promise<Layer> {
  const lock = readFileSync(join(REQUIREMENTS, `${name}.txt`), 'utf8');
  return cachedLayer(
    ['python', PYTHON, hostArchitecture(), COMPILED, lock, UNWANTED.map(String), String(wanted)],
    async () => {
      const folder = await installed(name, say);
      return fromFolder(folder, SITE_PACKAGES, (path) => !UNWANTED.some((pattern) => pattern.test(path)) && wanted(path));
    },
    options,
  );
}

/** The folder with the installed packages, in the cache. */
export async function installed(name: string, say: Say, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const lockFile = join(REQUIREMENTS, `${name}.txt`);
  const folder = packagesFolder(name, env);
  if (existsSync(folder)) return folder;
  mkdirSync(join(folder, '..'), { recursive: true });
  return withLock(`${folder}.lock`, say, async () => {
    if (existsSync(folder)) return folder;
    const part = `${folder}.${process.pid}.new`;
    rmSync(part, { recursive: true, force: true });
    say(`installing the Python packages of ${name} from PyPI`);
    try {
      await pip(['install', '--target', part, '--no-compile', '--no-deps', '--require-hashes', '--requirement', lockFile]);
      say(`compiling the Python packages of ${name}`);
      const { folder: root } = await debianTree(INTERPRETER, { say, purpose: `the image ${name}` });
      await compile(root, part, SITE_PACKAGES);
      renameSync(part, folder);
    } finally {
      rmSync(part, { recursive: true, force: true });
    }
    return folder;
  });
}

/** Whether the packages are in the cache, so that the image takes seconds and not minutes. */
export function isInstalled(name: string): boolean {
  return existsSync(packagesFolder(name, process.env));
}

function packagesFolder(name: string, env: NodeJS.ProcessEnv): string {
  return join(imageCache(env), 'python', `${name}-${requirementsDigest(name)}`);
}

/** Tells two states of a list apart. */
export function requirementsDigest(name: string): string {
  return createHash('sha256')
    .update(`${COMPILED}${readFileSync(join(REQUIREMENTS, `${name}.txt`), 'utf8')}`)
    .digest('hex')
    .slice(0, 16);
}

/** Runs this machine's pip for the image's interpreter, whatever version runs it; wheels only, so that nothing is compiled. */
export async function pip(args: readonly string[]): Promise<void> {
  const machine = hostArchitecture() === 'arm64' ? 'aarch64' : 'x86_64';
  // glibc 2.36, oldest last; pip takes no ranges.
  const platforms = [35, 34, 31, 28, 27, 26, 24, 17, 12, 5].flatMap((minor) => ['--platform', `manylinux_2_${minor}_${machine}`]);
  const target = [...platforms, '--platform', `manylinux2014_${machine}`, '--platform', `linux_${machine}`, '--python-version', PYTHON];
  try {
    const [command = '', ...rest] = args;
    await run('python3', ['-m', 'pip', command, '--quiet', '--disable-pip-version-check', '--only-binary=:all:', ...target, ...rest], {
      maxBuffer: 64 << 20,
    });
  } catch (error) {
    const { stderr = '', message, code } = error as { stderr?: string; message: string; code?: string };
    if (code === 'ENOENT') throw new Error('the Python images need python3 with pip on PATH, and there is none');
    throw new Error(`pip ${args[0]} failed: ${stderr.trim().split('\n').slice(-3).join(' ') || message}`);
  }
}

/** The names of all lists. */
export function lists(): string[] {
  return readdirSync(REQUIREMENTS)
    .filter((name) => name.endsWith('.in'))
    .map((name) => name.replace(/\.in$/, ''))
    .sort();
}

/** Writes `NAME.txt` from what `NAME.in` asks for, with the newest versions that fit together. */
export async function lock(name: string): Promise<string> {
  const wantedFile = join(REQUIREMENTS, `${name}.in`);
  const wanted = readFileSync(wantedFile, 'utf8');
  const report = join(imageCache(), `report-${process.pid}.json`);
  mkdirSync(imageCache(), { recursive: true });
  try {
    await pip([
      'install',
      '--dry-run',
      '--ignore-installed',
      '--target',
      '/nonexistent',
      '--report',
      report,
      // A wheel that is only opened for what is in it needs none of the packages it names.
      ...(wanted.includes('# without dependencies') ? ['--no-deps'] : []),
      '--requirement',
      wantedFile,
    ]);
    const { install } = JSON.parse(readFileSync(report, 'utf8')) as {
      install: { metadata: { name: string; version: string }; download_info: { archive_info: { hashes: { sha256: string } } } }[];
    };
    const lines = install
      .map(
        ({ metadata, download_info }) =>
          `${metadata.name.toLowerCase()}==${metadata.version} --hash=sha256:${download_info.archive_info.hashes.sha256}`,
      )
      .sort();
    return `# Made from ${name}.in by "npm run images -- lock ${name}".\n${lines.join('\n')}\n`;
  } finally {
    rmSync(report, { force: true });
  }
}
