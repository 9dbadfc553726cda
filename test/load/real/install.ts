/**
 * Fetches real model servers and other people's load tools into the user's cache, once.
 *
 *   node test/load/real/install.ts [component …]      without a name: all of them
 *
 * Every component is installed by its own ecosystem's client (pip, go, npm) under
 * `$XDG_CACHE_HOME/modelwright/load/<component>`; a file `.ready` there marks a finished install.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** Where components live; nothing of it belongs to the repository. */
export const cacheFolder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'modelwright', 'load');

type Install = (folder: string) => Promise<void>;

async function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  await exec(command, [...args], { maxBuffer: 1 << 26, env: { ...process.env, ...env } });
}

/** A virtual environment with the given requirements. */
function venv(...requirements: string[]): Install {
  return async (folder) => {
    await run('python3', ['-m', 'venv', folder]);
    await run(join(folder, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...requirements]);
  };
}

/** Component name to the way it is installed; versions are pinned so that a comparison can be repeated. */
export const components: Readonly<Record<string, Install>> = {
  mlserver: venv('mlserver==1.7.1', 'mlserver-sklearn==1.7.1'),
  kserve: venv('kserve==0.20.0'),
  // The wheel carries the tritonserver binary; its Python backend needs numpy 1 (with 2 every reply has a wrong shape).
  triton: async (folder) => {
    await venv('numpy<2')(folder);
    await run(join(folder, 'bin', 'pip'), ['install', '--quiet', '--no-deps', 'nvidia-pytriton==0.7.0']);
  },
  torchserve: async (folder) => {
    await venv(
      'torchserve==0.12.0',
      'torch-model-archiver==0.12.0',
      'psutil',
      'pyyaml',
      'packaging',
      'requests',
      'pillow',
      'enum-compat',
    )(folder);
    await writeFile(
      join(folder, 'lib', 'python3.11', 'site-packages', 'torch.py').replace('python3.11', await pythonFolder()),
      torchStandIn,
    );
  },
  // perf_analyzer is a data file of this wheel; the wheel's newer versions need a newer glibc.
  perf_analyzer: async (folder) => {
    await run('python3', ['-m', 'venv', folder]);
    await run(join(folder, 'bin', 'pip'), ['install', '--quiet', '--no-deps', 'tritonclient==2.50.0']);
  },
  loadgen: venv('mlcommons-loadgen==6.0.17'),
  llmd: venv('llmd-benchmark-report==0.2.1'),
  k6: async (folder) => run('go', ['install', 'go.k6.io/k6@v1.3.0'], { GOBIN: folder, CGO_ENABLED: '0', GOFLAGS: '-trimpath' }),
  autocannon: async (folder) => run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefix', folder, 'autocannon@8.0.0']),
};

/** TorchServe's worker imports torch; our handler needs none of it, so three names stand in for three gigabytes. */
const torchStandIn = `class Tensor: pass
def is_tensor(x): return False
class cuda:
    @staticmethod
    def is_available(): return False
class version:
    hip = None
class backends:
    class mps:
        @staticmethod
        def is_available(): return False
`;

async function pythonFolder(): Promise<string> {
  const { stdout } = await exec('python3', ['-c', 'import sys; print("python%d.%d" % sys.version_info[:2])']);
  return stdout.trim();
}

/** The folder of a component, or the sentence that says how to get it. */
export function installed(component: string): { readonly folder: string } | { readonly missing: string } {
  const folder = join(cacheFolder, component);
  return existsSync(join(folder, '.ready'))
    ? { folder }
    : { missing: `${component} is not installed; run: node test/load/real/install.ts ${component}` };
}

async function install(name: string): Promise<void> {
  const how = components[name];
  if (how === undefined) throw new Error(`unknown component "${name}"; known: ${Object.keys(components).join(', ')}`);
  if ('folder' in installed(name)) return console.log(`${name}: already installed`);
  const folder = join(cacheFolder, name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await how(folder);
  await writeFile(join(folder, '.ready'), '');
  console.log(`${name}: installed in ${folder}`);
}

if (import.meta.main) {
  const names = process.argv.slice(2);
  for (const name of names.length > 0 ? names : Object.keys(components)) {
    await install(name).catch((error: unknown) => {
      console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    });
  }
}
