/** A model repository on the real Triton, from a folder on this machine to inference by V2. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { deploy, untilReady } from './support/model.ts';
import { makeDoubler } from './support/triton-model.ts';
import { ask, modelsNamespace, push } from './support/world.ts';

describe('a model on Triton', () => {
  let folder: string;
  let namespace: Awaited<ReturnType<typeof modelsNamespace>>;
  before(async () => {
    folder = await makeDoubler();
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
