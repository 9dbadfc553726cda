/** The models of a runtime type, and how far each has come with what the platform declares. */
import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import type { RuntimeType } from '../../api/model-deployment/runtime.ts';
import type { ServingPlatform, ServingPlatformStatus } from '../../api/serving-platform/index.ts';
import type { InferenceServiceObject } from '../../kserve/observation.ts';
import type { RolloutMember, RolloutPolicy } from '../../kserve/platform/assignment.ts';
import { runtimeTable } from '../../kserve/runtimes.ts';
import { keyOf, keyText, type ObjectKey } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';
import { parseImage } from '../../models/image-reference.ts';
import type { DeploymentStores } from '../deployment/stores.ts';

/** What the platform declares for a runtime type, as it is in effect. */
export type Target = NonNullable<ServingPlatformStatus['runtimes']>[number];

/** A model and the InferenceService that serves it. */
export interface Model {
  readonly deployment: Cached<ModelDeployment>;
  readonly service: Cached<InferenceServiceObject> | undefined;
}

/** What an InferenceService says about its server. */
export interface ServerFields {
  readonly runtime?: string;
  readonly runtimeVersion?: string;
  readonly image?: string;
}

export function modelOf(key: ObjectKey, stores: DeploymentStores): Model | undefined {
  const deployment = stores.modelDeployments.get(key);
  if (deployment === undefined) return undefined;
  const service =
    stores.serving['serving.kserve.io'].inferenceServices.get(key) ?? stores.serving['serving.kubeflow.org'].inferenceServices.get(key);
  return { deployment, service };
}

export function modelsOf(stores: DeploymentStores): readonly Model[] {
  return stores.modelDeployments.list().flatMap((deployment) => modelOf(keyOf(deployment as ModelDeployment), stores) ?? []);
}

export function serverFields({ spec }: Cached<InferenceServiceObject>, type: RuntimeType): ServerFields {
  const predictor = (spec?.['predictor'] ?? {}) as Readonly<Record<string, ServerFields | undefined>>;
  return predictor['model'] ?? predictor[runtimeTable[type].predictorKey] ?? {};
}

export function membersOf(models: readonly Model[], type: RuntimeType, target: Target | undefined): readonly RolloutMember[] {
  return models.filter(({ deployment }) => deployment.spec.runtime.type === type).map((model) => memberOf(model, target));
}

export function memberOf({ deployment, service }: Model, target: Target | undefined): RolloutMember {
  const { metadata, status } = deployment;
  const id = keyText(keyOf(deployment as ModelDeployment));
  const specChanged = status?.observedGeneration !== metadata.generation;
  if (service === undefined) return { id, state: 'New', specChanged };
  if (!isAtTarget(deployment, serverFields(service, deployment.spec.runtime.type), target)) return { id, state: 'Behind', specChanged };
  return { id, state: target === undefined || servesWith(deployment, target) ? 'Updated' : 'Moving', specChanged };
}

/** Names of our runtimes begin so. */
const ownPrefix = 'modelwright-';

function isAtTarget({ spec }: Cached<ModelDeployment>, fields: ServerFields, target: Target | undefined): boolean {
  // No longer declared: back to what KServe ships.
  if (target === undefined) return fields.runtime?.startsWith(ownPrefix) !== true;
  if (target.managedVia === 'ClusterServingRuntime') return fields.runtime === target.runtimeName;
  return spec.runtime.version !== undefined || fields.runtimeVersion === tagFor(spec, target);
}

function tagFor({ gpu }: Pick<Cached<ModelDeployment>['spec'], 'gpu'>, { image, gpuImage }: Target): string | undefined {
  return parseImage(gpu !== undefined && gpuImage !== undefined ? gpuImage : image).tag;
}

/** Its own status says that it serves, and with the target. A stopped model has arrived too. */
function servesWith({ spec, metadata, status }: Cached<ModelDeployment>, target: Target): boolean {
  if (spec.suspend === true) return true;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (status === undefined || ready?.status !== 'True' || status.observedGeneration !== metadata.generation) return false;
  const { name, image } = status.runtime ?? {};
  if (target.managedVia === 'ClusterServingRuntime' && name !== undefined && name !== target.runtimeName) return false;
  // KServe names the new runtime moments before its pods are there. Where Knative made a digest of the tag, the name has to do.
  const { tag } = image === undefined ? {} : parseImage(image);
  const wanted = spec.runtime.version ?? tagFor(spec, target);
  return tag === undefined || wanted === undefined || tag === wanted || tag === `${wanted}-gpu`;
}

export function rolloutPolicy({ rollout }: ServingPlatform['spec']): RolloutPolicy {
  return { strategy: rollout?.strategy ?? 'OnNextChange', maxUnavailable: rollout?.maxUnavailable ?? 1 };
}
