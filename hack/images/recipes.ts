/** Every image that can be made here, by its name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Say } from '../controlplane/log.ts';
import { certificatesLayer, rootLayer, USER } from './debian.ts';
import { type Image, makeImage } from './image.ts';
import { kservePythonLayer } from './kserve-python.ts';
import type { Layer } from './layer.ts';
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
    summary: 'KServe’s storage initializer: its own first program, and PyPI’s kserve-storage',
    make: (say) =>
      pythonImage(say, {
        lists: ['storage-initializer'],
        reference: references.storageInitializer,
        source: 'python/storage-initializer',
        folder: 'storage-initializer',
        start: ['/storage-initializer/scripts/initializer-entrypoint'],
        certificates: true,
      }),
  },
  sklearn: {
    reference: references.sklearn,
    summary: 'KServe’s scikit-learn server, V1 and V2: its own sklearnserver on PyPI’s kserve',
    make: (say) =>
      pythonImage(say, {
        lists: ['sklearn', 'sklearn-storage'],
        reference: references.sklearn,
        source: 'python/sklearnserver',
        folder: 'sklearnserver',
        start: ['-m', 'sklearnserver'],
        env: ['PYTHONPATH=/sklearnserver'],
      }),
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
  readonly reference: string;
  /** Lists of packages; the first gives the image its name. */
  readonly lists: readonly [string, ...string[]];
  /** Folder of KServe's module with the program, and the image's. */
  readonly source: string;
  readonly folder: string;
  /** What Python starts. */
  readonly start: readonly string[];
  readonly env?: readonly string[];
  readonly certificates?: boolean;
}

async function pythonImage(
  say: Say,
  { reference, lists, source, folder, start, env = [], certificates = false }: PythonImage,
): Promise<Image> {
  const options = { say, purpose: `the image ${lists[0]}` };
  const layers: Layer[] = [await rootLayer(), await pythonLayer(options)];
  if (certificates) layers.push(await certificatesLayer(options));
  for (const list of lists) layers.push(await packagesLayer(list, say));
  layers.push(await kservePythonLayer(source, folder, say));
  return makeImage({
    reference,
    layers,
    run: { User: USER, Entrypoint: ['/usr/bin/python3.11', ...start], Env: [...PYTHON_ENV, ...env], WorkingDir: '/tmp' },
  });
}
