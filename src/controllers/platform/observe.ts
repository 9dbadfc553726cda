import type { ServingPlatform } from '../../api/serving-platform/index.ts';
import { type Dialect, detectDialect, type Missing } from '../../kserve/dialect.ts';
import { type ClusterFacts, knativeNamespace, type ServingRuntimeObject, serves } from '../../kserve/facts.ts';
import { storageContainerName } from '../../kserve/model-location.ts';
import type { RevisionObject } from '../../kserve/observation.ts';
import type { Cached } from '../../kube/store.ts';
import type { ImageAnswer } from './image-query.ts';
import { type Model, modelsOf } from './members.ts';
import type { SharedConfigMap } from './resources.ts';
import { observeStorageContainer, type StorageContainerObserved } from './storage-container.ts';
import { type PlatformStores, platformKey } from './stores.ts';

/** The shared keys that we write. */
export type SharedKey = 'registries' | 'predictors';
export type SetbackKey = SharedKey | 'runtimes' | 'storageContainer';

/** Why something is not being written now, though it is not as declared. */
export type Setback =
  | { readonly kind: 'Contested'; readonly manager: string; readonly since?: string }
  | { readonly kind: 'Refused'; readonly reason: string; readonly message: string };

/** Everything `decide` may look at. */
export interface Observed {
  readonly platform: Cached<ServingPlatform>;
  readonly serving: Dialect | Missing;
  readonly knativeServed: boolean;
  readonly deploymentConfig: Cached<SharedConfigMap> | undefined;
  readonly inferenceServiceConfig: Cached<SharedConfigMap> | undefined;
  /** ConfigMaps of its name in other namespaces, where KServe may have been before. */
  readonly otherConfigs: readonly Cached<SharedConfigMap>[];
  /** Undefined: could not be read, or there is no such thing. */
  readonly runtimes: readonly Cached<ServingRuntimeObject>[] | undefined;
  /** Names of ClusterServingRuntimes that InferenceServices use: those of models, and those of others. */
  readonly usedByModels: ReadonlySet<string>;
  readonly usedByOthers: ReadonlySet<string>;
  readonly models: readonly Model[];
  readonly revisions: readonly Cached<RevisionObject>[];
  readonly setbacks: ReadonlyMap<SetbackKey, Setback>;
  /** Registries that Knative has been told to skip for long enough to have heard of it. */
  readonly settledRegistries: ReadonlySet<string>;
  /** How often each Revision, by namespace/name, was freed already. */
  readonly freed: ReadonlyMap<string, number>;
  /** What registries have said so far, by the keys of what was asked. */
  readonly answers: ReadonlyMap<string, ImageAnswer>;
  readonly storageContainer: StorageContainerObserved;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export type Remembered = Pick<Observed, 'setbacks' | 'settledRegistries' | 'freed' | 'answers' | 'now'>;

export function observe(stores: PlatformStores, facts: ClusterFacts, remembered: Remembered, image?: string): Observed | undefined {
  const platform = stores.platforms.get(platformKey);
  if (platform === undefined) return undefined;
  const { deployments, runtimes } = stores;
  const namespace = platform.spec.kserve?.namespace ?? facts.inferenceServiceConfig?.namespace;
  const inferenceServiceConfigs = stores.inferenceServiceConfigs.list();
  return {
    platform,
    serving: detectDialect(facts),
    knativeServed: serves(facts, 'serving.knative.dev', 'services'),
    deploymentConfig: deploymentConfigOf(stores),
    inferenceServiceConfig: inferenceServiceConfigs.find(({ metadata }) => metadata.namespace === namespace),
    otherConfigs: inferenceServiceConfigs.filter(({ metadata }) => metadata.namespace !== namespace),
    runtimes: runtimes.state === 'synced' ? runtimes.list().toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)) : undefined,
    ...usedRuntimes(stores),
    models: modelsOf(deployments),
    revisions: deployments.serving['serving.kserve.io'].revisions.list(),
    storageContainer: observeStorageContainer(
      stores.storageContainers.get({ name: storageContainerName }),
      stores.inferenceServices.list(),
      facts,
      image,
    ),
    ...remembered,
  };
}

export function deploymentConfigOf({ deploymentConfigs }: Pick<PlatformStores, 'deploymentConfigs'>): Cached<SharedConfigMap> | undefined {
  return deploymentConfigs.get({ namespace: knativeNamespace, name: 'config-deployment' });
}

function usedRuntimes({ inferenceServices }: PlatformStores): Pick<Observed, 'usedByModels' | 'usedByOthers'> {
  const [usedByModels, usedByOthers] = [new Set<string>(), new Set<string>()];
  for (const { metadata, spec, status } of inferenceServices.list()) {
    const predictor = spec?.['predictor'] as { readonly model?: { readonly runtime?: string } } | undefined;
    const isModel = metadata.ownerReferences?.some(({ controller, kind }) => controller === true && kind === 'ModelDeployment') ?? false;
    const used = isModel ? usedByModels : usedByOthers;
    for (const name of [predictor?.model?.runtime, status?.clusterServingRuntimeName]) if (name !== undefined) used.add(name);
  }
  return { usedByModels, usedByOthers };
}
