/**
 * What the caches keep of objects that others own. Pods alone are most of a cluster's data: a whole one is several KiB, and what is read
 * here is less than one.
 */
import type { EventObject, PodObject } from '../../kserve/observation.ts';
import type { ObjectMeta } from '../../kube/object.ts';
import type { ConfigMap, Deployment } from './resources.ts';

function identityOnly({
  name,
  namespace,
  uid,
  resourceVersion,
  generation,
  creationTimestamp,
  deletionTimestamp,
  labels,
  ownerReferences,
}: ObjectMeta): ObjectMeta {
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(generation !== undefined && { generation }),
    ...(creationTimestamp !== undefined && { creationTimestamp }),
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    ...(labels !== undefined && { labels }),
    ...(ownerReferences !== undefined && { ownerReferences }),
  };
}

type Containers = NonNullable<NonNullable<PodObject['spec']>['containers']>;

function slimContainers(containers: Containers): Containers {
  return containers.map(({ name, image, resources }) => ({
    ...(name !== undefined && { name }),
    ...(image !== undefined && { image }),
    ...(resources?.limits !== undefined && { resources: { limits: resources.limits } }),
  }));
}

export function prunePod(pod: PodObject): PodObject {
  const { apiVersion, kind, metadata, spec, status } = pod;
  return {
    apiVersion,
    kind,
    metadata: identityOnly(metadata),
    ...(spec !== undefined && {
      spec: {
        ...(spec.nodeName !== undefined && { nodeName: spec.nodeName }),
        ...(spec.containers !== undefined && { containers: slimContainers(spec.containers) }),
        ...(spec.initContainers !== undefined && { initContainers: slimContainers(spec.initContainers) }),
      },
    }),
    ...(status !== undefined && { status: slimPodStatus(status) }),
  };
}

function slimPodStatus(status: NonNullable<PodObject['status']>): NonNullable<PodObject['status']> {
  const { phase, reason, message, podIP, conditions, initContainerStatuses, containerStatuses } = status;
  return {
    ...(phase !== undefined && { phase }),
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
    ...(podIP !== undefined && { podIP }),
    ...(conditions !== undefined && { conditions }),
    ...(initContainerStatuses !== undefined && { initContainerStatuses }),
    ...(containerStatuses !== undefined && { containerStatuses }),
  };
}

/** The KServe controller's Deployment: names and images of its containers. */
export function pruneController(deployment: Deployment): Deployment {
  const containers = deployment.spec?.template?.spec?.containers ?? [];
  return {
    apiVersion: deployment.apiVersion,
    kind: deployment.kind,
    metadata: identityOnly(deployment.metadata),
    spec: { template: { spec: { containers: slimContainers(containers) } } },
  };
}

export function pruneConfigMap({ apiVersion, kind, metadata, data = {} }: ConfigMap): ConfigMap {
  const { _example: _, ...settings } = data;
  return { apiVersion, kind, metadata: identityOnly(metadata), data: settings };
}

export function pruneEvent({
  apiVersion,
  kind,
  metadata,
  reason,
  message,
  type,
  involvedObject,
  lastTimestamp,
  eventTime,
}: EventObject): EventObject {
  return {
    apiVersion,
    kind,
    metadata: identityOnly(metadata),
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
    ...(type !== undefined && { type }),
    ...(involvedObject !== undefined && { involvedObject }),
    ...(lastTimestamp !== undefined && { lastTimestamp }),
    ...(eventTime !== undefined && { eventTime }),
  };
}
