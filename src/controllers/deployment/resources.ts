/** The types of objects that the deployment controller reads. */
import { modelDeployment as definition, type ModelDeployment } from '../../api/model-deployment/index.ts';
import { type ModelProfile, modelProfile as profileDefinition } from '../../api/model-profile/index.ts';
import type { ServingRuntimeObject } from '../../kserve/facts.ts';
import type {
  EventObject,
  InferenceServiceObject,
  KnativeServiceObject,
  PodObject,
  RevisionObject,
  WorkloadObject,
} from '../../kserve/observation.ts';
import type { KubeObject, ResourceType } from '../../kube/object.ts';

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** A Deployment whose containers are of interest: the KServe controller's. */
export interface Deployment extends WorkloadObject {
  readonly spec?: WorkloadObject['spec'] & {
    readonly template?: { readonly spec?: { readonly containers?: readonly { readonly name?: string; readonly image?: string }[] } };
  };
}

function namespaced<T extends KubeObject>(group: string, version: string, kind: string, plural: string): ResourceType<T> {
  return { group, version, kind, plural, namespaced: true };
}

export const modelDeployments: ResourceType<ModelDeployment> = definition;
export const modelProfiles: ResourceType<ModelProfile> = profileDefinition;

export const configMaps = namespaced<ConfigMap>('', 'v1', 'ConfigMap', 'configmaps');
export const pods = namespaced<PodObject>('', 'v1', 'Pod', 'pods');
export const events = namespaced<EventObject>('', 'v1', 'Event', 'events');
export const deployments = namespaced<Deployment>('apps', 'v1', 'Deployment', 'deployments');
export const replicaSets = namespaced<WorkloadObject>('apps', 'v1', 'ReplicaSet', 'replicasets');
export const knativeServices = namespaced<KnativeServiceObject>('serving.knative.dev', 'v1', 'Service', 'services');
export const revisions = namespaced<RevisionObject>('serving.knative.dev', 'v1', 'Revision', 'revisions');

/** InferenceServices of KServe, and of KFServing 0.6 before it. */
export const inferenceServices = {
  'serving.kserve.io': namespaced<InferenceServiceObject>('serving.kserve.io', 'v1beta1', 'InferenceService', 'inferenceservices'),
  'serving.kubeflow.org': namespaced<InferenceServiceObject>('serving.kubeflow.org', 'v1beta1', 'InferenceService', 'inferenceservices'),
} as const;

export const clusterServingRuntimes: ResourceType<ServingRuntimeObject> = {
  group: 'serving.kserve.io',
  version: 'v1alpha1',
  kind: 'ClusterServingRuntime',
  plural: 'clusterservingruntimes',
  namespaced: false,
};

export const customResourceDefinitions: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};
