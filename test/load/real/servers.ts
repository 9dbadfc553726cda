/** Real model servers as processes on loopback, each with a model of known behaviour; nothing of them is imitated. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installed } from './install.ts';

export interface RealServer extends AsyncDisposable {
  readonly http: string;
  readonly grpc: string;
  readonly metrics: string;
}

/** The folder of an installed component; throws the sentence that says how to get it. */
export function componentFolder(component: string): string {
  const found = installed(component);
  if ('missing' in found) throw new Error(found.missing);
  return found.folder;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Start {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Ready when this answers 200 to a GET. */
  readonly ready: string;
  readonly urls: Pick<RealServer, 'http' | 'grpc' | 'metrics'>;
}

async function start({ command, args, env, cwd, ready, urls }: Start): Promise<RealServer> {
  const log: string[] = [];
  const child: ChildProcess = spawn(command, [...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => log.push(chunk.toString()));
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      // The whole group: servers start workers of their own.
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        try {
          process.kill(-(child.pid as number), signal);
        } catch {
          break;
        }
        if (await Promise.race([gone.then(() => true), new Promise((resolve) => setTimeout(() => resolve(false), 5000))])) break;
      }
    }
    try {
      process.kill(-(child.pid as number), 'SIGKILL');
    } catch {
      // The group is gone.
    }
    rmSync(cwd, { recursive: true, force: true });
  };
  const until = Date.now() + 90_000;
  while (Date.now() < until) {
    if (child.exitCode !== null) break;
    if (
      await fetch(ready).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      return { ...urls, [Symbol.asyncDispose]: stop };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await stop();
  throw new Error(
    `${command} did not become ready: ${log
      .join('')
      .split('\n')
      .filter((line) => !/^[|+]/.test(line))
      .slice(-30)
      .join('\n')}`,
  );
}

function temporary(name: string): string {
  return mkdtempSync(join(tmpdir(), `modelwright-${name}-`));
}

/** Sleeps `base + each × rows` for what is executed together, so that batching pays by a known amount. */
export interface SleepModel {
  readonly baseMilliseconds: number;
  readonly eachMilliseconds: number;
  readonly maxBatch: number;
  readonly dynamicBatching: boolean;
}

/** The embedded interpreter looks at its own paths only, so the model names where numpy is. */
const tritonModel = (packages: string) => `import sys
import time

sys.path.insert(0, ${JSON.stringify(packages)})
import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        import json
        parameters = json.loads(args["model_config"])["parameters"]
        self.base = float(parameters["base"]["string_value"]) / 1000
        self.each = float(parameters["each"]["string_value"]) / 1000

    def execute(self, requests):
        inputs = [pb_utils.get_input_tensor_by_name(request, "x").as_numpy() for request in requests]
        rows = sum(len(x) for x in inputs)
        time.sleep(self.base + self.each * rows)
        return [pb_utils.InferenceResponse([pb_utils.Tensor("y", x.sum(axis=1, keepdims=True).astype(np.float32))]) for x in inputs]
`;

/** The real tritonserver (out of the nvidia-pytriton wheel) with its Python backend and the model \`linear\`. */
export async function startTriton(
  model: SleepModel = { baseMilliseconds: 2, eachMilliseconds: 0.2, maxBatch: 32, dynamicBatching: true },
  more: readonly string[] = [],
): Promise<RealServer> {
  const folder = componentFolder('triton');
  const version = readdirSync(join(folder, 'lib')).find((name) => name.startsWith('python')) as string;
  const site = join(folder, 'lib', version, 'site-packages');
  const server = join(site, 'pytriton', 'tritonserver');
  const cwd = temporary('triton');
  // The stub must be that of the Python in use, beside the backend's library.
  const backend = join(cwd, 'backends', 'python');
  mkdirSync(backend, { recursive: true });
  for (const file of ['libtriton_python.so', 'triton_python_backend_utils.py'])
    copyFileSync(join(server, 'backends', 'python', file), join(backend, file));
  copyFileSync(
    join(server, 'python_backend_stubs', version.replace('python', ''), 'triton_python_backend_stub'),
    join(backend, 'triton_python_backend_stub'),
  );
  spawnSync('chmod', ['+x', join(backend, 'triton_python_backend_stub')]);
  mkdirSync(join(cwd, 'models', 'linear', '1'), { recursive: true });
  writeFileSync(join(cwd, 'models', 'linear', '1', 'model.py'), tritonModel(site));
  writeFileSync(
    join(cwd, 'models', 'linear', 'config.pbtxt'),
    `name: "linear"
backend: "python"
max_batch_size: ${model.maxBatch}
input [ { name: "x" data_type: TYPE_FP32 dims: [ 4 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 1 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
parameters [ { key: "base" value: { string_value: "${model.baseMilliseconds}" } }, { key: "each" value: { string_value: "${model.eachMilliseconds}" } } ]
${model.dynamicBatching ? 'dynamic_batching { max_queue_delay_microseconds: 500 }' : ''}
`,
  );
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const python = readPythonHome(folder);
  return start({
    command: join(server, 'bin', 'tritonserver'),
    args: [
      `--model-repository=${join(cwd, 'models')}`,
      `--backend-directory=${join(cwd, 'backends')}`,
      `--http-port=${http}`,
      `--grpc-port=${grpc}`,
      `--metrics-port=${metrics}`,
      '--http-address=127.0.0.1',
      '--grpc-address=127.0.0.1',
      ...more,
    ],
    env: { LD_LIBRARY_PATH: [join(site, 'nvidia_pytriton.libs'), join(python, 'lib')].join(':'), PYTHONHOME: python, PYTHONPATH: site },
    cwd,
    ready: `http://127.0.0.1:${http}/v2/health/ready`,
    urls: { http: `http://127.0.0.1:${http}`, grpc: `grpc://127.0.0.1:${grpc}`, metrics: `http://127.0.0.1:${metrics}/metrics` },
  });
}

/** The Python that a virtual environment was made from. */
function readPythonHome(folder: string): string {
  const home = /^home\s*=\s*(.*)$/m.exec(readFileSync(join(folder, 'pyvenv.cfg'), 'utf8'))?.[1] as string;
  return join(home.trim(), '..');
}

/** A scikit-learn model file made by the component's own Python. */
function irisModel(python: string, file: string): void {
  const made = spawnSync(python, [
    '-c',
    `import joblib, sys; from sklearn.datasets import load_iris; from sklearn.linear_model import LogisticRegression; x, y = load_iris(return_X_y=True); joblib.dump(LogisticRegression(max_iter=500).fit(x, y), sys.argv[1])`,
    file,
  ]);
  if (made.status !== 0) throw new Error(`the scikit-learn model could not be made: ${made.stderr.toString().slice(-500)}`);
}

/** MLServer with a logistic regression on iris; V2 over REST and gRPC. `settings` are laid over its own. */
export async function startMlServer(settings: object = {}): Promise<RealServer> {
  const folder = componentFolder('mlserver');
  const cwd = temporary('mlserver');
  irisModel(join(folder, 'bin', 'python'), join(cwd, 'model.joblib'));
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  writeFileSync(
    join(cwd, 'settings.json'),
    JSON.stringify({
      host: '127.0.0.1',
      http_port: http,
      grpc_port: grpc,
      metrics_port: metrics,
      parallel_workers: 0,
      debug: false,
      ...settings,
    }),
  );
  writeFileSync(
    join(cwd, 'model-settings.json'),
    JSON.stringify({
      name: 'iris',
      implementation: 'mlserver_sklearn.SKLearnModel',
      parameters: { uri: './model.joblib', version: 'v1' },
      inputs: [{ name: 'x', datatype: 'FP64', shape: [-1, 4] }],
      outputs: [{ name: 'predict', datatype: 'INT64', shape: [-1, 1] }],
    }),
  );
  return start({
    command: join(folder, 'bin', 'mlserver'),
    args: ['start', cwd],
    cwd,
    ready: `http://127.0.0.1:${http}/v2/models/iris/ready`,
    urls: { http: `http://127.0.0.1:${http}`, grpc: `grpc://127.0.0.1:${grpc}`, metrics: `http://127.0.0.1:${metrics}/metrics` },
  });
}

const kserveModel = `import sys
from kserve import InferOutput, InferResponse, Model, ModelServer
import numpy as np


class Linear(Model):
    def __init__(self, name):
        super().__init__(name)
        self.ready = True

    def load(self):
        return True

    async def get_input_types(self):
        return [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}]

    async def get_output_types(self):
        return [{"name": "y", "datatype": "FP32", "shape": [-1, 1]}]

    async def predict(self, payload, headers=None, response_headers=None):
        if isinstance(payload, dict):
            return {"predictions": [float(sum(row)) for row in payload["instances"]]}
        x = payload.inputs[0].as_numpy()
        y = x.sum(axis=1, keepdims=True).astype(np.float32)
        output = InferOutput("y", list(y.shape), "FP32")
        output.set_data_from_numpy(y, binary_data=False)
        return InferResponse(response_id=payload.id or "1", model_name=self.name, infer_outputs=[output])


if __name__ == "__main__":
    ModelServer(http_port=int(sys.argv[1]), grpc_port=int(sys.argv[2]), workers=1).start([Linear("linear")])
`;

/** KServe's own Python server with a small model class; V1 and V2. */
export async function startKServe(): Promise<RealServer> {
  const folder = componentFolder('kserve');
  const cwd = temporary('kserve');
  writeFileSync(join(cwd, 'server.py'), kserveModel);
  const [http, grpc] = [await freePort(), await freePort()];
  return start({
    command: join(folder, 'bin', 'python'),
    args: ['server.py', String(http), String(grpc)],
    cwd,
    ready: `http://127.0.0.1:${http}/v1/models/linear`,
    urls: { http: `http://127.0.0.1:${http}`, grpc: `grpc://127.0.0.1:${grpc}`, metrics: `http://127.0.0.1:${http}/metrics` },
  });
}

const torchHandler = `import json
import time


class Handler:
    def initialize(self, context):
        self.ready = True

    def handle(self, data, context):
        time.sleep(0.002)
        results = []
        for row in data:
            body = row.get("body") or row.get("data")
            if isinstance(body, (bytes, bytearray)):
                body = json.loads(body)
            results.append({"predictions": [sum(x) for x in body["instances"]]})
        return results


_service = Handler()


def handle(data, context):
    if not hasattr(_service, "ready"):
        _service.initialize(context)
    if data is None:
        return None
    return _service.handle(data, context)
`;

/** The real TorchServe (Java front end, one Python worker) with a handler that needs no torch. */
export async function startTorchServe(): Promise<RealServer> {
  const folder = componentFolder('torchserve');
  const cwd = temporary('torchserve');
  mkdirSync(join(cwd, 'store'));
  writeFileSync(join(cwd, 'handler.py'), torchHandler);
  writeFileSync(join(cwd, 'weights.pt'), '');
  const path = `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`;
  const archived = spawnSync(
    join(folder, 'bin', 'torch-model-archiver'),
    ['--model-name', 'linear', '--version', '1.0', '--handler', 'handler.py', '--serialized-file', 'weights.pt', '--export-path', 'store'],
    { cwd, env: { ...process.env, PATH: path } },
  );
  if (!existsSync(join(cwd, 'store', 'linear.mar'))) throw new Error(`torch-model-archiver: ${archived.stderr.toString().slice(-800)}`);
  const [http, management, metrics, grpc, grpcManagement] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  writeFileSync(
    join(cwd, 'config.properties'),
    `inference_address=http://127.0.0.1:${http}
management_address=http://127.0.0.1:${management}
metrics_address=http://127.0.0.1:${metrics}
grpc_inference_port=${grpc}
grpc_management_port=${grpcManagement}
disable_token_authorization=true
enable_envvars_config=false
metrics_mode=prometheus
default_workers_per_model=1
model_store=${join(cwd, 'store')}
load_models=linear.mar
models={"linear": {"1.0": {"defaultVersion": true, "marName": "linear.mar", "minWorkers": 1, "maxWorkers": 1, "batchSize": 4, "maxBatchDelay": 2, "responseTimeout": 60}}}
`,
  );
  return start({
    command: join(folder, 'bin', 'torchserve'),
    args: ['--start', '--foreground', '--ncs', '--ts-config', 'config.properties', '--model-store', 'store'],
    env: { PATH: path, LOG_LOCATION: join(cwd, 'logs'), METRICS_LOCATION: join(cwd, 'logs'), TEMP: cwd },
    cwd,
    ready: `http://127.0.0.1:${management}/models/linear`,
    urls: { http: `http://127.0.0.1:${http}`, grpc: `grpc://127.0.0.1:${grpc}`, metrics: `http://127.0.0.1:${metrics}/metrics` },
  });
}
