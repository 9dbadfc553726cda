/** Every image that can be made here, by its name. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Say } from '../controlplane/log.ts';
import { certificatesLayer, rootLayer, USER } from './debian.ts';
import { fromFile } from './entries.ts';
import { type Image, makeImage } from './image.ts';
import { cachedLayer, type Layer } from './layer.ts';
import { modelwrightImage } from './modelwright.ts';
import { REGISTRY } from './names.ts';
import { nodeProgramImage } from './node-program.ts';
import { pauseImage } from './pause.ts';

import { packagesLayer, pythonLayer } from './python.ts';
import { torchServeImage } from './torchserve.ts';
import { tritonImage } from './triton.ts';

export interface Recipe {
  /** Registry, repository and tag. */
  readonly reference: string;
  /** One line for a person: what it is, and what of it is real. */
  readonly summary: string;
  make(say: Say): Promise<Image>;
}

const PROGRAMS = join(import.meta.dirname, 'programs');
const AZURITE = join(import.meta.dirname, '../../node_modules/azurite');
const PYTHON_ENV = ['PATH=/usr/local/bin:/usr/bin', 'PYTHONUNBUFFERED=1', 'PYTHONDONTWRITEBYTECODE=1'];

const references = {
  modelwright: `${REGISTRY}/modelwright:latest-build`,
  storageInitializer: `${REGISTRY}/storage-initializer:0.20.0`,
  sklearn: `${REGISTRY}/sklearn-server:0.20.0`,
  triton: `${REGISTRY}/tritonserver:0.7.0-python`,
  torchserve: `${REGISTRY}/torchserve:0.12.0-without-torch`,
  tfservingProtocol: `${REGISTRY}/tfserving-protocol-test-server:1`,
  azurite: `${REGISTRY}/azurite:${azuriteVersion()}`,
  fakeDcgmExporter: `${REGISTRY}/fake-dcgm-exporter:1`,
} as const;

export const recipes = {
  modelwright: {
    reference: references.modelwright,
    summary: 'Modelwright itself, from dist/',
    make: (say) => modelwrightImage({ say, reference: references.modelwright }),
  },
  pause: {
    reference: `${REGISTRY}/pause:1`,
    summary: 'what holds a Pod’s network: catatonit of Debian',
    make: pauseImage,
  },
  'storage-initializer': {
    reference: references.storageInitializer,
    summary: 'KServe’s storage initializer: PyPI’s kserve-storage',
    make: (say) =>
      pythonImage(say, {
        name: 'storage-initializer',
        reference: references.storageInitializer,
        program: 'storage_initializer.py',
        certificates: true,
      }),
  },
  sklearn: {
    reference: references.sklearn,
    summary: 'a scikit-learn server, V1 and V2: PyPI’s kserve with a model class of ours',
    make: (say) => pythonImage(say, { name: 'sklearn', reference: references.sklearn, program: 'sklearn_server.py' }),
  },
  triton: {
    reference: references.triton,
    summary: 'the real Triton Inference Server with its Python backend, out of PyPI’s nvidia-pytriton',
    make: (say) => tritonImage(say, references.triton),
  },
  torchserve: {
    reference: references.torchserve,
    summary: 'the real TorchServe of PyPI, without PyTorch, behind a server of ours in the place of KServe’s wrapper',
    make: (say) => torchServeImage(say, references.torchserve),
  },
  'tfserving-protocol': {
    reference: references.tfservingProtocol,
    summary: 'a test server that speaks TensorFlow Serving’s protocols; it is not TensorFlow Serving',
    make: (say) =>
      nodeProgramImage(say, {
        reference: references.tfservingProtocol,
        entry: join(PROGRAMS, 'tfserving-protocol-server.ts'),
        // Where KServe's runtime for TensorFlow Serving looks for a program.
        path: 'usr/bin/tensorflow_model_server',
      }),
  },
  azurite: {
    reference: references.azurite,
    summary: 'Azurite’s Blob service, of npm',
    make: (say) =>
      nodeProgramImage(say, {
        reference: references.azurite,
        entry: join(AZURITE, 'dist/src/blob/main.js'),
        path: 'app/azurite-blob',
        without: ['pg-hstore'],
      }),
  },
  'fake-dcgm-exporter': {
    reference: references.fakeDcgmExporter,
    summary: 'a fake DCGM exporter: figures of GPUs that do not exist, as a test wants them',
    make: (say) =>
      nodeProgramImage(say, {
        reference: references.fakeDcgmExporter,
        entry: join(PROGRAMS, 'fake-dcgm-exporter.ts'),
        path: 'app/fake-dcgm-exporter',
      }),
  },
} as const satisfies Readonly<Record<string, Recipe>>;

export type ImageName = keyof typeof recipes;

/** The image is named after what package-lock.json has put there. */
function azuriteVersion(): string {
  return JSON.parse(readFileSync(join(AZURITE, 'package.json'), 'utf8')).version as string;
}

interface PythonImage {
  /** Of the list of packages. */
  readonly name: string;
  readonly reference: string;
  /** File below `programs/`. */
  readonly program: string;
  readonly certificates?: boolean;
}

async function pythonImage(say: Say, { name, reference, program, certificates = false }: PythonImage): Promise<Image> {
  const options = { say, purpose: `the image ${name}` };
  const layers: Layer[] = [await rootLayer(), await pythonLayer(options)];
  if (certificates) layers.push(await certificatesLayer(options));
  layers.push(await packagesLayer(name, say), await programLayer(program));
  return makeImage({
    reference,
    layers,
    run: { User: USER, Entrypoint: ['/usr/bin/python3.11', `/app/${program}`], Env: PYTHON_ENV, WorkingDir: '/tmp' },
  });
}

/** One file of `programs/`. */
async function programLayer(program: string): Promise<Layer> {
  const file = join(PROGRAMS, program);
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
  return cachedLayer(['program', program, digest], async () => [{ ...fromFile(file, `app/${program}`), mode: 0o644 }]);
}
