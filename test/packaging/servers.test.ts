/** The real model servers load what `package` made, from the folder that `fetch` unpacked it into. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { defaultLimits } from '../../src/packaging/limits.ts';
import { writePackageFile } from '../../src/packaging/package-file.ts';
import { prepareFolder } from '../../src/packaging/prepare.ts';
import { openFile } from '../../src/packaging/random-access.ts';
import { extract } from '../../src/packaging/zip/extract.ts';
import { ensureVenv } from '../support/python.ts';
import { freePort } from './support/free-port.ts';
import { makeModels, type RealModels } from './support/models.ts';
import { startServer } from './support/server-process.ts';
import { startTriton } from './support/triton.ts';

const kserve = { major: 0, minor: 20 } as const;

describe('the real servers', { timeout: 900_000 }, () => {
  let models: RealModels;
  let work: string;
  before(async () => {
    models = await makeModels();
    work = await mkdtemp(join(tmpdir(), 'modelwright-servers-'));
  });
  after(async () => {
    for (const folder of [work, models?.folder]) if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  /** Packages a folder, unpacks the zip as it would be at /mnt/models, and returns that folder. */
  async function mounted(source: string, name: string): Promise<string> {
    const prepared = await prepareFolder(source, { kserve, name, generate: true });
    assert.deepEqual(
      prepared.findings.filter(({ severity }) => severity === 'error'),
      [],
    );
    const zip = await writePackageFile(prepared.entries, join(work, `${name}.zip`), prepared.layout);
    const target = join(work, name);
    await using archive = await openFile(zip.path);
    await extract(archive, target, defaultLimits);
    return target;
  }

  it('MLServer loads the scikit-learn package and predicts', async () => {
    const folder = await mounted(models.sources.SKLearn, 'iris');
    const venv = await ensureVenv('mlserver', ['mlserver==1.7.1', 'mlserver-sklearn==1.7.1']);
    const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
    const url = `http://127.0.0.1:${http}/v2/models/iris`;
    await using _server = await startServer(
      join(venv, 'bin/mlserver'),
      ['start', folder],
      {
        ...process.env,
        PATH: `${join(venv, 'bin')}:${process.env['PATH'] ?? ''}`,
        MLSERVER_MODEL_IMPLEMENTATION: 'mlserver_sklearn.SKLearnModel',
        MLSERVER_MODEL_NAME: 'iris',
        MLSERVER_MODEL_URI: folder,
        MLSERVER_HTTP_PORT: String(http),
        MLSERVER_GRPC_PORT: String(grpc),
        MLSERVER_METRICS_PORT: String(metrics),
        MLSERVER_HOST: '127.0.0.1',
        MLSERVER_PARALLEL_WORKERS: '0',
      },
      async () => (await fetch(`${url}/ready`)).ok,
    );
    const response = await fetch(`${url}/infer`, {
      method: 'POST',
      body: JSON.stringify({ inputs: [{ name: 'x', shape: [2, 4], datatype: 'FP32', data: [5.1, 3.5, 1.4, 0.2, 6.7, 3, 5.2, 2.3] }] }),
      headers: { 'content-type': 'application/json' },
    });
    const answer = (await response.json()) as { outputs: { data: number[] }[] };
    assert.deepEqual(answer.outputs[0]?.data, [0, 2]);
  });

  it('TorchServe starts from the generated config.properties and snapshot, at /mnt/models as KServe mounts it', async () => {
    const folder = await mounted(models.sources.TorchServe, 'double');
    assert.deepEqual((await readdir(folder)).sort(), ['config', 'model-store']);
    const venv = await ensureVenv('torchserve', ['torchserve==0.12.0', 'torch-model-archiver', 'pyyaml', 'psutil', 'packaging']);
    // The handlers need no torch, and TorchServe's Python side only asks for these names.
    const stand = join(work, 'stand-in');
    await mkdir(stand, { recursive: true });
    await writeFile(
      join(stand, 'torch.py'),
      'class Tensor: pass\nclass cuda:\n    is_available = staticmethod(lambda: False)\ndef is_tensor(value): return False\n',
    );
    const script = [
      'mount -t tmpfs none /mnt',
      'mkdir /mnt/models',
      `mount --bind '${folder}' /mnt/models`,
      `exec '${join(venv, 'bin/torchserve')}' --start --foreground --ncs --disable-token-auth --model-store=/mnt/models/model-store --ts-config=/mnt/models/config/config.properties`,
    ].join(' && ');
    const logs = join(work, 'torchserve-logs');
    await using _server = await startServer(
      'unshare',
      ['--mount', 'sh', '-c', script],
      {
        ...process.env,
        PATH: `${join(venv, 'bin')}:${process.env['PATH'] ?? ''}`,
        PYTHONPATH: stand,
        LOG_LOCATION: logs,
        METRICS_LOCATION: logs,
      },
      async () => {
        const response = await fetch('http://127.0.0.1:8085/models');
        const { models: listed } = (await response.json()) as { models: { modelName: string }[] };
        return listed.length === 2;
      },
    );
    for (const name of ['double', 'twice']) {
      const answer = await predictWhenUp(`http://127.0.0.1:8085/predictions/${name}`, [1, 2, 3.5]);
      assert.deepEqual(answer, [2, 4, 7]);
    }
  });

  it('Triton loads a packaged Python model and infers; of the generated ONNX configuration it misses only the back-end', async () => {
    const source = join(work, 'double-source');
    await mkdir(join(source, 'double/1'), { recursive: true });
    await writeFile(
      join(source, 'double/config.pbtxt'),
      'backend: "python"\nmax_batch_size: 4\ninput { name: "x" data_type: TYPE_FP32 dims: [2] }\noutput { name: "y" data_type: TYPE_FP32 dims: [2] }\n',
    );
    await writeFile(
      join(source, 'double/1/model.py'),
      'import triton_python_backend_utils as u\nclass TritonPythonModel:\n    def execute(self, requests):\n        return [u.InferenceResponse(output_tensors=[u.Tensor("y", 2 * u.get_input_tensor_by_name(r, "x").as_numpy())]) for r in requests]\n',
    );
    const folder = await mounted(source, 'double-triton');
    const onnx = await mounted(models.sources.Triton, 'linear');
    const { cp } = await import('node:fs/promises');
    await cp(join(onnx, 'linear'), join(folder, 'linear'), { recursive: true });
    await using triton = await startTriton(folder);
    const response = await fetch(`${triton.url}/v2/models/double/infer`, {
      method: 'POST',
      body: JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2.5] }] }),
    });
    const answer = (await response.json()) as { outputs: { data: number[] }[] };
    assert.deepEqual(answer.outputs[0]?.data, [2, 5]);
    const linear = (await triton.index()).find(({ name }) => name === 'linear');
    assert.match(linear?.reason ?? '', /unable to find backend library for backend 'onnxruntime'/);
  });
});

/** TorchServe lists a model before its worker answers. */
async function predictWhenUp(url: string, body: unknown): Promise<unknown> {
  for (let tries = 0; ; tries += 1) {
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    if (tries > 120) throw new Error(text);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
