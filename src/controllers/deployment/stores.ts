import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import type { ModelProfile } from '../../api/model-profile/index.ts';
import type { ServingGroup } from '../../kserve/dialect.ts';
import { controllerDeploymentNames, inferenceServiceConfigName, type ServingRuntimeObject } from '../../kserve/facts.ts';
import type {
  EventObject,
  InferenceServiceObject,
  KnativeServiceObject,
  PodObject,
  RevisionObject,
  WorkloadObject,
} from '../../kserve/observation.ts';
import { slimWorkload } from '../../kserve/slim-workload.ts';
import type { Cache } from '../../kube/cache.ts';
import type { MetadataObject } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { Cached, Store } from '../../kube/store.ts';
import { knativeConfigNames } from './facts.ts';
import { temporaryIndex, temporaryKeys } from './gate/observe.ts';
import { identityOf } from './identity.ts';
import { type PackagingStores, packagingStores } from './packaging/stores.ts';
import { pruneConfigMap, pruneController, pruneEvent, prunePod } from './prune.ts';
import * as resources from './resources.ts';

/** Label that KServe puts on everything it makes for an InferenceService; its value is the service's name. */
export const serviceLabel: Readonly<Record<ServingGroup, string>> = {
  'serving.kserve.io': 'serving.kserve.io/inferenceservice',
  'serving.kubeflow.org': 'serving.kubeflow.org/inferenceservice',
};

/** What one dialect's InferenceServices consist of. */
export interface ServingStores {
  readonly inferenceServices: Store<InferenceServiceObject>;
  readonly pods: Store<PodObject>;
  readonly deployments: Store<WorkloadObject>;
  readonly replicaSets: Store<WorkloadObject>;
  readonly knativeServices: Store<KnativeServiceObject>;
  readonly revisions: Store<RevisionObject>;
}

/** What the cluster's facts are read from. */
export interface FactStores {
  readonly customResourceDefinitions: Store<MetadataObject>;
  readonly inferenceServiceConfigs: Store<resources.ConfigMap>;
  readonly knativeConfigs: readonly Store<resources.ConfigMap>[];
  readonly controllers: readonly Store<resources.Deployment>[];
  readonly clusterServingRuntimes: Store<ServingRuntimeObject>;
}

export interface DeploymentStores {
  readonly modelDeployments: Store<ModelDeployment>;
  readonly modelProfiles: Store<ModelProfile>;
  readonly serving: Readonly<Record<ServingGroup, ServingStores>>;
  /** Events about InferenceServices: KServe tells some failures nowhere else. */
  readonly events: Store<EventObject>;
  /** Events about failed Pods: why an image cannot be pulled stands nowhere else once the kubelet backs off. */
  readonly podEvents: Store<EventObject>;
  readonly facts: FactStores;
  readonly packaging: PackagingStores;
}

/** Index of ModelDeployments by namespace and identity. */
export const identityIndex = 'identity';
/** Index of what belongs to an InferenceService, by namespace and name of that. */
export const serviceIndex = 'inferenceService';
/** Index of events by namespace and name of their Pod. */
export const podIndex = 'pod';

/**
 * Asks for everything the controller reads: models and what serves them from `cache`, which may be limited to some namespaces, and what
 * is installed from `clusterCache`. Whatever may be missing in a cluster is optional.
 */
