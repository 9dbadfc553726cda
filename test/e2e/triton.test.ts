/** A model repository on the real Triton, from a folder on this machine to inference by V2. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { deploy, untilReady } from './support/model.ts';
import { ask, modelsNamespace, push } from './support/world.ts';

/** Doubles what it gets: the answer shows that this code ran. */
const MODEL = `import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        inputs = [pb_utils.get_input_tensor_by_name(request, "x").as_numpy() for request in requests]
        return [pb_utils.InferenceResponse([pb_utils.Tensor("y", 2 * x)]) for x in inputs]
`;

const CONFIG = `name: "double"
backend: "python"
max_batch_size: 8
input [ { name: "x" data_type: TYPE_FP32 dims: [ 4 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 4 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
`;

describe('a model on Triton', () => {
  let folder: string;
  let namespace: Awaited<ReturnType<typeof modelsNamespace>>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelwright-triton-model-'));
    await mkdir(join(folder, 'double/1'), { recursive: true });
    await writeFile(join(folder, 'double/1/model.py'), MODEL);
    await writeFile(join(folder, 'double/config.pbtxt'), CONFIG);
    namespace = await modelsNamespace();
  });
  after(async () => {
    await namespace?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('is pushed, downloaded and served: V2 answers for one row and for two, and Triton counts them', async () => {
    await deploy(namespace.name, 'doubler', { storageUri: await push(folder), runtime: 'Triton', memory: '768Mi' });
    const { addresses } = await untilReady(namespace.name, 'doubler');
    const url = addresses?.internal?.url ?? '';
    const infer = (rows: number, data: number[]) =>
      ask(namespace.name, `${url}/v2/models/double/infer`, { inputs: [{ name: 'x', shape: [rows, 4], datatype: 'FP32', data }] });
    for (const data of [
      [1, 2, 3, 4],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ]) {
      const { status, body } = await infer(data.length / 4, data);
      assert.equal(status, 200, JSON.stringify(body));
      const { outputs } = body as { outputs: { shape: number[]; data: number[] }[] };
      assert.deepEqual([outputs[0]?.shape, outputs[0]?.data], [[data.length / 4, 4], data.map((value) => 2 * value)]);
    }
    const { body } = await ask(namespace.name, `${url}/v2/models/double/stats`);
    const [stats] = (body as { model_stats: { inference_count: number; execution_count: number }[] }).model_stats;
    assert.deepEqual([stats?.inference_count, stats?.execution_count], [3, 2]);
  });
});
