/** Keeps each ModelDeployment's InferenceService as declared, and its status true. What should be true is decided in `decide.ts`. */
import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import type { ServingGroup } from '../../kserve/dialect.ts';
import type { Controller } from '../../kube/controller.ts';
import { type KubeObject, keyOf, type ObjectKey } from '../../kube/object.ts';
import type { Cached, Store } from '../../kube/store.ts';
import { specChanged, watch, watchMapped } from '../../kube/watches.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { FactsWatch, watchStates } from './facts-watch.ts';
import { watchGates } from './gate/watches.ts';
import { countDeployments } from './metrics.ts';
import { packagedKeys } from './packaging/stores.ts';
import { Reconciler, type ReconcilerPorts } from './reconciler.ts';
import { type DeploymentStores, identityIndex, identityKeys, serviceLabel } from './stores.ts';

export interface DeploymentControllerPorts extends ReconcilerPorts {
  readonly log: Logger;
  /** Where KServe is; absent: found out. */
  readonly kserveNamespace?: string;
  readonly workers?: number;
}

export function deploymentController(ports: DeploymentControllerPorts): Controller {
  const { stores, client, clock, log, kserveNamespace, workers } = ports;
  const keys = () => stores.modelDeployments.list().map((deployment) => keyOf(deployment as ModelDeployment));
  const facts = new FactsWatch({
    client,
    stores: stores.facts,
    clock,
    log,
    keys,
    ...(kserveNamespace !== undefined && { kserveNamespace }),
    ...(ports.platform !== undefined && { declaredNamespace: ports.platform.kserveNamespace }),
  });
  const reconciler = new Reconciler(ports, facts);
  countDeployments(stores.modelDeployments);
  return {
    name: 'modeldeployment',
    ...(workers !== undefined && { workers }),
    watches: [
      facts,
      ...(ports.platform?.watches ?? []),
      // Changes of status too: the applier holds back a status drawn from before its own last write, and counts on that write's event to come back here.
      watch(stores.modelDeployments),
      watchMapped(stores.modelDeployments, (deployment) => rivalsOf(deployment, stores), { changed: specChanged }),
      ...watchGates(stores),
      watchStates(
        Object.values(stores.serving).map(({ inferenceServices }) => inferenceServices as Store<never>),
        keys,
      ),
      ...Object.entries(stores.serving).flatMap(([group, serving]) => {
        const label = serviceLabel[group as ServingGroup];
        const children = [serving.pods, serving.deployments, serving.replicaSets, serving.knativeServices, serving.revisions];
        return [
          watchMapped(serving.inferenceServices, (service) => known(stores, service.metadata.namespace, service.metadata.name)),
          ...children.map((store) =>
            watchMapped(store as Store<KubeObject>, ({ metadata }) => known(stores, metadata.namespace, metadata.labels?.[label])),
          ),
        ];
      }),
      watchMapped(stores.packaging.jobs, (job) => packagedKeys(job as Cached<KubeObject>)),
      watchMapped(stores.packaging.pods, (pod) => packagedKeys(pod as Cached<KubeObject>)),
      watchMapped(stores.packaging.namespaces, ({ metadata }) => labelsCountFor(stores, metadata.name), { changed: specChanged }),
      watchMapped(stores.packaging.storageContainers, keys),
      watchMapped(stores.podEvents, ({ metadata, involvedObject }) => servicesOfPod(stores, metadata.namespace, involvedObject?.name)),
      watchMapped(stores.events, ({ metadata, involvedObject }) => known(stores, metadata.namespace, involvedObject?.name)),
    ],
    reconcile: (key, context) => reconciler.reconcile(key, context),
  };
}

/** The key of a deployment that is there; InferenceServices of others are none of our work. */
function known(stores: DeploymentStores, namespace: string | undefined, name: string | undefined): readonly ObjectKey[] {
  if (namespace === undefined || name === undefined) return [];
  const key = { namespace, name };
  return stores.modelDeployments.get(key) === undefined ? [] : [key];
}

/** Deployments of a namespace whose labels decide over them: whether they may be packaged, and their security context. */
function labelsCountFor({ modelDeployments }: DeploymentStores, namespace: string): readonly ObjectKey[] {
  return modelDeployments
    .list(namespace)
    .filter(({ spec }) => spec.source.storageUri === undefined || (spec.podSecurity ?? 'Auto') === 'Auto')
    .map((deployment) => keyOf(deployment as ModelDeployment));
}

/** The deployment that a Pod serves, if any. */
function servicesOfPod(stores: DeploymentStores, namespace: string | undefined, pod: string | undefined): readonly ObjectKey[] {
  if (namespace === undefined || pod === undefined) return [];
  return Object.entries(stores.serving).flatMap(([group, { pods }]) => {
    const labels = pods.get({ namespace, name: pod })?.metadata.labels;
    return known(stores, namespace, labels?.[serviceLabel[group as ServingGroup]]);
  });
}

/** Deployments with the same identity: what happens to one decides over the others. */
function rivalsOf(deployment: Cached<ModelDeployment>, { modelDeployments: store }: DeploymentStores): readonly ObjectKey[] {
  return identityKeys(deployment as ModelDeployment)
    .flatMap((identity) => store.byIndex(identityIndex, identity))
    .filter(({ metadata }) => metadata.uid !== deployment.metadata.uid)
    .map((rival) => keyOf(rival as ModelDeployment));
}