export function deploymentStores(cache: Cache, clusterCache: Cache = cache): DeploymentStores {
  const modelDeployments = cache.store(resources.modelDeployments, { optional: true });
  modelDeployments.addIndex(identityIndex, (deployment) => identityKeys(deployment as ModelDeployment));
  const modelProfiles = cache.store(resources.modelProfiles, { optional: true });
  modelDeployments.addIndex(temporaryIndex, (object) => temporaryKeys(object as Cached<KubeObject>));
  modelProfiles.addIndex(temporaryIndex, (object) => temporaryKeys(object as Cached<KubeObject>));
  const eventsBy = (fieldSelector: string, index: string) => {
    const store = cache.store(resources.events, { fieldSelector, dispensable: true, transform: pruneEvent });
    store.addIndex(index, ({ metadata, involvedObject }) => [`${metadata.namespace}/${involvedObject?.name}`]);
    return store;
  };
  return {
    modelDeployments,
    modelProfiles,
    serving: {
      'serving.kserve.io': servingStores(cache, 'serving.kserve.io'),
      'serving.kubeflow.org': servingStores(cache, 'serving.kubeflow.org'),
    },
    events: eventsBy('involvedObject.kind=InferenceService', serviceIndex),
    podEvents: eventsBy('involvedObject.kind=Pod,reason=Failed', podIndex),
    facts: factStores(clusterCache),
    packaging: packagingStores(cache, clusterCache),
  };
}

export function identityKeys(deployment: ModelDeployment): readonly string[] {
  const identity = identityOf(deployment);
  return identity === undefined ? [] : [`${deployment.metadata.namespace}/${identity}`];
}

function servingStores(cache: Cache, group: ServingGroup): ServingStores {
  const labelSelector = serviceLabel[group];
  const byService = <T extends KubeObject>(store: Store<T>): Store<T> => {
    store.addIndex(serviceIndex, (object) => serviceKeys(object as Cached<KubeObject>, labelSelector));
    return store;
  };
  return {
    inferenceServices: cache.store(resources.inferenceServices[group], { optional: true }),
    pods: byService(cache.store(resources.pods, { labelSelector, transform: prunePod })),
    deployments: byService<WorkloadObject>(cache.store<WorkloadObject>(resources.deployments, { labelSelector, transform: slimWorkload })),
    replicaSets: byService(cache.store(resources.replicaSets, { labelSelector, transform: slimWorkload })),
    knativeServices: byService(cache.store(resources.knativeServices, { labelSelector, optional: true, transform: slimWorkload })),
    revisions: byService(cache.store(resources.revisions, { labelSelector, optional: true, transform: slimWorkload })),
  };
}

function serviceKeys({ metadata }: Cached<KubeObject>, label: string): readonly string[] {
  const name = metadata.labels?.[label];
  return name === undefined ? [] : [`${metadata.namespace}/${name}`];
}

/**
 * The few objects of other namespaces that say what is installed: each by its name, so that a role can be limited to those names. Where even
 * that is not granted, what they would say is not known, and work goes on.
 */
function factStores(cache: Cache): FactStores {
  const named = (name: string) => ({ fieldSelector: `metadata.name=${name}`, dispensable: true });
  return {
    customResourceDefinitions: cache.metadataStore(resources.customResourceDefinitions, { dispensable: true }),
    inferenceServiceConfigs: cache.store(resources.configMaps, { ...named(inferenceServiceConfigName), transform: pruneConfigMap }),
    knativeConfigs: knativeConfigNames.map((name) => cache.store(resources.configMaps, { ...named(name), transform: pruneConfigMap })),
    controllers: controllerDeploymentNames.map((name) =>
      cache.store(resources.deployments, { ...named(name), transform: pruneController }),
    ),
    clusterServingRuntimes: cache.store(resources.clusterServingRuntimes, { optional: true, dispensable: true, transform: pruneRuntime }),
  };
}

function pruneRuntime(runtime: ServingRuntimeObject): ServingRuntimeObject {
  const { disabled, multiModel, protocolVersions, supportedModelFormats, containers } = runtime.spec ?? {};
  return {
    apiVersion: runtime.apiVersion,
    kind: runtime.kind,
    metadata: runtime.metadata,
    spec: {
      ...(disabled !== undefined && { disabled }),
      ...(multiModel !== undefined && { multiModel }),
      ...(protocolVersions !== undefined && { protocolVersions }),
      ...(supportedModelFormats !== undefined && { supportedModelFormats }),
      ...(containers !== undefined && {
        containers: containers.map(({ name, image }) => ({ ...(name && { name }), ...(image && { image }) })),
      }),
    },
  };
}
