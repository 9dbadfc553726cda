/**
 * What the entries of `spec.runtimes` stand for: ranges become tags, and tags digests, where the entry asks for it. What was resolved once is kept in
 * `status.resolutions` and holds until the entry is edited or somebody asks for an update; a registry that does not answer takes nothing away.
 */
import { gpuTaggedRuntimes, type RuntimeType } from '../../api/model-deployment/runtime.ts';
import type { RuntimeDeclaration } from '../../api/serving-platform/index.ts';
import { imageNotAllowed } from '../../kserve/platform/judge-platform.ts';
import { resolutionAnnotation, runtimeTypeLabel } from '../../kserve/platform/own-runtime.ts';
import { allowsRuntimeImage } from '../../kserve/policy.ts';
import { isDigest, parseImage } from '../../models/image-reference.ts';
import { parseVersionRange, parseVersionTag } from '../../registry/version-range.ts';
import { clip, type Verdict } from './decision.ts';
import type { ImageFailure, ImageQuery, Resolution, ResolvedVersion } from './image-query.ts';
import type { Target } from './members.ts';
import type { Observed } from './observe.ts';

export interface Declarations {
  /** As they are to be brought about now: with tags and digests, and without those that must not be. */
  readonly declared: readonly RuntimeDeclaration[];
  readonly problems: readonly Verdict[];
  /** Some wait for a registry's first answer. */
  readonly isWaiting: boolean;
  readonly queries: readonly ImageQuery[];
  readonly resolutions: readonly Resolution[];
}

/** The annotation by which `modelwright images update` asks for new resolutions of a runtime type; its value is compared and means nothing else. */
export function updateAnnotation(type: RuntimeType): string {
  return `modelwright.dev/update-${type.toLowerCase()}`;
}

/** @param shippedImage the whole image that KServe has for a type without us; undefined where there is none */
export function effectiveDeclarations(
  observed: Observed,
  wanted: readonly RuntimeDeclaration[],
  shippedImage: (type: RuntimeType) => string | undefined,
): Declarations {
  const parts = wanted.map((declaration) => partOf(declaration, observed, shippedImage(declaration.type)));
  return {
    declared: parts.flatMap(({ declared }) => declared ?? []),
    problems: parts.flatMap(({ problem }) => problem ?? []),
    isWaiting: parts.some(({ isWaiting }) => isWaiting === true),
    queries: parts.flatMap(({ query }) => query ?? []),
    resolutions: parts.flatMap(({ resolution }) => resolution ?? []),
  };
}

/** What one entry comes to. */
interface Part {
  readonly declared?: RuntimeDeclaration;
  readonly problem?: Verdict;
  readonly isWaiting?: boolean;
  readonly query?: ImageQuery;
  readonly resolution?: Resolution;
}

function partOf(declaration: RuntimeDeclaration, observed: Observed, shipped: string | undefined): Part {
  const { type } = declaration;
  const { policy } = observed.platform.spec;
  const shippedParts = shipped === undefined ? undefined : parseImage(shipped);
  const image = declaration.image ?? shippedParts?.repository;
  const isConfigMap = observed.serving.kind === 'Found' && !observed.serving.features.predictorModel;
  if (image === undefined && isConfigMap && needsRegistry(declaration)) {
    const message = `spec.runtimes[${type}]: key predictors of inferenceservice-config names no image for it whose registry could be asked; name it in image, or give a tag as version`;
    return { problem: { status: 'False', reason: 'ImageUnknown', message } };
  }
  // That nothing ships it is said where runtimes are made.
  if (image === undefined) return { declared: declaration };
  if (!allowsRuntimeImage({ runtimeRegistries: policy?.runtimeRegistries ?? [] }, image)) {
    const message = imageNotAllowed(declaration, image);
    return { problem: { status: 'False', reason: 'ImageNotAllowed', message } };
  }
  // Where the ConfigMap decides no digest can be had, which is said there.
  if (!needsRegistry(declaration) || (isConfigMap && declaration.pinDigests === true)) return { declared: declaration };
  return resolvedPart(declaration, image, shippedParts?.tag, observed);
}

/** An entry whose version is a range, or is to be pinned. */
function resolvedPart(declaration: RuntimeDeclaration, image: string, shippedTag: string | undefined, observed: Observed): Part {
  const { type } = declaration;
  const { platform, answers } = observed;
  const inStatus = platform.status?.resolutions?.find((resolution) => resolution.type === type) as Resolution | undefined;
  const request = platform.metadata.annotations?.[updateAnnotation(type)];
  const records = inStatus === undefined ? recordedOn(observed.runtimes ?? [], type) : [inStatus];
  const before = records.find((record) => isOf(record, declaration, image, request)) ?? inStatus;
  if (before !== undefined && isOf(before, declaration, image, request))
    return { declared: withResolved(declaration, before), resolution: before };
  const query = queryFor(declaration, image, shippedTag, request);
  const answer = answers.get(query.key);
  if (answer?.kind === 'Resolved') {
    const { kind: _, platforms, ...found } = answer;
    const resolution: Resolution = {
      type,
      image,
      ...found,
      platforms: [...platforms],
      ...(declaration.platform !== undefined && { platform: declaration.platform }),
      ...(request !== undefined && { request }),
    };
    // Until it is in the status, the answer must not be forgotten.
    return { declared: withResolved(declaration, resolution), resolution, query };
  }
  const inEffect = platform.status?.runtimes?.find((runtime) => runtime.type === type) as Target | undefined;
  const kept = {
    ...(inEffect !== undefined && { declared: keptBy(inEffect, declaration) }),
    ...(before !== undefined && { resolution: before }),
  };
  if (answer?.kind === 'Failed') return { ...kept, query, problem: problemOf(declaration, answer, inEffect) };
  return { ...kept, query, isWaiting: true };
}

