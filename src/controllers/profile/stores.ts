/** What the profile controller reads. */
import type { ModelProfile } from '../../api/model-profile/index.ts';
import type { ServingPlatform } from '../../api/serving-platform/index.ts';
import type { Cache } from '../../kube/cache.ts';
import type { ObjectMeta } from '../../kube/object.ts';
import type { Store } from '../../kube/store.ts';
import type { DeploymentStores } from '../deployment/stores.ts';
import { loadRole, profileLabel, roleLabel } from './labels.ts';
import * as resources from './resources.ts';
import { targetKeyOf } from './target/target-key.ts';

export interface ProfileStores {
  readonly profiles: Store<ModelProfile>;
  /** Load Jobs, of whatever profile. */
  readonly jobs: Store<resources.JobObject>;
  /** Their pods. */
  readonly pods: Store<resources.LoadPodObject>;
  readonly nodes: Store<resources.NodeObject>;
  readonly platforms: Store<ServingPlatform>;
  /** The models and what serves them. */
  readonly deployments: DeploymentStores;
}

/** Index of Jobs and pods by UID of their profile, and of profiles by their own. */
export const profileIndex = 'profile';
/** Index of profiles by what they load, as `targetKeyOf` writes it. */
export const targetIndex = 'target';

/** `cache` may be limited to some namespaces; nodes belong to the cluster, and can be done without. */
export function profileStores(
  cache: Cache,
  clusterCache: Cache,
  shared: { readonly platforms: Store<ServingPlatform>; readonly deployments: DeploymentStores },
): ProfileStores {
  const labelSelector = `${roleLabel}=${loadRole}`;
  const ofProfile = ({ metadata }: { readonly metadata: Pick<ObjectMeta, 'labels'> }) => [metadata.labels?.[profileLabel] ?? ''];
  const jobs = cache.store(resources.jobs, { labelSelector, dispensable: true, transform: pruneJob });
  const pods = cache.store(resources.loadPods, { labelSelector, transform: pruneLoadPod });
  const profiles = cache.store(resources.modelProfiles, { optional: true });
  profiles.addIndex(profileIndex, ({ metadata }) => [metadata.uid]);
  profiles.addIndex(targetIndex, (profile) => [targetKeyOf(profile)]);
  jobs.addIndex(profileIndex, ofProfile);
  pods.addIndex(profileIndex, ofProfile);
  return {
    profiles,
    jobs,
    pods,
    nodes: clusterCache.store(resources.nodes, { dispensable: true, transform: pruneNode }),
    ...shared,
  };
}

/** The arguments and the pod template of a Job are never read back: what it measures stands in its annotation. */
function pruneJob(job: resources.JobObject): resources.JobObject {
  const { completions, suspend } = job.spec ?? {};
  return { ...job, spec: { ...(completions !== undefined && { completions }), ...(suspend !== undefined && { suspend }) } };
}

/** Without its annotations, of which one may be a whole payload. */
function pruneLoadPod({ apiVersion, kind, metadata, spec, status }: resources.LoadPodObject): resources.LoadPodObject {
  const { annotations: _, ...identity } = metadata;
  const { phase, reason, message, conditions, containerStatuses } = status ?? {};
  return {
    apiVersion,
    kind,
    metadata: identity,
    ...(spec?.nodeName !== undefined && { spec: { nodeName: spec.nodeName } }),
    status: {
      ...(phase !== undefined && { phase }),
      ...(reason !== undefined && { reason }),
      ...(message !== undefined && { message }),
      ...(conditions !== undefined && { conditions: conditions.filter(({ type }) => type === 'PodScheduled') }),
      ...(containerStatuses !== undefined && {
        containerStatuses: containerStatuses.map(({ name, state }) => ({
          ...(name !== undefined && { name }),
          ...(state !== undefined && { state }),
        })),
      }),
    },
  };
}

/** Labels, room and readiness: a whole node is tens of KiB, most of them names of images. */
function pruneNode({ apiVersion, kind, metadata, spec, status }: resources.NodeObject): resources.NodeObject {
  const { annotations: _, ...identity } = metadata;
  const { unschedulable, taints } = spec ?? {};
  const { allocatable, conditions } = status ?? {};
  return {
    apiVersion,
    kind,
    metadata: identity,
    spec: { ...(unschedulable !== undefined && { unschedulable }), ...(taints !== undefined && { taints }) },
    status: {
      ...(allocatable !== undefined && { allocatable }),
      // Without their heartbeats, which change every few minutes and say nothing.
      ...(conditions !== undefined && {
        conditions: conditions
          .filter(({ type = '' }) => type === 'Ready' || type.endsWith('Pressure'))
          .map(({ type = '', status: is = '', lastTransitionTime = '' }) => ({ type, status: is, lastTransitionTime })),
      }),
    },
  };
}
