import type { ModelDeployment } from '../api/model-deployment/index.ts';
import { type Protocol, protocolsOf } from '../api/model-deployment/runtime.ts';
import { type ImageReference, isDigest, parseImage } from '../models/image-reference.ts';
import type { KServeVersion } from '../models/kserve-version.ts';
import type { Dialect } from './dialect.ts';
import type { ServingRuntimeObject } from './facts.ts';
import { defaultGpuResource, resourceNameOf } from './gpu.ts';
import type { PlatformRuntime } from './platform/assignment.ts';
import { protocolVersion, type Runtime, runtimeTable, type ServerChoice } from './runtimes.ts';

/** The protocol that a ModelDeployment is spoken to with. */
export function protocolOf({ spec }: ModelDeployment): Protocol {
  return spec.runtime.protocol ?? protocolsOf[spec.runtime.type][0];
}

/** The model server that will be asked for, and how its image is named. */
export interface Server {
  readonly runtime: Runtime;
  readonly protocol: Protocol;
  /** The row of the runtime table; undefined where this KServe has no server for the protocol. */
  readonly choice?: ServerChoice;
  /** `predictor.model.runtime`; undefined where KServe is left to choose, or has no runtimes. */
  readonly runtimeName?: string;
  /** The image that the cluster, or else KServe as it ships, would run without a version of ours. */
  readonly defaultImage?: ImageReference;
  /** `image` to write; only for a digest. */
  readonly image?: string;
  /** `runtimeVersion` to write. */
  readonly runtimeVersion?: string;
}

/**
 * Chooses the server of a ModelDeployment. The runtime is always named where it is known, because KServe's own choice depends on
 * priorities and on whatever else is installed: `pytorch` on Triton is never chosen, and scikit-learn V2 would go to MLServer, whose
 * image tags are of another kind.
 */
export function chooseServer(deployment: ModelDeployment, dialect: Dialect): Server {
  const runtime = runtimeTable[deployment.spec.runtime.type];
  const protocol = protocolOf(deployment);
  const able = runtime.servers.filter((server) => speaks(server, protocol, dialect.version));
  const chosen = dialect.features.predictorModel ? chooseRuntime(able, runtime, protocol, dialect) : { choice: able[0] };
  const choice = chosen.choice;
  const configured = dialect.predictorImages?.[runtime.type]?.[protocol === 'V2' || protocol === 'GRPCV2' ? 'v2' : 'v1'];
  const configuredImage =
    configured &&
    parseImage(configured.defaultImageVersion === undefined ? configured.image : `${configured.image}:${configured.defaultImageVersion}`);
  // What the platform declares is the first server of a runtime; MLServer, where it stands in for V2, is another.
  const given = able[0] !== undefined && able[0] === runtime.servers[0] ? dialect.platformRuntimes?.[runtime.type] : undefined;
  const runtimeName = given?.name ?? chosen.name;
  const defaultImage =
    (given?.kind === 'Declared' ? parseImage(given.image) : undefined) ??
    imageOf(dialect.runtimes?.find(({ metadata }) => metadata.name === runtimeName) ?? chosen.object) ??
    configuredImage ??
    (choice && shippedImage(choice, dialect));
  return {
    runtime,
    protocol,
    ...(choice && { choice }),
    ...(runtimeName !== undefined && { runtimeName }),
    ...(defaultImage && { defaultImage }),
    ...((given && platformFields(given, deployment, runtime, dialect)) ??
      versionFields(deployment, choice !== undefined && runtime.gpuTag, defaultImage, dialect)),
  };
}

/** Version fields for what the platform gives; undefined where the model names a version of its own. */
function platformFields(
  given: PlatformRuntime,
  { spec }: ModelDeployment,
  runtime: Runtime,
  { features }: Dialect,
): { image?: string; runtimeVersion?: string } | undefined {
  if (spec.runtime.version !== undefined) return undefined;
  if (given.kind === 'Held') {
    const { runtimeVersion, image } = given;
    return { ...(runtimeVersion !== undefined && { runtimeVersion }), ...(image !== undefined && { image }) };
  }
  const { tag } = parseImage(given.image);
  if (spec.gpu !== undefined && given.gpuImage !== undefined) return imageFields(parseImage(given.gpuImage), features);
  // Without runtimes the version is written out, so that a service that is there already follows a change of the ConfigMap.
  if (!features.predictorModel) return tag === undefined ? {} : { runtimeVersion: tag };
  // KServe knows by the name or an annotation which runtimes have -gpu builds, and by neither does it know ours in every version.
  const isGpu = spec.gpu !== undefined && runtime.gpuTag && resourceNameOf(spec.gpu).startsWith('nvidia.com/');
  return isGpu && tag !== undefined && !tag.endsWith('-gpu') ? { runtimeVersion: `${tag}-gpu` } : {};
}

