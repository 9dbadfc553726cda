import { Argument, Command } from 'commander';
import { type RuntimeType, runtimeTypes } from '../../api/model-deployment/runtime.ts';
import { platformName, type RuntimeDeclaration, type ServingPlatformStatus } from '../../api/serving-platform/index.ts';
import { updateAnnotation } from '../../controllers/platform/declarations.ts';
import { servingPlatforms } from '../../controllers/platform/resources.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isDigest, parseImage } from '../../models/image-reference.ts';
import { type ConnectionOptions, withClient, withConnection } from '../connection.ts';
import { Failure } from '../failure.ts';
import { printTable } from '../table.ts';
import { changeSpec, fieldManager, readPlatform } from './live.ts';

interface SetOptions extends ConnectionOptions {
  readonly gpuVersion?: string;
  readonly pinDigests?: boolean;
}

/** `modelwright images ls|set|update`. */
export function imagesCommand(): Command {
  const command = new Command('images').description('Images of the model servers, as the ServingPlatform declares them');
  const list = new Command('ls')
    .description('Which image each runtime type gets, by what, and how many models have come to it')
    .action((options: ConnectionOptions) => withClient(options, listImages));
  const set = new Command('set')
    .description('Declare the image of a runtime type')
    .addArgument(new Argument('<type>', 'runtime type').choices(runtimeTypes))
    .argument('<image>', 'a tag, a range (^2.2, 20.x), a digest (sha256:…), or an image with one of them')
    .option('--pin-digests', 'ask the registry once, and give models the digest')
    .option('--gpu-version <version>', 'tag, range or digest for models with a GPU')
    .action((type: RuntimeType, image: string, options: SetOptions) =>
      withClient(options, (client) => setImage(client, type, image, options)),
    );
  const update = new Command('update')
    .description('Ask the registries again what ranges and pinned tags stand for; models follow as spec.rollout says')
    .addArgument(new Argument('[types...]', 'runtime types (default: all that are resolved)').choices(runtimeTypes))
    .action((types: RuntimeType[], options: ConnectionOptions) => withClient(options, (client) => updateImages(client, types)));
  for (const child of [list, set, update]) command.addCommand(withConnection(child));
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
  const resolved = new Map(platform?.status?.resolutions?.map((resolution) => [resolution.type, resolution]));
  process.stdout.write(
    printTable(
      [
        { heading: 'type', cell: ({ type }) => type },
        { heading: 'version', cell: ({ version }) => version },
        { heading: 'image in effect', cell: ({ type }) => inEffect.get(type)?.image ?? '(not in effect)' },
        { heading: 'gpu image', cell: ({ type }) => inEffect.get(type)?.gpuImage ?? '' },
        { heading: 'resolved', cell: ({ type }) => resolvedText(resolved.get(type)) },
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

type Resolution = NonNullable<ServingPlatformStatus['resolutions']>[number];

/** `20.x → 20.10-py3 → sha256:0123456789ab…, 2026-01-01T00:00:00Z`. */
function resolvedText(resolution: Resolution | undefined): string {
  if (resolution === undefined) return '';
  const { version, platforms, resolvedTime } = resolution;
  const steps = [version.wanted, version.tag, version.digest?.slice(0, 19).concat('…')].filter((step) => step !== undefined);
  return [[...new Set(steps)].join(' → '), platforms.join(' '), resolvedTime].filter((part) => part !== '').join(', ');
}

/** Leaves a mark on the ServingPlatform that the operator answers. */
async function updateImages(client: KubeClient, types: readonly RuntimeType[]): Promise<void> {
  const platform = await readPlatform(client);
  const resolved = platform?.status?.resolutions?.map(({ type }) => type) ?? [];
  const stray = types.filter((type) => !resolved.includes(type));
  if (stray.length > 0)
    throw new Failure(
      `${stray.join(', ')}: nothing is resolved, so there is nothing to update; declare a range as version, or pinDigests, in spec.runtimes`,
    );
  const chosen = types.length > 0 ? types : resolved;
  if (chosen.length === 0) {
    process.stdout.write('No range and no digest is resolved, so there is nothing to update.\n');
    return;
  }
  const now = new Date().toISOString();
  const annotations = Object.fromEntries(chosen.map((type) => [updateAnnotation(type), now]));
  await client.patch(servingPlatforms, { name: platformName }, { metadata: { annotations } }, { kind: 'merge', fieldManager });
  process.stdout.write(`${chosen.join(', ')}: the registry is asked again; see modelwright images ls\n`);
}

async function setImage(client: KubeClient, type: RuntimeType, image: string, { gpuVersion, pinDigests }: SetOptions): Promise<void> {
  const declaration = {
    ...declarationOf(type, image),
    ...(gpuVersion !== undefined && { gpuVersion }),
    ...(pinDigests === true && { pinDigests }),
  };
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
