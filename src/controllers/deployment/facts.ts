import {
  type ClusterFacts,
  controllerContainerName,
  controllerNamespaces,
  knativeNamespace,
  type ReadConfigMap,
  type ServingRuntimeObject,
} from '../../kserve/facts.ts';
import type { Cached } from '../../kube/store.ts';
import type { Discovered } from './discovery.ts';
import type { ConfigMap, Deployment } from './resources.ts';

/** What the facts are made of, as it was read. `undefined`: could not be read, which is never taken for "not there". */
export interface FactSources {
  readonly discovered: Discovered;
  /** ConfigMaps named `inferenceservice-config`, of any namespace. */
  readonly inferenceServiceConfigs: readonly Cached<ConfigMap>[] | undefined;
  /** Deployments with the name of a KServe controller, of any namespace. */
  readonly controllers: readonly Cached<Deployment>[] | undefined;
  readonly clusterServingRuntimes: readonly Cached<ServingRuntimeObject>[] | undefined;
  /** ConfigMaps of Knative Serving, of any namespace. */
  readonly knativeConfigs: readonly Cached<ConfigMap>[] | undefined;
}

/** One plain value from everything that was read. `kserveNamespace` says where KServe is; without it the likeliest place that has its ConfigMap. */
export function factsFrom(sources: FactSources, kserveNamespace?: string): ClusterFacts {
  const { discovered, inferenceServiceConfigs, controllers, clusterServingRuntimes, knativeConfigs } = sources;
  const config = likeliest(inferenceServiceConfigs ?? [], kserveNamespace);
  const controllerImage = imageOf(likeliest(controllers ?? [], kserveNamespace ?? config?.metadata.namespace));
  return {
    resources: discovered.resources,
    ...(discovered.inferenceServiceFields !== undefined && { inferenceServiceFields: discovered.inferenceServiceFields }),
    ...(config !== undefined && { inferenceServiceConfig: readConfigMap(config) }),
    ...(controllerImage !== undefined && { controllerImage }),
    ...(clusterServingRuntimes !== undefined && { clusterServingRuntimes: sorted(clusterServingRuntimes) as ServingRuntimeObject[] }),
    ...(knativeConfigs !== undefined && { knative: knativeFacts(knativeConfigs) }),
  };
}

function likeliest<T extends Cached<ConfigMap> | Cached<Deployment>>(
  candidates: readonly T[],
  namespace: string | undefined,
): T | undefined {
  if (namespace !== undefined) return candidates.find(({ metadata }) => metadata.namespace === namespace);
  for (const known of controllerNamespaces) {
    const found = candidates.find(({ metadata }) => metadata.namespace === known);
    if (found !== undefined) return found;
  }
  return sorted(candidates)[0];
}

/** By name, so that the same cluster always gives the same facts. */
function sorted<T extends { readonly metadata: { readonly namespace?: string; readonly name: string } }>(objects: readonly T[]): T[] {
  const key = ({ metadata }: T) => `${metadata.namespace ?? ''}/${metadata.name}`;
  return objects.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

function readConfigMap({ metadata, data }: Cached<ConfigMap>): ReadConfigMap {
  return { namespace: metadata.namespace ?? '', data: data ?? {} };
}

function imageOf(controller: Cached<Deployment> | undefined): string | undefined {
  return controller?.spec?.template?.spec?.containers?.find(({ name }) => name === controllerContainerName)?.image;
}

function knativeFacts(configs: readonly Cached<ConfigMap>[]): NonNullable<ClusterFacts['knative']> {
  const dataOf = (name: string) => configs.find(({ metadata }) => metadata.namespace === knativeNamespace && metadata.name === name)?.data;
  const [configFeatures, configDeployment, configDefaults] = [
    dataOf('config-features'),
    dataOf('config-deployment'),
    dataOf('config-defaults'),
  ];
  return {
    ...(configFeatures !== undefined && { configFeatures }),
    ...(configDeployment !== undefined && { configDeployment }),
    ...(configDefaults !== undefined && { configDefaults }),
  };
}

export const knativeConfigNames = ['config-features', 'config-deployment', 'config-defaults'] as const;
