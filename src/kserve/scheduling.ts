/** What the scheduler's message says is missing, and what to do about it. */
export interface Unschedulable {
  /** Extended resources and others that no node has enough of. */
  readonly insufficient: readonly string[];
  readonly remedy: string;
}

/**
 * Reads the message of a Pod's `PodScheduled` condition, such as `0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) didn't
 * match Pod's node affinity/selector. preemption: …`.
 */
export function readUnschedulable(message: string): Unschedulable {
  const reasons = message.replace(/\.?\s*(?:no new claims to deallocate, )?preemption:.*$/s, '');
  const insufficient = [...new Set([...reasons.matchAll(/Insufficient ([\w./-]*[\w/-])/g)].map(([, name = '']) => name))];
  const remedies = [
    ...insufficient.map(remedyFor),
    ...(/didn't match Pod's node affinity\/selector/.test(reasons)
      ? ['check spec.scheduling.nodeSelector, spec.scheduling.affinity and spec.gpu.product against the labels of the nodes']
      : []),
    ...(/untolerated taint/.test(reasons) ? ['add the taint to spec.scheduling.tolerations, or use nodes without it'] : []),
    ...(/unschedulable/.test(reasons) ? ['uncordon a node'] : []),
    ...(/(?:unbound immediate )?PersistentVolumeClaim|persistentvolumeclaim|volume node affinity/i.test(reasons)
      ? ['check that the PersistentVolumeClaim of spec.source.storageUri exists and can be bound on these nodes']
      : []),
    ...(/Too many pods/i.test(reasons) ? ['add a node, since these run as many pods as they may'] : []),
  ];
  return { insufficient, remedy: remedies.length > 0 ? remedies.join('; ') : 'add a node that fits, or ask for less' };
}

function remedyFor(resource: string): string {
  if (resource === 'cpu' || resource === 'memory') return `lower spec.resources, or add a node with more free ${resource}`;
  if (resource.includes('/')) return `lower spec.gpu.count, free a ${resource}, or add a node that has one`;
  return `add a node with more ${resource}`;
}

/** True for a resource that a device plugin offers. */
export function isExtended(resource: string): boolean {
  return resource.includes('/');
}