/** What our runtimes keep, for a status that was lost: in a restored cluster, say. */
function recordedOn(runtimes: NonNullable<Observed['runtimes']>, type: RuntimeType): readonly Resolution[] {
  return runtimes.flatMap(({ metadata: { labels, annotations } }) => {
    const text = labels?.[runtimeTypeLabel] === type ? annotations?.[resolutionAnnotation] : undefined;
    if (text === undefined) return [];
    try {
      return [JSON.parse(text) as Resolution];
    } catch {
      return [];
    }
  });
}

function needsRegistry({ version, gpuVersion, pinDigests }: RuntimeDeclaration): boolean {
  const versions = [version, ...(gpuVersion === undefined ? [] : [gpuVersion])];
  return versions.some((one) => !isDigest(one) && (pinDigests === true || parseVersionRange(one) !== undefined));
}

/** Whether a resolution answers this entry as it is written now. */
function isOf(
  resolution: Resolution,
  { version, gpuVersion, pinDigests, platform }: RuntimeDeclaration,
  image: string,
  request: string | undefined,
): boolean {
  return (
    resolution.image === image &&
    resolution.version.wanted === version &&
    gpuFits(resolution, gpuVersion) &&
    (isDigest(version) || (resolution.version.digest !== undefined) === (pinDigests === true)) &&
    resolution.platform === platform &&
    resolution.request === request
  );
}

/** One that is not declared may have been derived from the tag. */
function gpuFits({ version, gpuVersion }: Resolution, declared: string | undefined): boolean {
  if (declared !== undefined) return gpuVersion?.wanted === declared;
  return gpuVersion === undefined || gpuVersion.wanted === `${version.tag}-gpu`;
}

function queryFor(declaration: RuntimeDeclaration, image: string, shippedTag: string | undefined, request: string | undefined): ImageQuery {
  const { type, version, gpuVersion, pinDigests = false, platform } = declaration;
  const variant = parseVersionTag(shippedTag ?? '')?.variant ?? '';
  const isGpuTagged = gpuTaggedRuntimes.includes(type);
  return {
    kind: 'Resolve',
    key: JSON.stringify(['Resolve', type, image, version, gpuVersion, pinDigests, platform, request]),
    image,
    version,
    ...(gpuVersion !== undefined && { gpuVersion }),
    variant,
    gpuVariant: isGpuTagged && !variant.endsWith('-gpu') ? `${variant}-gpu` : variant,
    pinDigests,
    derivesGpuTag: isGpuTagged && gpuVersion === undefined,
    ...(platform !== undefined && { platform }),
  };
}

/** The entry with what it was resolved to. */
function withResolved(declaration: RuntimeDeclaration, { version, gpuVersion }: Resolution): RuntimeDeclaration {
  return { ...declaration, version: exactOf(version), ...(gpuVersion !== undefined && { gpuVersion: exactOf(gpuVersion) }) };
}

/** The image that models get now, while the entry as it is written cannot be had; all else of the entry holds. */
function keptBy({ image, gpuImage }: Target, { gpuVersion: _, ...declaration }: RuntimeDeclaration): RuntimeDeclaration {
  const { repository } = parseImage(image);
  const gpu = gpuImage === undefined ? undefined : versionIn(gpuImage);
  return { ...declaration, image: repository, version: versionIn(image), ...(gpu !== undefined && { gpuVersion: gpu }) };
}

function versionIn(image: string): string {
  const { digest, tag } = parseImage(image);
  return digest ?? tag ?? 'latest';
}

function exactOf({ wanted, tag, digest }: ResolvedVersion): string {
  return digest ?? tag ?? wanted;
}

function problemOf({ type }: RuntimeDeclaration, { cause, message }: ImageFailure, inEffect: Target | undefined): Verdict {
  const kept = inEffect === undefined ? 'until then models get what KServe ships' : `until then models get ${inEffect.image}, as before`;
  return { status: 'False', reason: cause, message: clip(`spec.runtimes[${type}]: ${message}; ${remedies[cause]}; ${kept}`, 2048) };
}

const remedies: Readonly<Record<ImageFailure['cause'], string>> = {
  NoSuchTag: 'correct version',
  NoSuchRepository: 'correct image',
  NoMatchingTag: 'widen the range',
  NoSuchPlatform: 'correct platform, or leave it out',
  Unauthorized: 'give spec.registries a pullSecret that may read it',
  RateLimited: 'it is asked again later; give spec.registries a pullSecret of an account',
  TLS: 'add its authority to spec.registries[].caBundle',
  DNS: "correct the image, or the operator's DNS",
  Timeout: "check the operator's network and proxy; it is asked again",
  Unreachable: "check the operator's network and proxy; it is asked again",
  HostRefused: 'name it there if it is meant',
  Malformed: 'check that it is a container registry',
};
