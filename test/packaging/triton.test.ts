/** The real Triton judges the table of broken models: it refuses each, in the words the table expects, and loads the good ones. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type BrokenModel, brokenModels, goodConfigs } from '../../src/models/triton/broken-models.fixture.ts';
import { startTriton, type Triton } from './support/triton.ts';

const pythonModel = `import triton_python_backend_utils as utils

class TritonPythonModel:
    def execute(self, requests):
        return [utils.InferenceResponse(output_tensors=[utils.Tensor("y", utils.get_input_tensor_by_name(request, "x").as_numpy())])
                for request in requests]
`;

/** Triton itself dies now and then (SIGSEGV) over a warm-up that it should refuse. So those have a server of their own, which is soon started again. */
const warmUps = brokenModels.filter(({ id }) => id.startsWith('warmup'));
const others = brokenModels.filter(({ id }) => !id.startsWith('warmup'));

describe('the real Triton and the lint', { timeout: 900_000 }, () => {
  let work: string;
  const verdicts: { readonly ready: ReadonlySet<string>; readonly log: string }[] = [];

  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'modelwright-repository-'));
    verdicts.push(await judged(join(work, 'others'), others, goodConfigs), await judged(join(work, 'warm-ups'), warmUps, {}));
  });
  after(() => rm(work, { recursive: true, force: true }));

  const isReady = (id: string) => verdicts.some(({ ready }) => ready.has(id));

  it('agree on every broken model: refused, for the reason that the table names', () => {
    const log = verdicts.map((verdict) => verdict.log).join('\n');
    const disagreements = brokenModels.flatMap(({ id, triton: words }) => [
      ...(isReady(id) ? [`${id}: Triton loads it`] : []),
      ...(linesAbout(log, id).some((line) => words.test(line)) ? [] : [`${id}: ${words} not among\n  ${linesAbout(log, id).join('\n  ')}`]),
    ]);
    assert.deepEqual(disagreements, []);
    assert.ok(warmUps.length > 0 && others.length > 0);
    console.log(`    ${brokenModels.length} broken models refused by both`);
  });

  it('agree on every good model: ready', () => {
    assert.deepEqual(
      Object.keys(goodConfigs).filter((id) => !isReady(id)),
      [],
    );
  });
});

/** Has a server load these models, and gives what became of them. */
async function judged(repository: string, broken: readonly BrokenModel[], good: Readonly<Record<string, string>>) {
  const write = async (model: string, file: string, text: string) => {
    await mkdir(dirname(join(repository, model, file)), { recursive: true });
    await writeFile(join(repository, model, file), text);
  };
  for (const [id, config] of Object.entries(good)) {
    await write(id, 'config.pbtxt', config);
    await write(id, '1/model.py', pythonModel);
  }
  for (const { id, config, files } of broken) {
    if (config !== undefined) await write(id, 'config.pbtxt', config);
    for (const file of files) await write(id, file, pythonModel);
  }
  await using triton = await startTritonOver(repository);
  const ready = new Set((await triton.index()).filter(({ state }) => state === 'READY').map(({ name }) => name));
  return { ready, log: triton.log() };
}

async function startTritonOver(repository: string): Promise<Triton> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startTriton(repository);
    } catch (error) {
      if (tries === 6 || !(error instanceof Error) || !/and ended with SIG/.test(error.message)) throw error;
      console.log(`    Triton died as it loaded the broken models: ${error.message.split('\n', 1)[0]}`);
    }
  }
}

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
