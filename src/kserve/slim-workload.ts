import type { PodTemplate, WorkloadObject } from './observation.ts';

const rolloutAnnotation = 'deployment.kubernetes.io/revision';

/**
 * A Deployment, ReplicaSet, Revision or Knative Service with only what `readServing` reads of it, for caches: identity, replicas, the
 * rollout's number, what tells which spec the pod template was made from, and the status.
 */
export function slimWorkload<T extends WorkloadObject>(workload: T): T {
  const { apiVersion, kind, metadata, spec, status } = workload;
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp, labels, ownerReferences } = metadata;
  const rollout = metadata.annotations?.[rolloutAnnotation];
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...defined({ namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp, labels, ownerReferences }),
      ...(rollout !== undefined && { annotations: { [rolloutAnnotation]: rollout } }),
    },
    ...(spec !== undefined && {
      spec: { ...defined({ replicas: spec.replicas }), ...(spec.template !== undefined && { template: slimTemplate(spec.template) }) },
    }),
    ...defined({ status }),
  } as WorkloadObject as T;
}

function slimTemplate({ metadata, spec }: PodTemplate): PodTemplate {
  const containers = spec?.containers?.map(({ name, image, resources, securityContext }) =>
    defined({
      name,
      image,
      resources: defined({ limits: resources?.limits }),
      ...(securityContext?.seccompProfile && { securityContext: { seccompProfile: securityContext.seccompProfile } }),
    }),
  );
  return {
    metadata: defined({ labels: metadata?.labels, annotations: metadata?.annotations }),
    spec: defined({ containers, nodeSelector: spec?.nodeSelector, serviceAccountName: spec?.serviceAccountName }),
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}
