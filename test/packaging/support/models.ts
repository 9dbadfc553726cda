import { execFile } from 'node:child_process';
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ensureVenv } from '../../support/python.ts';

const run = promisify(execFile);
const here = fileURLToPath(new URL('../models/', import.meta.url));

export interface RealModels {
  readonly folder: string;
  /** One artefact of each framework, as its own library wrote it. */
  readonly sources: Readonly<Record<'SKLearn' | 'Triton' | 'TorchServe' | 'TFServing', string>>;
}

/** Trains and exports the models in a fresh folder; the SavedModel is a copy of the one that TensorFlow made. */
export async function makeModels(): Promise<RealModels> {
  const venv = await ensureVenv('models', ['onnx', 'scikit-learn==1.5.2', 'joblib', 'torch-model-archiver']);
  const folder = await mkdtemp(join(tmpdir(), 'modelwright-models-'));
  await run(join(venv, 'bin/python'), [join(here, 'make_models.py'), folder]);
  await cp(join(here, 'saved_model'), join(folder, 'saved_model'), { recursive: true });
  return {
    folder,
    sources: {
      SKLearn: join(folder, 'sklearn'),
      Triton: join(folder, 'onnx'),
      TorchServe: join(folder, 'mar'),
      TFServing: join(folder, 'saved_model'),
    },
  };
}
