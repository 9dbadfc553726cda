/**
 * The real Triton Inference Server as a judge: the `tritonserver` program inside the `nvidia-pytriton` wheel, which brings the Python
 * backend. One start loads every model of a repository and says about each whether it is ready, or why not.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureVenv } from '../../support/python.ts';
import { freePort } from './free-port.ts';

export interface ModelVerdict {
  readonly name: string;
  readonly version?: string;
  /** `READY` or `UNAVAILABLE`; absent for a model that Triton knows only by its directory. */
  readonly state?: string;
  readonly reason?: string;
}

export interface Triton extends AsyncDisposable {
  readonly url: string;
  /** What Triton wrote to its log so far; errors about configurations stand only here. */
  log(): string;
  index(): Promise<ModelVerdict[]>;
}

/** Starts Triton over a model repository and waits until it answers. Models that do not load do not stop it. */
export async function startTriton(repository: string): Promise<Triton> {
  const venv = await ensureVenv('triton', ['nvidia-pytriton==0.7.0', 'numpy<2']);
  const packages = join(venv, 'lib', (await readdir(join(venv, 'lib')))[0] ?? '', 'site-packages');
  const work = await mkdtemp(join(tmpdir(), 'modelwright-triton-'));
  const version = (await readdir(join(venv, 'lib')))[0]?.replace('python', '') ?? '';
  await mkdir(join(work, 'backends'), { recursive: true });
  await cp(join(packages, 'pytriton/tritonserver/backends/python'), join(work, 'backends/python'), { recursive: true });
  await copyFile(
    join(packages, `pytriton/tritonserver/python_backend_stubs/${version}/triton_python_backend_stub`),
    join(work, 'backends/python/triton_python_backend_stub'),
  );
  const port = await freePort();
  const child = spawn(
    join(packages, 'pytriton/tritonserver/bin/tritonserver'),
    [
      `--model-repository=${repository}`,
      `--backend-directory=${join(work, 'backends')}`,
      '--exit-on-error=false',
      '--allow-grpc=false',
      '--allow-metrics=false',
      '--http-address=127.0.0.1',
      `--http-port=${port}`,
    ],
    {
      env: {
        ...process.env,
        LD_LIBRARY_PATH: `${join(packages, 'nvidia_pytriton.libs')}:${join(venv, 'lib')}`,
        PATH: `${join(venv, 'bin')}:${process.env['PATH'] ?? ''}`,
        PYTHONPATH: packages,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, since a server that dies leaves the processes of its models behind.
      detached: true,
    },
  );
  let log = '';
  child.stdout?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    await terminate(child);
    await rm(work, { recursive: true, force: true });
  };
  // Readiness is "live": with broken models in the repository Triton never calls itself ready.
  for (let waited = 0; ; waited += 200) {
    const live = await fetch(`${url}/v2/health/live`)
      .then((response) => response.ok)
      .catch(() => false);
    if (live && /Started HTTPService/.test(log)) break;
    if (child.exitCode !== null || child.signalCode !== null || waited > 120_000) {
      const ended = child.signalCode ?? child.exitCode;
      await stop();
      throw new Error(`Triton did not start${ended === null ? '' : `, and ended with ${ended}`}:\n${log.slice(-4000)}`);
    }
    await sleep(200);
  }
  return {
    url,
    log: () => log,
    async index() {
      const response = await fetch(`${url}/v2/repository/index`, { method: 'POST', body: '{}' });
      return (await response.json()) as ModelVerdict[];
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function terminate(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await gone;
    clearTimeout(timer);
  }
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
