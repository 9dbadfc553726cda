/**
 * The real Triton Inference Server with its Python backend: the program inside PyPI's nvidia-pytriton. Other backends are not in that
 * package, and no GPU is looked for in vain by anything but Triton itself, which says so once.
 */
import { join } from 'node:path';
import type { Say } from '../controlplane/log.ts';
import { debianLayer, rootLayer } from './debian.ts';
import { fromFile, fromFolder } from './entries.ts';
import { type Image, makeImage } from './image.ts';
import { cachedLayer } from './layer.ts';
import { installed, PYTHON, packagesLayer, pythonLayer, requirementsDigest } from './python.ts';
import type { Entry } from './tar.ts';

const HOME = 'opt/tritonserver';

/** As in NVIDIA's image; KServe's runtime for Triton asks for it. */
const TRITON_USER = 1000;

/** The backend starts its helper by bash, and the helper embeds the interpreter. */
const PACKAGES = ['bash', 'libpython3.11', 'libtinfo6'];

export async function tritonImage(say: Say, reference: string): Promise<Image> {
  const options = { say, purpose: 'the image triton' };
  const isNumpy = (path: string) => /\/dist-packages\/numpy/.test(path);
  const layers = [
    await rootLayer(),
    await pythonLayer(options),
    await debianLayer(PACKAGES, options),
    await packagesLayer('triton', say, isNumpy),
    await cachedLayer(['triton', 3, PYTHON, requirementsDigest('triton')], async () => serverFiles(await installed('triton', say))),
  ];
  return makeImage({
    reference,
    layers,
    run: {
      User: `${TRITON_USER}:${TRITON_USER}`,
      // NVIDIA's image, too, runs what it is given as arguments, beginning with "tritonserver".
      Entrypoint: ['/bin/bash', '-c', 'exec "$0" "$@"'],
      Cmd: ['tritonserver', '--model-repository=/models'],
      Env: [`PATH=/${HOME}/bin:/usr/bin:/bin`, `LD_LIBRARY_PATH=/${HOME}/lib`, 'PYTHONUNBUFFERED=1', 'PYTHONDONTWRITEBYTECODE=1'],
      WorkingDir: '/tmp',
    },
  });
}

/** Where Triton looks for its parts. It sets the mode of the helper itself at each start, which only its owner may do. */
function serverFiles(packages: string): Entry[] {
  const server = join(packages, 'pytriton/tritonserver');
  const program = (source: string, path: string): Entry => ({ ...fromFile(source, path), mode: 0o755 });
  return [
    program(join(server, 'bin/tritonserver'), `${HOME}/bin/tritonserver`),
    ...fromFolder(join(server, 'backends/python'), `${HOME}/backends/python`),
    {
      ...program(
        join(server, 'python_backend_stubs', PYTHON, 'triton_python_backend_stub'),
        `${HOME}/backends/python/triton_python_backend_stub`,
      ),
      owner: TRITON_USER,
    },
    ...fromFolder(join(packages, 'nvidia_pytriton.libs'), `${HOME}/lib`),
  ];
}
