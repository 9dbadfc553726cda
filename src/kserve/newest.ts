import type { KnativeServiceObject, Observation, PodObject, RevisionObject, WorkloadObject } from './observation.ts';
import { isReady } from './pod-state.ts';

/** A part of an InferenceService that runs in pods of its own. */
export type ComponentName = 'predictor' | 'transformer';

/** One component, its newest revision told apart from those before it. */
export interface ComponentView {
  readonly name: ComponentName;
  /** Pods of the newest ReplicaSet or Revision that are not going away. */
  readonly newest: readonly PodObject[];
  /** An older version still has a pod that answers. */
  readonly previousServes: boolean;
  /** The Deployment: of the component (Standard), or of the newest Revision (Knative). */
  readonly deployment?: WorkloadObject;
  readonly replicaSet?: WorkloadObject;
  readonly revision?: RevisionObject;
  readonly knativeService?: KnativeServiceObject;
  /** Copies wanted of the newest version. */
  readonly wanted: number;
  /** The newest version has taken over; undefined where there is too little to tell by. */
  readonly rolledOut?: boolean;
}

const revisionLabel = 'serving.knative.dev/revision';
const hashLabel = 'pod-template-hash';
const rolloutAnnotation = 'deployment.kubernetes.io/revision';

/** The components that a deployment has, each with its newest revision. */
export function componentsOf(observation: Observation): ComponentView[] {
  const names: ComponentName[] = observation.deployment.spec.transformer === undefined ? ['predictor'] : ['predictor', 'transformer'];
  return names.map((name) => (observation.mode === 'Knative' ? knativeView(name, observation) : standardView(name, observation)));
}

/** KServe names everything of a component `<service>-<component>`, with `-default` behind it until 0.10. */
function isNameOf(name: string, service: string, component: ComponentName): boolean {
  return name === `${service}-${component}` || name === `${service}-${component}-default`;
}

/** Pods that are not going away. One that was evicted stays in the list beside its successor, of which alone there is news. */
function livePods({ pods }: Observation, component: ComponentName): PodObject[] {
  const own = pods.filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined && (metadata.labels?.['component'] ?? 'predictor') === component,
  );
  const running = own.filter(({ status }) => status?.phase !== 'Failed' && status?.phase !== 'Succeeded');
  return running.length > 0 ? running : own;
}

function standardView(name: ComponentName, observation: Observation): ComponentView {
  const service = observation.deployment.metadata.name;
  const deployment = observation.deployments.find(({ metadata }) => isNameOf(metadata.name, service, name));
  const pods = livePods(observation, name);
  const hash = newestHash(deployment, observation.replicaSets ?? [], pods);
  const newest = hash === undefined ? pods : pods.filter(({ metadata }) => (metadata.labels?.[hashLabel] ?? hash) === hash);
  const replicaSet = observation.replicaSets?.find(
    ({ metadata }) => hash !== undefined && metadata.labels?.[hashLabel] === hash && isOwnedBy(metadata, deployment),
  );
  const rolledOut = deployment && isRolledOut(deployment);
  return {
    name,
    newest,
    previousServes: pods.some((pod) => !newest.includes(pod) && isReady(pod)),
    ...(deployment && { deployment }),
    ...(replicaSet && { replicaSet }),
    wanted: deployment?.spec?.replicas ?? minReplicasOf(observation, name),
    ...(rolledOut !== undefined && { rolledOut }),
  };
}

function isOwnedBy(metadata: WorkloadObject['metadata'], owner: WorkloadObject | undefined): boolean {
  return owner?.metadata.uid === undefined || (metadata.ownerReferences ?? []).some(({ uid }) => uid === owner.metadata.uid);
}

/**
 * The template hash of the version that the Deployment wants now. The Deployment's own revision number tells it; without it, the newest
 * pod does, unless the Deployment has no updated pod at all.
 */
function newestHash(
  deployment: WorkloadObject | undefined,
  replicaSets: readonly WorkloadObject[],
  pods: readonly PodObject[],
): string | undefined {
  const own = replicaSets.filter(({ metadata }) => isOwnedBy(metadata, deployment));
  const revision = deployment?.metadata.annotations?.[rolloutAnnotation];
  const current = own.find(({ metadata }) => revision !== undefined && metadata.annotations?.[rolloutAnnotation] === revision);
  if (current !== undefined) return current.metadata.labels?.[hashLabel];
  const wantsPods = own.filter(({ spec }) => (spec?.replicas ?? 0) > 0);
  const youngest = byAge(wantsPods).at(-1) ?? byAge(own).at(-1);
  const updated = deployment?.status?.updatedReplicas ?? 0;
  if (youngest !== undefined && updated === 0) return youngest.metadata.labels?.[hashLabel];
  return byAge(pods).at(-1)?.metadata.labels?.[hashLabel] ?? youngest?.metadata.labels?.[hashLabel];
}

function byAge<T extends { readonly metadata: { readonly creationTimestamp?: string; readonly name: string } }>(
  objects: readonly T[],
): T[] {
  const key = ({ metadata }: T) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`;
  return objects.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** As `kubectl rollout status` judges it. */
function isRolledOut({ metadata, spec, status }: WorkloadObject): boolean {
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) return false;
  const wanted = spec?.replicas ?? 1;
  const [total, updated, available] = [status?.replicas ?? 0, status?.updatedReplicas ?? 0, status?.availableReplicas ?? 0];
  if (updated >= wanted && total === updated && available >= updated) return true;
  // Copies that an autoscaler added, or that were lost, are no rollout: this reason stays until the template changes.
  const progressing = status?.conditions?.find(({ type }) => type === 'Progressing');
  return progressing?.status === 'True' && progressing.reason === 'NewReplicaSetAvailable' && total === updated && available > 0;
}

function knativeView(name: ComponentName, observation: Observation): ComponentView {
  const { inferenceService, revisions = [], knativeServices = [] } = observation;
  const service = observation.deployment.metadata.name;
  const knativeService = knativeServices.find(({ metadata }) => isNameOf(metadata.name, service, name));
  const component = inferenceService?.status?.components?.[name];
  const created = knativeService?.status?.latestCreatedRevisionName ?? component?.latestCreatedRevision;
  const ready = knativeService?.status?.latestReadyRevisionName ?? component?.latestReadyRevision;
  const pods = livePods(observation, name);
  const newest = created === undefined ? pods : pods.filter(({ metadata }) => (metadata.labels?.[revisionLabel] ?? created) === created);
  const revision = revisions.find(({ metadata }) => metadata.name === created);
  const deployment = observation.deployments.find(({ metadata }) => metadata.labels?.[revisionLabel] === created && created !== undefined);
  const wanted = deployment?.spec?.replicas ?? revision?.status?.desiredReplicas ?? newest.length;
  return {
    name,
    newest,
    // An older Revision answers also when it has no pod: a request starts one.
    previousServes: ready !== undefined && created !== undefined && ready !== created,
    ...(deployment && { deployment }),
    ...(revision && { revision }),
    ...(knativeService && { knativeService }),
    wanted,
    ...(created !== undefined && { rolledOut: ready === created && isReconciled(knativeService) }),
  };
}

function isReconciled(service: KnativeServiceObject | undefined): boolean {
  return (
    service === undefined || (service.status?.observedGeneration ?? service.metadata.generation ?? 0) >= (service.metadata.generation ?? 0)
  );
}

function minReplicasOf({ deployment: { spec } }: Observation, name: ComponentName): number {
  return (name === 'transformer' ? spec.transformer?.minReplicas : spec.scaling?.minReplicas) ?? 1;
}
