/**
 * The model server that the demo measures: a process of this machine on loopback. MLServer with a scikit-learn model where Python and pip
 * can be had, else a server of known truth, which is no model and is named as such.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { lastLines } from '../controlplane/log.ts';
import type { ControlPlane } from '../controlplane/plane.ts';
import { ensureVenv } from '../python.ts';

const run = promisify(execFile);

/** What can be started: the Python that has MLServer, or why there is none. */
export type Prepared = { readonly kind: 'mlserver'; readonly bin: string } | { readonly kind: 'known-truth'; readonly because: string };

export interface ModelServer {
  readonly url: string;
  readonly modelName: string;
  /** What it is, for people. */
  readonly description: string;
}

/** Installs MLServer into the user's cache, once; what stands in the way is said instead of thrown. */
export async function prepareModelServer(): Promise<Prepared> {
  // A machine without a package index should find that out in seconds.
  process.env['PIP_RETRIES'] ??= '1';
  process.env['PIP_DEFAULT_TIMEOUT'] ??= '15';
  try {
    const { stdout } = await run('python3', ['-c', 'import sys; print(*sys.version_info[:2])']);
    const [major = 0, minor = 0] = stdout.trim().split(' ').map(Number);
    if (major !== 3 || minor < 9 || minor > 12)
      return { kind: 'known-truth', because: `MLServer 1.7 needs Python 3.9 to 3.12, here is ${major}.${minor}` };
    const folder = await ensureVenv('mlserver', ['mlserver==1.7.1', 'mlserver-sklearn==1.7.1']);
    return { kind: 'mlserver', bin: join(folder, 'bin') };
  } catch (error) {
    const said = (error as Error).message.trim().split('\n').at(-1) ?? '';
    return { kind: 'known-truth', because: `MLServer could not be installed: ${said}` };
  }
}

/** Starts it as a part of the instance, so that it ends with it, and waits until it answers. */
export async function startModelServer(plane: ControlPlane, prepared: Prepared, signal: AbortSignal): Promise<ModelServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  if (prepared.kind === 'known-truth') {
    await plane.startProcess({
      name: 'model-server',
      command: process.execPath,
      args: [resolve(import.meta.dirname, 'known-truth-server.ts'), String(port)],
    });
    await untilReady(plane, `${url}/v2/models/known-truth/ready`, signal);
    return { url, modelName: 'known-truth', description: 'a server of known truth, no model: it answers each request after 5 ms' };
  }
  await writeModel(plane.dir, prepared.bin, port);
  await plane.startProcess({ name: 'model-server', command: join(prepared.bin, 'mlserver'), args: ['start', plane.dir] });
  await untilReady(plane, `${url}/v2/models/iris/ready`, signal);
  return { url, modelName: 'iris', description: 'MLServer 1.7.1 with a logistic regression on iris, trained just now with scikit-learn' };
}

const train = `import joblib, sys
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
x, y = load_iris(return_X_y=True)
joblib.dump(LogisticRegression(max_iter=500).fit(x, y), sys.argv[1])`;

async function writeModel(folder: string, bin: string, port: number): Promise<void> {
  await run(join(bin, 'python'), ['-c', train, join(folder, 'model.joblib')]);
  const settings = {
    host: '127.0.0.1',
    http_port: port,
    grpc_port: await freePort(),
    metrics_port: await freePort(),
    parallel_workers: 0,
    debug: false,
  };
  const model = {
    name: 'iris',
    implementation: 'mlserver_sklearn.SKLearnModel',
    parameters: { uri: './model.joblib', version: 'v1' },
    inputs: [{ name: 'x', datatype: 'FP64', shape: [-1, 4] }],
    outputs: [{ name: 'predict', datatype: 'INT64', shape: [-1, 1] }],
  };
  await writeFile(join(folder, 'settings.json'), JSON.stringify(settings));
  await writeFile(join(folder, 'model-settings.json'), JSON.stringify(model));
}

async function untilReady(plane: ControlPlane, url: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const isReady = await fetch(url, { signal }).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isReady) return;
    const server = (await plane.processes()).find(({ name }) => name === 'model-server');
    if (server?.running !== true || Date.now() > deadline)
      throw new Error(`the model server is not ready:\n${lastLines(join(plane.dir, 'logs', 'model-server.log'), 20)}`);
    await sleep(300, undefined, { signal });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}
