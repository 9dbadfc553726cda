import type { ModelDeployment } from '../api/model-deployment/index.ts';
import type { DeploymentMode } from '../api/model-deployment/serving.ts';
import type { KubeObject, OwnerReference } from '../kube/object.ts';
import type { Dialect } from './dialect.ts';
import { protocolVersion, runtimeTable } from './runtimes.ts';

export interface RenderContext {
  readonly dialect: Dialect;
  readonly mode: DeploymentMode;
  /** The ModelDeployment as owner; left out when rendering without a cluster. */
  readonly owner?: OwnerReference;
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

/** The InferenceService of a ModelDeployment for the installed KServe. Assumes that `judge` found nothing blocking. */
export function renderInferenceService(deployment: ModelDeployment, context: RenderContext): Rendered {
  const { metadata, spec } = deployment;
  const { dialect, owner } = context;
  const runtime = runtimeTable[spec.runtime.type];
  const object: RenderedInferenceService = {
    apiVersion: dialect.apiVersion,
    kind: 'InferenceService',
    metadata: {
      name: metadata.name,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      ...(owner !== undefined && { ownerReferences: [owner] }),
    },
    spec: {
      predictor: {
        model: {
          modelFormat: { name: runtime.modelFormat },
          storageUri: spec.source.storageUri,
          ...(spec.runtime.protocol !== undefined && { protocolVersion: protocolVersion[spec.runtime.protocol] }),
        },
      },
    },
  };
  return { object, absent: spec.suspend === true && !dialect.features.stopAnnotation, notes: [] };
}
