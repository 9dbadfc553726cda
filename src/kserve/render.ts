import type { ModelDeployment } from '../api/model-deployment/index.ts';
import type { DeploymentMode } from '../api/model-deployment/serving.ts';
import type { KubeObject, OwnerReference } from '../kube/object.ts';
import { type Dialect, describeDialect } from './dialect.ts';
import { selectionLabels } from './labels.ts';
import { spellMode } from './mode.ts';
import { givenLocation, type ModelLocation, renderLocation } from './model-location.ts';
import { isRestricted, restrictedServer } from './pod-security.ts';
import { containerResources, nodeSelectorOf } from './resources.ts';
import { protocolVersion } from './runtimes.ts';
import { renderScaling } from './scaling.ts';
import { chooseServer, type Server } from './server.ts';

export const modeAnnotation = 'serving.kserve.io/deploymentMode';
export const stopAnnotation = 'serving.kserve.io/stop';
/** Gives the newest revision an address of its own, whatever its share of the traffic. */
export const tagRoutingAnnotation = 'serving.kserve.io/enable-tag-routing';

export interface RenderContext {
  readonly dialect: Dialect;
  readonly mode: DeploymentMode;
  /** The ModelDeployment as owner; left out when rendering without a cluster. */
  readonly owner?: OwnerReference;
  /** Where the model lies; absent: where `spec.source.storageUri` says. */
  readonly location?: ModelLocation;
  /** Containers get a security context that `restricted` admits; absent: where `spec.podSecurity` asks for it. */
  readonly restricted?: boolean;
}

/** An InferenceService with only the fields that Modelwright owns: the body of a server-side apply. */
export interface RenderedInferenceService extends KubeObject {
  readonly kind: 'InferenceService';
  readonly spec: { readonly predictor: Readonly<Record<string, unknown>>; readonly transformer?: Readonly<Record<string, unknown>> };
}

export interface Rendered {
  readonly object: RenderedInferenceService;
  /** Suspended on a KServe that cannot stop a service: the InferenceService must not exist, so delete it instead of applying. */
  readonly absent: boolean;
  /** What was decided without the author's asking, in sentences: the update strategy of GPU services, for example. */
  readonly notes: readonly string[];
}

/**
 * The InferenceService of a ModelDeployment for the installed KServe. Assumes that `judge` found nothing blocking. Pure and stable: the
 * same input gives the same object, and nothing in it changes by time, since KServe copies the metadata to the Pods and a change there
 * rolls them.
 */
export function renderInferenceService(deployment: ModelDeployment, context: RenderContext): Rendered {
  const { metadata, spec } = deployment;
  const { dialect, mode, owner, restricted = isRestricted(deployment) } = context;
  const security = restricted ? { securityContext: restrictedServer } : {};
  const model = renderLocation(locationOf(deployment, context), dialect);
  const notes: string[] = [];
  const scaling = renderScaling(spec, mode, dialect);
  const pods = podFields(spec, dialect);
  const strategy = gpuStrategy(spec, mode, dialect, notes);
  const spelled = spellMode(mode, dialect);
  const annotations = {
    ...pods.metadata?.annotations,
    ...model.annotations,
    ...scaling.annotations,
    ...(spelled !== undefined && { [modeAnnotation]: spelled }),
    ...(spec.suspend === true && dialect.features.stopAnnotation && { [stopAnnotation]: 'true' }),
    // From the beginning: it goes into the revisions, and setting it later would make a new one.
    ...(mode === 'Knative' && spec.rollout?.gate !== undefined && { [tagRoutingAnnotation]: 'true' }),
  };
  const canary = mode === 'Knative' ? spec.rollout?.canaryTrafficPercent : undefined;
  const nodeSelector = nodeSelectorOf(spec);
  const object: RenderedInferenceService = {
    apiVersion: dialect.apiVersion,
    kind: 'InferenceService',
    metadata: {
      name: metadata.name,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      labels: { ...pods.metadata?.labels, ...selectionLabels(deployment) },
      ...(Object.keys(annotations).length > 0 && { annotations }),
      ...(owner !== undefined && { ownerReferences: [owner] }),
    },
    spec: {
      predictor: {
        ...scaling.fields,
        ...(canary !== undefined && { canaryTrafficPercent: canary }),
        ...(spec.batching && { batcher: batcherOf(spec.batching) }),
        ...strategy,
        ...pods.component,
        ...(nodeSelector && { nodeSelector }),
        ...model.predictor,
        ...renderServer(deployment, { storageUri: model.storageUri, ...security }, chooseServer(deployment, dialect), dialect),
      },
      ...(spec.transformer && {
        transformer: renderTransformer(spec.transformer, { ...pods, security }, spec.scheduling?.nodeSelector, dialect),
      }),
    },
  };
  const absent = spec.suspend === true && !dialect.features.stopAnnotation;
  if (absent) notes.push(`${describeDialect(dialect)} cannot stop an InferenceService, so it is deleted while spec.suspend is true`);
  return { object, absent, notes };
}

function locationOf(deployment: ModelDeployment, { location = givenLocation(deployment) }: RenderContext): ModelLocation {
  if (location === undefined) throw new Error(`ModelDeployment ${deployment.metadata.name} is not packaged yet`);
  return location;
}

