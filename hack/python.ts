/**
 * Python programs that tests and the demo need (KServe's storage code, MLServer, Triton's wheel …), installed on demand and kept between runs in
 * `$XDG_CACHE_HOME/modelwright/python/<name>`: one virtual environment a name, made by whoever comes first.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const staleAfterMilliseconds = 20 * 60_000;

/** The folder that holds every cached tool. */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'modelwright');
}

/**
 * Makes sure that a virtual environment called `name` holds exactly the asked requirements, and returns its folder (`<folder>/bin/python` runs it).
 * A changed list of requirements builds it anew. Processes that ask at the same time wait for one another.
 *
 * @param python the interpreter that makes it: `python3` unless another version is needed.
 */
export async function ensureVenv(name: string, requirements: readonly string[], python = 'python3'): Promise<string> {
  const folder = join(cacheFolder(), 'python', name);
  const wanted = createHash('sha256')
    .update(JSON.stringify([python, ...requirements]))
    .digest('hex');
  const ready = async () => (await readFile(join(folder, '.modelwright-ready'), 'utf8').catch(() => '')) === wanted;
  if (await ready()) return folder;

  await mkdir(join(folder, '..'), { recursive: true });
  const release = await lock(`${folder}.lock`);
  try {
    if (await ready()) return folder;
    await rm(folder, { recursive: true, force: true });
    await run(python, ['-m', 'venv', folder]);
    await run(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', ...requirements], { maxBuffer: 64 << 20 });
    await writeFile(join(folder, '.modelwright-ready'), wanted);
    return folder;
  } finally {
    await release();
  }
}

/** Takes the lock file, waiting while another process holds it; a lock older than 20 minutes belongs to a process that died. */
async function lock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    const handle = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return undefined;
      throw error;
    });
    if (handle !== undefined) {
      await handle.writeFile(String(process.pid));
      await handle.close();
      return () => rm(path, { force: true });
    }
    const held = await stat(path).catch(() => undefined);
    if (held !== undefined && Date.now() - held.mtimeMs > staleAfterMilliseconds) await rm(path, { force: true });
    else await sleep(500);
  }
}
