/**
 * ClusterServingRuntimes of our own: a copy of the runtime that KServe ships, with the declared image. KServe's own are never touched: `spec.containers` is an
 * atomic list, so that nobody can own an image in it without owning the whole container (docs/decisions/runtimes-of-our-own.md).
 */
import { createHash } from 'node:crypto';
import type { RuntimeType } from '../../api/model-deployment/runtime.ts';
import type { RuntimeDeclaration } from '../../api/serving-platform/index.ts';
import type { KubeObject } from '../../kube/object.ts';
import { isDigest, parseImage } from '../../models/image-reference.ts';
import type { ServingRuntimeObject } from '../facts.ts';
import { protocolVersion, runtimeTable } from '../runtimes.ts';

/** Says of which runtime type a ClusterServingRuntime of ours is. */
export const runtimeTypeLabel = 'modelwright.dev/runtime-type';
/** On a runtime of ours: what its version was resolved to, and when; it is there when the status of the ServingPlatform was lost. */
export const resolutionAnnotation = 'modelwright.dev/resolution';
const managedByLabel = 'app.kubernetes.io/managed-by';

export interface OwnRuntime extends KubeObject {
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Name of the runtime that KServe ships for a type, of which ours is a copy. */
export function stockRuntimeName(type: RuntimeType): string {
  return runtimeTable[type].servers[0]?.name ?? '';
}

/**
 * The runtime to have. Its name holds a digest of its content: another image, or another runtime shipped by a newer KServe, is another object, and services
 * come to it one by one instead of all at once. KServe never chooses it by itself, so services of others stay as they are.
 *
 * @param resolution kept on it as a record
 */
export function ownRuntime(declaration: RuntimeDeclaration, stock: ServingRuntimeObject, resolution?: object): OwnRuntime {
  const { containers = [], supportedModelFormats = [], ...rest } = (stock.spec ?? {}) as NonNullable<ServingRuntimeObject['spec']>;
  const server = containers.find(({ name }) => name === 'kserve-container') ?? containers[0];
  const { imagePullSecrets: secrets = [], args = [], protocols } = declaration;
  const image = declaredImage(declaration, stock);
  const spec = {
    ...rest,
    ...(secrets.length > 0 && { imagePullSecrets: secrets.map((name) => ({ name })) }),
    ...(protocols !== undefined && { protocolVersions: protocols.map((protocol) => protocolVersion[protocol]) }),
    supportedModelFormats: supportedModelFormats.map(({ autoSelect: _, ...format }) => withoutPriority(format)),
    containers: containers.map((container) =>
      container === server ? { ...container, image, ...(args.length > 0 && { args: [...argsOf(container), ...args] }) } : container,
    ),
  };
  const serverType = stock.metadata.annotations?.[serverTypeAnnotation];
  const shown = serverType === undefined ? {} : { [serverTypeAnnotation]: serverType };
  const annotations = { ...shown, ...(resolution !== undefined && { [resolutionAnnotation]: JSON.stringify(resolution) }) };
  const hash = createHash('sha256')
    .update(JSON.stringify([spec, serverType === undefined ? {} : { annotations: shown }]))
    .digest('hex')
    .slice(0, 8);
  return {
    apiVersion: stock.apiVersion,
    kind: stock.kind,
    metadata: {
      name: `modelwright-${declaration.type.toLowerCase()}-${hash}`,
      labels: { [managedByLabel]: 'modelwright', [runtimeTypeLabel]: declaration.type },
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    spec,
  };
}

function argsOf(container: object): readonly string[] {
  return (container as { readonly args?: readonly string[] }).args ?? [];
}

/** KServe reads from it, from 0.17 on, which server it has before it. */
const serverTypeAnnotation = 'serving.kserve.io/server-type';

/** Two runtimes with one priority for a format are refused by KServe's webhook; without one they never compete. */
function withoutPriority<T extends object>(format: T): T {
  const { priority: _, ...rest } = format as T & { readonly priority?: number };
  return rest as unknown as T;
}

/** The whole image reference of a declaration. */
export function declaredImage({ image, version }: RuntimeDeclaration, stock: ServingRuntimeObject | undefined): string {
  return joined(image ?? repositoryOf(stock) ?? '', version);
}

/** The image of a runtime's server; undefined where it has none. */
export function serverImage(runtime: ServingRuntimeObject | undefined): string | undefined {
  const containers = runtime?.spec?.containers ?? [];
  return (containers.find(({ name }) => name === 'kserve-container') ?? containers[0])?.image;
}

/** Where the image of a runtime comes from; undefined where it has none. */
export function repositoryOf(runtime: ServingRuntimeObject | undefined): string | undefined {
  const image = serverImage(runtime);
  return image === undefined ? undefined : parseImage(image).repository;
}

export function joined(repository: string, version: string): string {
  return `${repository}${isDigest(version) ? '@' : ':'}${version}`;
}
