/** The real Triton judges the table of broken models: it refuses each, in the words the table expects, and loads the good ones. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { brokenModels, goodConfigs } from '../../src/models/triton/broken-models.fixture.ts';
import { startTriton, type Triton } from './support/triton.ts';

const pythonModel = `import triton_python_backend_utils as utils

class TritonPythonModel:
    def execute(self, requests):
        return [utils.InferenceResponse(output_tensors=[utils.Tensor("y", utils.get_input_tensor_by_name(request, "x").as_numpy())])
                for request in requests]
`;

describe('the real Triton and the lint', { timeout: 600_000 }, () => {
  let repository: string;
  let triton: Triton;

  before(async () => {
    repository = await mkdtemp(join(tmpdir(), 'modelwright-repository-'));
    const write = async (model: string, file: string, text: string) => {
      await mkdir(dirname(join(repository, model, file)), { recursive: true });
      await writeFile(join(repository, model, file), text);
    };
    for (const [id, config] of Object.entries(goodConfigs)) {
      await write(id, 'config.pbtxt', config);
      await write(id, '1/model.py', pythonModel);
    }
    for (const { id, config, files } of brokenModels) {
      if (config !== undefined) await write(id, 'config.pbtxt', config);
      for (const file of files) await write(id, file, pythonModel);
    }
    triton = await startTriton(repository);
  });
  after(async () => {
    await triton?.[Symbol.asyncDispose]();
    await rm(repository, { recursive: true, force: true });
  });

  it('agree on every broken model: refused, for the reason that the table names', async () => {
    const ready = new Set((await triton.index()).filter(({ state }) => state === 'READY').map(({ name }) => name));
    const log = triton.log();
    const disagreements = brokenModels.flatMap(({ id, triton: words }) => [
      ...(ready.has(id) ? [`${id}: Triton loads it`] : []),
      ...(linesAbout(log, id).some((line) => words.test(line)) ? [] : [`${id}: ${words} not among\n  ${linesAbout(log, id).join('\n  ')}`]),
    ]);
    assert.deepEqual(disagreements, []);
    console.log(`    ${brokenModels.length} broken models refused by both`);
  });

  it('agree on every good model: ready', async () => {
    const ready = new Set((await triton.index()).filter(({ state }) => state === 'READY').map(({ name }) => name));
    assert.deepEqual(
      Object.keys(goodConfigs).filter((id) => !ready.has(id)),
      [],
    );
  });
});

/** Triton's log lines about one model. Errors of the text parser come just before the line that names the model. */
function linesAbout(log: string, id: string): string[] {
  const lines = log.split('\n');
  const about: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (!new RegExp(`['/" ]${id}['/" _]`).test(line)) continue;
    about.push(line);
    if (!line.includes('failed to read text proto')) continue;
    for (let before = index - 1; before >= 0 && /libprotobuf/.test(lines[before] ?? ''); before -= 1) about.push(lines[before] ?? '');
  }
  return about;
}