/** The container of the model server, under the key that this KServe knows. */
function renderServer(
  deployment: ModelDeployment,
  given: { readonly storageUri: string; readonly securityContext?: typeof restrictedServer },
  server: Server,
  { features }: Dialect,
): Record<string, unknown> {
  const { spec } = deployment;
  const { runtime, protocol } = server;
  const resources = containerResources(spec.resources, spec.gpu);
  const container = {
    ...given,
    ...(server.runtimeVersion !== undefined && { runtimeVersion: server.runtimeVersion }),
    ...(server.image !== undefined && { image: server.image }),
    ...(resources && { resources }),
    ...(isGrpc(protocol) &&
      runtime.grpcPort !== undefined && { ports: [{ name: 'h2c', containerPort: runtime.grpcPort, protocol: 'TCP' }] }),
  };
  if (features.predictorModel) {
    return {
      model: {
        modelFormat: { name: runtime.modelFormat },
        ...(server.runtimeName !== undefined && { runtime: server.runtimeName }),
        protocolVersion: protocolVersion[protocol],
        ...container,
      },
    };
  }
  // The old keys know `protocolVersion` only to tell MLServer from KServe's own server.
  const mlserver = server.choice?.name === 'kserve-mlserver';
  return { [runtime.predictorKey]: { ...(mlserver && { protocolVersion: protocolVersion[protocol] }), ...container } };
}

export function isGrpc(protocol: Server['protocol']): boolean {
  return protocol === 'GRPCV1' || protocol === 'GRPCV2';
}

function batcherOf({ maxBatchSize, maxLatencyMilliseconds }: NonNullable<ModelDeployment['spec']['batching']>): Record<string, number> {
  return { maxBatchSize, ...(maxLatencyMilliseconds !== undefined && { maxLatency: maxLatencyMilliseconds }) };
}

interface PodFields {
  /** Fields of every component: they hold for the transformer's pods as well. */
  readonly component: Readonly<Record<string, unknown>>;
  /** Pod metadata for the InferenceService itself, where components have none: KServe copies it to the pods. */
  readonly metadata?: ModelDeployment['spec']['podMetadata'];
}

function podFields(spec: ModelDeployment['spec'], { features }: Dialect): PodFields {
  const { podMetadata, scheduling } = spec;
  const labels = nonEmpty(podMetadata?.labels);
  const annotations = nonEmpty(podMetadata?.annotations);
  const component = {
    ...(spec.serviceAccountName !== undefined && { serviceAccountName: spec.serviceAccountName }),
    ...(spec.imagePullSecrets !== undefined && spec.imagePullSecrets.length > 0 && { imagePullSecrets: spec.imagePullSecrets }),
    ...(scheduling?.tolerations !== undefined && scheduling.tolerations.length > 0 && { tolerations: scheduling.tolerations }),
    ...(scheduling?.affinity !== undefined && { affinity: scheduling.affinity }),
    ...(features.podMetadata && labels && { labels }),
    ...(features.podMetadata && annotations && { annotations }),
  };
  return features.podMetadata || podMetadata === undefined ? { component } : { component, metadata: podMetadata };
}

/**
 * A rolling update that first adds a pod waits for ever where no GPU is free for it, and the old pod keeps its GPU until then. So a GPU
 * service gives up a copy before it adds one. Knative always starts the new revision beside the old one and has no such setting.
 */
function gpuStrategy(spec: ModelDeployment['spec'], mode: DeploymentMode, dialect: Dialect, notes: string[]): Record<string, unknown> {
  if (spec.gpu === undefined) return {};
  if (mode === 'Knative') {
    notes.push('Knative starts a new revision before it stops the old one: a change needs free GPUs for one more copy, or waits for them');
    return {};
  }
  if (!dialect.features.deploymentStrategy) {
    notes.push(
      `${describeDialect(dialect)} cannot be told how to update: a change needs a free GPU for one more copy; where there is none, set spec.suspend to true and back to false`,
    );
    return {};
  }
  notes.push('A change stops one copy before it starts its successor (maxSurge 0, maxUnavailable 1), because a spare GPU may not be free');
  return { deploymentStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } };
}

function renderTransformer(
  transformer: NonNullable<ModelDeployment['spec']['transformer']>,
  { component, security }: Pick<PodFields, 'component'> & { readonly security: object },
  nodeSelector: Readonly<Record<string, string>> | undefined,
  { group }: Dialect,
): Record<string, unknown> {
  const resources = containerResources(transformer.resources);
  return {
    ...(transformer.minReplicas !== undefined && { minReplicas: transformer.minReplicas }),
    ...(transformer.maxReplicas !== undefined && { maxReplicas: transformer.maxReplicas }),
    ...component,
    ...(nonEmpty(nodeSelector) && { nodeSelector }),
    containers: [
      {
        name: group === 'serving.kubeflow.org' ? 'kfserving-container' : 'kserve-container',
        image: transformer.image,
        ...(transformer.command && { command: transformer.command }),
        ...(transformer.args && { args: transformer.args }),
        // Go leaves an empty value out, and so does what is stored.
        ...(transformer.env && { env: transformer.env.map(({ name, value }) => (value === '' ? { name } : { name, value })) }),
        ...(resources && { resources }),
        ...security,
      },
    ],
  };
}

function nonEmpty<T extends object>(value: T | undefined): T | undefined {
  return value === undefined || Object.keys(value).length === 0 ? undefined : value;
}