/** An image other than that of the runtime. */
function imageFields(
  { repository, tag, digest }: ImageReference,
  features: Dialect['features'],
): { image?: string; runtimeVersion?: string } {
  if (!features.predictorModel) return tag === undefined ? {} : { runtimeVersion: tag };
  if (digest === undefined) return { image: repository, ...(tag !== undefined && { runtimeVersion: tag }) };
  const image = `${repository}@${digest}`;
  return features.appendsGpuTag && !features.keepsDigest ? { image, runtimeVersion: digest.slice('sha256:'.length) } : { image };
}

interface Chosen {
  readonly choice: ServerChoice | undefined;
  readonly name?: string;
  readonly object?: ServingRuntimeObject;
}

function chooseRuntime(able: readonly ServerChoice[], runtime: Runtime, protocol: Protocol, dialect: Dialect): Chosen {
  if (dialect.runtimes === undefined) return able[0] === undefined ? { choice: undefined } : { choice: able[0], name: able[0].name };
  const fitting = dialect.runtimes.filter((candidate) => serves(candidate, runtime.modelFormat, protocol));
  for (const choice of runtime.servers) {
    const object = fitting.find(({ metadata }) => metadata.name === choice.name);
    if (object !== undefined) return { choice, name: choice.name, object };
  }
  // Runtimes of the administrator's own: one is named, several are left to KServe's priorities.
  const [only, ...others] = fitting;
  return only !== undefined && others.length === 0 ? { choice: undefined, name: only.metadata.name, object: only } : { choice: undefined };
}

function serves({ spec }: ServingRuntimeObject, modelFormat: string, protocol: Protocol): boolean {
  return (
    spec?.disabled !== true &&
    spec?.multiModel !== true &&
    (spec?.protocolVersions ?? ['v1']).includes(protocolVersion[protocol]) &&
    (spec?.supportedModelFormats ?? []).some(({ name }) => name === modelFormat)
  );
}

function imageOf(object: ServingRuntimeObject | undefined): ImageReference | undefined {
  const containers = object?.spec?.containers ?? [];
  const image = (containers.find(({ name }) => name === 'kserve-container') ?? containers[0])?.image;
  return image === undefined ? undefined : parseImage(image);
}

function minorOf(version: KServeVersion): number {
  if (version === 'kfserving-0.6') return 6;
  return version.major > 0 ? Number.POSITIVE_INFINITY : version.minor;
}

function since<T extends { readonly since: number }>(rows: readonly T[], version: KServeVersion): T | undefined {
  return rows.find((row) => row.since <= minorOf(version));
}

export function speaks(server: ServerChoice, protocol: Protocol, version: KServeVersion): boolean {
  return since(server.protocols, version)?.protocols.includes(protocol) ?? false;
}

/** The image a release ships; KServe's own servers carry the release's number, which is not known where the release is not. */
function shippedImage(choice: ServerChoice, { version, release }: Dialect): ImageReference {
  const tag = since(choice.tags, version)?.tag;
  if (tag === undefined || (tag.includes('{release}') && release === undefined)) return { repository: choice.repository };
  return { repository: choice.repository, tag: tag.replace('{release}', release ?? '') };
}

function versionFields(
  { spec }: ModelDeployment,
  hasGpuTag: boolean,
  defaultImage: ImageReference | undefined,
  { features }: Dialect,
): { image?: string; runtimeVersion?: string } {
  const version = spec.runtime.version;
  if (version !== undefined && !isDigest(version)) return { runtimeVersion: version };
  const tagsGpu = hasGpuTag && spec.gpu !== undefined;
  if (version !== undefined) {
    if (defaultImage === undefined) return {};
    const image = `${defaultImage.repository}@${version}`;
    // KServe 0.10 to 0.19 takes the digest for a tag and appends -gpu to it. Given as runtimeVersion, the same digest is put back.
    return tagsGpu && features.appendsGpuTag && !features.keepsDigest
      ? { image, runtimeVersion: version.slice('sha256:'.length) }
      : { image };
  }
  // KServe 0.8 and 0.9 take the GPU tag of TensorFlow from the ConfigMap (1.14.0-gpu beside 2.6.2) and know none for TorchServe;
  // later ones count whole nvidia.com/gpu only (0.16 also MIG).
  const tag = defaultImage?.tag;
  if (!tagsGpu || !features.predictorModel || tag === undefined || tag.endsWith('-gpu')) return {};
  const resource = spec.gpu === undefined ? '' : resourceNameOf(spec.gpu);
  if (!resource.startsWith('nvidia.com/') || (features.appendsGpuTag && resource === defaultGpuResource)) return {};
  return { runtimeVersion: `${tag}-gpu` };
}
