import type { KubeObject } from '../kube/object.ts';

/** A resource that the API server serves, as discovery lists it. */
export interface ServedResource {
  readonly group: string;
  readonly version: string;
  /** Plural, lower case. */
  readonly resource: string;
}

/** A ConfigMap that was read. */
export interface ReadConfigMap {
  readonly namespace: string;
  readonly data: Readonly<Record<string, string>>;
}

/** A ClusterServingRuntime or ServingRuntime, as far as it is read here. */
export interface ServingRuntimeObject extends KubeObject {
  readonly spec?: {
    readonly disabled?: boolean;
    readonly multiModel?: boolean;
    readonly protocolVersions?: readonly string[];
    readonly supportedModelFormats?: readonly { readonly name?: string; readonly version?: string; readonly autoSelect?: boolean }[];
    readonly containers?: readonly { readonly name?: string; readonly image?: string }[];
  };
}

/**
 * What a cluster says about its serving layer: a plain value that the controller collects by discovery and from a few objects.
 * What could not be read (no permission) is left out, and is never taken for "not there".
 */
export interface ClusterFacts {
  /** Resources of `serving.kserve.io`, `serving.kubeflow.org` and `serving.knative.dev`; empty where none of these groups is served. */
  readonly resources: readonly ServedResource[];
  /** Fields of the InferenceService CRD, from `schemaFieldsOf`. Empty for a CRD without a schema of its own. */
  readonly inferenceServiceFields?: readonly string[];
  /** ConfigMap `inferenceservice-config`, from the namespace where the KServe controller runs. */
  readonly inferenceServiceConfig?: ReadConfigMap;
  /** Image of the KServe controller's `manager` container, where its Deployment can be seen. */
  readonly controllerImage?: string;
  /** Every ClusterServingRuntime. */
  readonly clusterServingRuntimes?: readonly ServingRuntimeObject[];
  /** `data` of ConfigMaps in the namespace of Knative Serving. */
  readonly knative?: {
    readonly configFeatures?: Readonly<Record<string, string>>;
    readonly configDeployment?: Readonly<Record<string, string>>;
    readonly configDefaults?: Readonly<Record<string, string>>;
  };
}

/** Namespaces in which a KServe or KFServing controller and its ConfigMap are looked for, likeliest first. */
export const controllerNamespaces = ['kserve', 'kfserving-system', 'kubeflow', 'opendatahub', 'redhat-ods-applications'] as const;
export const inferenceServiceConfigName = 'inferenceservice-config';
/** Name of the controller's Deployment in KServe and in KFServing 0.6 (there a StatefulSet of the same name). */
export const controllerDeploymentNames = ['kserve-controller-manager', 'kfserving-controller-manager'] as const;
export const controllerContainerName = 'manager';
export const knativeNamespace = 'knative-serving';

export function serves(facts: ClusterFacts, group: string, resource: string, version?: string): boolean {
  return facts.resources.some(
    (served) => served.group === group && served.resource === resource && (version === undefined || served.version === version),
  );
}

/** Paths below the InferenceService's schema that tell one KServe from another. */
const probedFields = [
  'spec.predictor.model',
  'spec.predictor.scaleTarget',
  'spec.predictor.labels',
  'spec.predictor.deploymentStrategy',
  'spec.predictor.workerSpec',
  'spec.predictor.autoScaling',
  'spec.predictor.storageUris',
  'spec.predictor.storageContainerName',
  'spec.predictor.name',
  'spec.canary',
  'status.modelStatus',
  'status.deploymentMode',
  'status.clusterServingRuntimeName',
  'status.servingRuntimeName',
] as const;

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

interface CustomResourceDefinition {
  readonly spec?: {
    readonly validation?: { readonly openAPIV3Schema?: SchemaNode };
    readonly versions?: readonly {
      readonly name?: string;
      readonly served?: boolean;
      readonly schema?: { readonly openAPIV3Schema?: SchemaNode };
    }[];
  };
}

/**
 * Which of the telling fields the InferenceService CRD's `v1beta1` schema has. The CRD is close to 2 MB, so keep this result and not the
 * object. Total: what is no CRD gives an empty list.
 */
export function schemaFieldsOf(crd: unknown): string[] {
  const spec = (crd as CustomResourceDefinition | undefined)?.spec;
  const version = spec?.versions?.find(({ name }) => name === 'v1beta1');
  const schema = version?.schema?.openAPIV3Schema ?? spec?.validation?.openAPIV3Schema;
  return probedFields.filter((path) => {
    let node = schema;
    for (const name of path.split('.')) node = node?.properties?.[name];
    return node !== undefined;
  });
}
