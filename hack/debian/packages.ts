/**
 * Debian packages as files to take from: downloaded by apt-get, which checks them against the archive's signed lists, and unpacked into a
 * folder of the cache. Nothing is installed, no script of a package runs, and no right of root is needed but to refresh apt's lists.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from '../controlplane/lock.ts';
import type { Say } from '../controlplane/log.ts';
import { NotPossibleHere } from '../not-possible.ts';

const run = promisify(execFile);

/** Packages unpacked one over the other. */
export interface DebianTree {
  /** The folder that has `usr/`, `etc/` and so on. */
  readonly folder: string;
  /** What is in it, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface DebianOptions {
  readonly say: Say;
  /** What the packages are for, as in `the real node`: the beginning of an error message. */
  readonly purpose: string;
  /** Default that of this machine. */
  readonly architecture?: Architecture;
  readonly env?: NodeJS.ProcessEnv;
}

/** As Debian and OCI images name them. */
export type Architecture = 'amd64' | 'arm64';

export function hostArchitecture(): Architecture {
  return process.arch === 'arm64' ? 'arm64' : 'amd64';
}

/**
 * The packages, and only those: what they depend on has to be named, too. What was unpacked once is used again as it is, without asking
 * the archive; another list of packages makes another folder.
 */
export async function debianTree(packages: readonly string[], options: DebianOptions): Promise<DebianTree> {
  const { say, purpose, architecture = hostArchitecture(), env = process.env } = options;
  const root = debianCache(env);
  const wanted = [...packages].sort();
  const foreign = architecture === hostArchitecture() ? [] : [architecture];
  const folder = treeFolder(root, wanted, foreign);
  if (!existsSync(folder)) {
    mkdirSync(root, { recursive: true });
    await withLock(`${folder}.lock`, say, async () => {
      if (existsSync(folder)) return;
      say(
        `unpacking ${wanted.length} Debian packages${foreign.length > 0 ? ` for ${architecture}` : ''} into the cache for ${purpose}: ${wanted.join(', ')}`,
      );
      await unpack(wanted, folder, { purpose, apt: foreign.length === 0 ? ownApt() : foreignApt(architecture, root) });
    });
  }
  const versions = JSON.parse(readFileSync(join(folder, 'packages.json'), 'utf8')) as Record<string, string>;
  return { folder: join(folder, 'root'), versions };
}

/** Whether the packages are unpacked already, for this machine's architecture. */
export function hasDebianTree(packages: readonly string[], env: NodeJS.ProcessEnv = process.env): boolean {
  return existsSync(treeFolder(debianCache(env), [...packages].sort(), []));
}

function treeFolder(root: string, wanted: readonly string[], foreign: readonly Architecture[]): string {
  const key = [...foreign, ...wanted].join('\n');
  return join(root, createHash('sha256').update(key).digest('hex').slice(0, 16));
}

/** Where packages are kept: `$XDG_CACHE_HOME/modelwright/debian`. */
export function debianCache(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'modelwright', 'debian');
}

/** How apt-get is asked. */
interface Apt {
  readonly options: readonly string[];
  readonly mayUpdate: boolean;
}

function ownApt(): Apt {
  return { options: [], mayUpdate: process.getuid?.() === 0 };
}

/** Lists of another architecture are kept beside the packages: the machine's own know nothing of it, and stay as they are. */
function foreignApt(architecture: Architecture, cache: string): Apt {
  const folder = join(cache, `apt-${architecture}`);
  for (const path of ['state/lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, path), { recursive: true });
  const settings = {
    'Dir::State': join(folder, 'state'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': join(folder, 'cache'),
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
  };
  return { options: Object.entries(settings).flatMap(([name, value]) => ['--option', `${name}=${value}`]), mayUpdate: true };
}

/** Unpacks beside the target and renames: a folder that is there is whole. */
async function unpack(packages: readonly string[], folder: string, { purpose, apt }: { readonly purpose: string; readonly apt: Apt }) {
  const part = `${folder}.${process.pid}.new`;
  rmSync(part, { recursive: true, force: true });
  const archives = join(part, 'archives');
  const root = join(part, 'root');
  for (const path of [archives, root]) mkdirSync(path, { recursive: true });
  try {
    await download(packages, archives, { purpose, apt });
    const versions: Record<string, string> = {};
    for (const file of readdirSync(archives).sort()) {
      const archive = join(archives, file);
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the fields are dpkg's own.
      const { stdout } = await run('dpkg-deb', ['--show', '--showformat', '${Package} ${Version}', archive]);
      const [name = '', version = ''] = stdout.split(' ');
      versions[name] = version;
      await run('dpkg-deb', ['--extract', archive, root]);
    }
    rmSync(archives, { recursive: true });
    writeFileSync(join(part, 'packages.json'), JSON.stringify(versions, null, 2));
    renameSync(part, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

/** Refreshes apt's lists only when a package cannot be had with those there are. */
async function download(packages: readonly string[], folder: string, { purpose, apt }: { readonly purpose: string; readonly apt: Apt }) {
  const call = (...args: string[]) => run('apt-get', [...apt.options, '--quiet', ...args], { cwd: folder, maxBuffer: 16 << 20 });
  try {
    await call('download', ...packages);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new NotPossibleHere(`${purpose} is put together from Debian packages, and this machine has no apt-get: run it on Debian 12`);
    }
    if (!apt.mayUpdate) throw unavailable(purpose, error, '; as root, "apt-get update" may help');
    await call('update');
    await call('download', ...packages).catch((again) => {
      throw unavailable(purpose, again, '');
    });
  }
}

function unavailable(purpose: string, error: unknown, remedy: string): Error {
  const { stderr = '', message } = error as { stderr?: string; message: string };
  const cause = stderr.split('\n').find((line) => line.startsWith('E:')) ?? message.split('\n')[0];
  // Another distribution, or another release of Debian; a server that does not answer is told in other words.
  if (/^E: Unable to locate package/.test(cause ?? ''))
    return new NotPossibleHere(
      `${purpose} is put together from packages of Debian 12, and this machine’s archive has not all of them: ${cause}`,
    );
  return new Error(`${purpose} needs Debian packages that apt-get cannot download: ${cause}${remedy}`);
}
