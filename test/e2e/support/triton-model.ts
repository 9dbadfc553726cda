/** A model repository for Triton's Python backend, in a temporary folder. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

/** The folder, with the model `double` in it; the caller removes it. */
export async function makeDoubler(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modelwright-triton-model-'));
  await mkdir(join(folder, 'double/1'), { recursive: true });
  await writeFile(join(folder, 'double/1/model.py'), MODEL);
  await writeFile(join(folder, 'double/config.pbtxt'), CONFIG);
  return folder;
}
