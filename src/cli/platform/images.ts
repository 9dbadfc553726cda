import { Argument, Command } from 'commander';
import { type RuntimeType, runtimeTypes } from '../../api/model-deployment/runtime.ts';
import type { RuntimeDeclaration } from '../../api/serving-platform/index.ts';
import { isDigest, parseImage } from '../../kserve/image.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type ConnectionOptions, withClient, withConnection } from '../connection.ts';
import { Failure } from '../failure.ts';
import { printTable } from '../table.ts';
import { changeSpec, readPlatform } from './live.ts';

interface SetOptions extends ConnectionOptions {
  readonly gpuVersion?: string;
}

/** `modelwright images ls|set`. */
export function imagesCommand(): Command {
  const command = new Command('images').description('Images of the model servers, as the ServingPlatform declares them');
  const list = new Command('ls')
    .description('Which image each runtime type gets, by what, and how many models have come to it')
    .action((options: ConnectionOptions) => withClient(options, listImages));
  const set = new Command('set')
    .description('Declare the image of a runtime type')
    .addArgument(new Argument('<type>', 'runtime type').choices(runtimeTypes))
    .argument('<image>', 'a tag, a digest (sha256:…), or an image with either')
    .option('--gpu-version <version>', 'tag or digest for models with a GPU')
    .action((type: RuntimeType, image: string, options: SetOptions) =>
      withClient(options, (client) => setImage(client, type, image, options)),
    );
  command.addCommand(withConnection(list)).addCommand(withConnection(set));
  return command;
}

async function listImages(client: KubeClient): Promise<void> {
  const platform = await readPlatform(client);
  const declared = platform?.spec.runtimes ?? [];
  if (declared.length === 0) {
    process.stdout.write('No image is declared: models get what KServe ships. Declare one with: modelwright images set TYPE IMAGE\n');
    return;
  }
  const inEffect = new Map(platform?.status?.runtimes?.map((runtime) => [runtime.type, runtime]));
  process.stdout.write(
    printTable(
      [
        { heading: 'type', cell: ({ type }) => type },
        { heading: 'version', cell: ({ version }) => version },
        { heading: 'image in effect', cell: ({ type }) => inEffect.get(type)?.image ?? '(not in effect)' },
        { heading: 'gpu image', cell: ({ type }) => inEffect.get(type)?.gpuImage ?? '' },
        {
          heading: 'managed via',
          cell: ({ type }) => [inEffect.get(type)?.managedVia, inEffect.get(type)?.runtimeName].filter(Boolean).join(' '),
        },
        { heading: 'updated', cell: ({ type }) => inEffect.get(type)?.models.summary ?? '' },
        { heading: 'behind', cell: ({ type }) => inEffect.get(type)?.models.behind.join(', ') ?? '' },
      ],
      declared,
    ),
  );
}

async function setImage(client: KubeClient, type: RuntimeType, image: string, { gpuVersion }: SetOptions): Promise<void> {
  const declaration = { ...declarationOf(type, image), ...(gpuVersion !== undefined && { gpuVersion }) };
  await changeSpec(client, (spec) => {
    const before = spec.runtimes?.find((runtime) => runtime.type === type);
    const next = before === undefined ? declaration : { ...before, ...declaration };
    const runtimes = spec.runtimes ?? [];
    return { ...spec, runtimes: before === undefined ? [...runtimes, next] : runtimes.map((one) => (one === before ? next : one)) };
  });
  process.stdout.write(`${type}: ${image} declared; see modelwright images ls for how far it has come\n`);
}

/** `20.10-py3`, `sha256:…`, `nvcr.io/nvidia/tritonserver:20.10-py3` or `host:5000/image@sha256:…`. */
export function declarationOf(type: RuntimeType, image: string): RuntimeDeclaration {
  if (isDigest(image) || !/[/:@]/.test(image)) return { type, version: image };
  const { repository, tag, digest } = parseImage(image);
  const version = digest ?? tag;
  if (version === undefined)
    throw new Failure(`${image} has neither a tag nor a digest; add the one that models are to get, as in ${image}:1.0`);
  return { type, image: repository, version };
}
