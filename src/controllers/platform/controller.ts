/** Keeps the settings that all models share as the ServingPlatform declares them. What should be true is decided in `decide.ts`. */
import { type Controller, done, type Watch } from '../../kube/controller.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { Store } from '../../kube/store.ts';
import { watch, watchMapped } from '../../kube/watches.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { FactsWatch } from '../deployment/facts-watch.ts';
import { askRegistry } from './ask-registry.ts';
import { ImageWatch } from './image-watch.ts';
import { PlatformReconciler, type PlatformReconcilerPorts } from './reconciler.ts';
import { declaredNamespace } from './settings.ts';
import { platformKey } from './stores.ts';

export interface PlatformControllerPorts extends PlatformReconcilerPorts {
  readonly log: Logger;
  /** Where KServe is; absent: found out. */
  readonly kserveNamespace?: string;
  /** The operator's own namespace: where pull secrets of registries are read. */
  readonly systemNamespace: string;
  /** For the `User-Agent` at registries. */
  readonly product: string;
}

export function platformController(ports: PlatformControllerPorts): Controller {
  const { stores, client, clock, log, kserveNamespace, systemNamespace, product } = ports;
  const keys = () => [platformKey];
  const facts = new FactsWatch({
    client,
    stores: stores.deployments.facts,
    clock,
    log,
    keys,
    ...(kserveNamespace !== undefined && { kserveNamespace }),
    declaredNamespace: declaredNamespace(stores),
  });
  const images = new ImageWatch({
    clock,
    keys,
    ask: (query, signal) =>
      askRegistry(query, stores.platforms.get(platformKey) ?? { spec: {} }, { client, clock, namespace: systemNamespace, product }, signal),
  });
  const reconciler = new PlatformReconciler(ports, facts, images);
  const { modelDeployments, serving } = stores.deployments;
  const followed: readonly Watch[] = [
    stores.deploymentConfigs,
    stores.inferenceServiceConfigs,
    stores.runtimes,
    stores.inferenceServices,
    stores.storageContainers,
    modelDeployments,
    serving['serving.kserve.io'].revisions,
  ].map((store) => watchMapped(store as unknown as Store<KubeObject>, keys));
  return {
    name: 'servingplatform',
    workers: 1,
    watches: [facts, images, watch(stores.platforms), ...followed],
    reconcile: (key, context) => (key.name === platformKey.name ? reconciler.reconcile(context) : Promise.resolve(done)),
  };
}
