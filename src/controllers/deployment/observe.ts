import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import type { DeploymentMode } from '../../api/model-deployment/serving.ts';
import type { PodSecurity } from '../../api/pod-security.ts';
import type { Dialect, Missing } from '../../kserve/dialect.ts';
import type { ClusterFacts } from '../../kserve/facts.ts';
import type { FetchedLog, Observation } from '../../kserve/observation.ts';
import type { PlatformRuntimes } from '../../kserve/platform/assignment.ts';
import { isRestricted } from '../../kserve/pod-security.ts';
import type { Policy } from '../../kserve/policy.ts';
import { keyText, type ObjectKey } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';
import { type GateFacts, observeGate } from './gate/observe.ts';
import { holderOfIdentity } from './identity.ts';
import { type Ownership, ownershipOf } from './ownership.ts';
import { notAsked, type Outcome } from './packaging/outcome.ts';
import { type DeploymentStores, identityIndex, identityKeys, podIndex, type ServingStores, serviceIndex } from './stores.ts';

/** Everything that KServe, Knative and Kubernetes made for one InferenceService. */
export type Children = Required<Pick<Observation, 'pods' | 'deployments' | 'replicaSets' | 'knativeServices' | 'revisions' | 'events'>>;

/** Everything `decide` may look at. */
export interface Observed {
  readonly deployment: Cached<ModelDeployment>;
  readonly facts: ClusterFacts;
  readonly platform: Dialect | Missing;
  readonly policy: Policy;
  /** Mode of new deployments that name none; absent: KServe's own default. */
  readonly defaultMode?: DeploymentMode;
  /** The deployment that has the same identity and was there earlier. */
  readonly identityHolder: Cached<ModelDeployment> | undefined;
  /** Its containers get the security context that Pod Security's `restricted` asks for. */
  readonly restricted: boolean;
  readonly inferenceService: Ownership;
  readonly children: Children;
  readonly logs: readonly FetchedLog[];
  /** The InferenceService is as our last write left it, moments ago: what its status says is about the time before. */
  readonly settling: boolean;
  /** What has come of packaging the model. */
  readonly packaging: Outcome;
  /** What the promotion gate goes by. */
  readonly gate: GateFacts;
}

export interface ObservePorts {
  readonly stores: DeploymentStores;
  readonly facts: ClusterFacts;
  /** What the facts say of the serving layer. */
  readonly detected: Dialect | Missing;
  readonly policy: Policy;
  readonly defaultMode?: DeploymentMode;
  /** What the ServingPlatform gives this deployment. */
  readonly platformRuntimes?: PlatformRuntimes;
  /** There is a ClusterStorageContainer of ours. */
  readonly hasStorageContainer?: boolean;
  readonly podSecurity?: PodSecurity;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const noChildren: Children = { pods: [], deployments: [], replicaSets: [], knativeServices: [], revisions: [], events: [] };

/** Reads one deployment and everything below it from the caches; undefined when it is gone. `logs`, `settling` and `packaging` are the caller's to fill. */
export function observe(
  key: ObjectKey,
  { stores, facts, detected, policy, defaultMode, platformRuntimes, hasStorageContainer, podSecurity, now }: ObservePorts,
): Observed | undefined {
  const deployment = stores.modelDeployments.get(key);
  if (deployment === undefined) return undefined;
  const platform =
    detected.kind === 'Found'
      ? { ...detected, ...(platformRuntimes !== undefined && { platformRuntimes }), ...(hasStorageContainer && { hasStorageContainer }) }
      : detected;
  const serving = platform.kind === 'Found' ? stores.serving[platform.group] : undefined;
  const { uid, name } = deployment.metadata;
  const rivals = identityKeys(deployment as ModelDeployment).flatMap((identity) =>
    stores.modelDeployments.byIndex(identityIndex, identity),
  );
  return {
    deployment,
    facts,
    platform,
    policy,
    ...(defaultMode !== undefined && { defaultMode }),
    identityHolder: holderOfIdentity(deployment, rivals),
    restricted: restrictedHere(deployment as ModelDeployment, podSecurity, stores),
    inferenceService: serviceOf(key, serving, { uid, name }),
    children: serving === undefined ? noChildren : childrenOf(key, serving, stores),
    logs: [],
    settling: false,
    packaging: notAsked,
    gate: observeGate(deployment, stores, serving?.inferenceServices, now),
  };
}

/** What the platform and the labels of the namespace say where the model says nothing. */
function restrictedHere(deployment: ModelDeployment, platform: PodSecurity | undefined, { packaging }: DeploymentStores): boolean {
  const namespaceLabels = packaging.namespaces.get({ name: deployment.metadata.namespace ?? '' })?.metadata.labels;
  return isRestricted(deployment, {
    ...(platform !== undefined && { platform }),
    ...(namespaceLabels !== undefined && { namespaceLabels }),
  });
}

/** A store that is not filled yet must not be taken for a cluster without InferenceServices. */
function serviceOf(key: ObjectKey, serving: ServingStores | undefined, owner: { readonly uid: string; readonly name: string }): Ownership {
  if (serving !== undefined && serving.inferenceServices.state !== 'synced') return { kind: 'Unread' };
  return ownershipOf(serving?.inferenceServices.get(key), owner);
}

function childrenOf(key: ObjectKey, serving: ServingStores, { events, podEvents }: DeploymentStores): Children {
  const service = keyText(key);
  const pods = serving.pods.byIndex(serviceIndex, service);
  const ofPods = pods.flatMap(({ metadata }) => podEvents.byIndex(podIndex, `${metadata.namespace}/${metadata.name}`));
  return {
    pods,
    deployments: serving.deployments.byIndex(serviceIndex, service),
    replicaSets: serving.replicaSets.byIndex(serviceIndex, service),
    knativeServices: serving.knativeServices.byIndex(serviceIndex, service),
    revisions: serving.revisions.byIndex(serviceIndex, service),
    events: [...events.byIndex(serviceIndex, service), ...ofPods],
  };
}
