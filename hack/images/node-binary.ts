/** Node as package-lock.json pins it: this machine's from node_modules, that of another architecture from the npm registry. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from '../controlplane/lock.ts';
import type { Say } from '../controlplane/log.ts';
import { type Architecture, hostArchitecture } from '../debian/packages.ts';
import { imageCache } from './cache.ts';

const run = promisify(execFile);
const CHECKOUT = resolve(import.meta.dirname, '../..');

interface Pinned {
  readonly version: string;
  /** `sha512-…`, of the package's archive. */
  readonly integrity: string;
}

/** The program's file. */
export async function nodeBinary(architecture: Architecture, say: Say): Promise<string> {
  const name = `node-linux-${architecture === 'arm64' ? 'arm64' : 'x64'}`;
  if (architecture === hostArchitecture()) {
    const file = join(CHECKOUT, 'node_modules', name, 'bin/node');
    if (!existsSync(file)) throw new Error(`there is no ${file}: run "npm ci" without --omit=optional, on Linux`);
    return file;
  }
  const { version, integrity } = pinned(name);
  const folder = join(imageCache(), 'node', `${name}-${version}`);
  const file = join(folder, 'package/bin/node');
  if (existsSync(file)) return file;
  mkdirSync(dirname(folder), { recursive: true });
  return withLock(`${folder}.lock`, say, async () => {
    if (existsSync(file)) return file;
    say(`fetching Node ${version} for ${architecture}`);
    const part = `${folder}.${process.pid}.new`;
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { recursive: true });
    try {
      const { stdout } = await run('npm', ['pack', `${name}@${version}`, '--json', '--pack-destination', part], { cwd: part });
      const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
      const archive = join(part, filename);
      checkIntegrity(readFileSync(archive), integrity, `${name}@${version}`);
      await run('tar', ['--extract', '--file', archive, '--directory', part]);
      rmSync(archive);
      renameSync(part, folder);
    } finally {
      rmSync(part, { recursive: true, force: true });
    }
    return file;
  });
}

function pinned(name: string): Pinned {
  const { packages } = JSON.parse(readFileSync(join(CHECKOUT, 'package-lock.json'), 'utf8')) as { packages: Record<string, Pinned> };
  const found = packages[`node_modules/${name}`];
  if (found === undefined) throw new Error(`package-lock.json does not have ${name}`);
  return found;
}

/** Throws unless the bytes are those that the lock file names. */
export function checkIntegrity(bytes: Buffer, integrity: string, what: string): void {
  const [algorithm = '', wanted] = integrity.split('-');
  const found = createHash(algorithm).update(bytes).digest('base64');
  if (found !== wanted) throw new Error(`${what} is not what package-lock.json fixes: ${algorithm}-${found} in place of ${integrity}`);
}
