/** Objects for the tests of this folder. */
import type { NodeObject } from '../resources.ts';

export const flagsOn = {
  'kubernetes.podspec-nodeselector': 'enabled',
  'kubernetes.podspec-tolerations': 'enabled',
  'kubernetes.podspec-affinity': 'enabled',
};

/** A node with labels and what it offers. */
export function aNode(
  name: string,
  labels: Record<string, string> = {},
  allocatable: Record<string, string> = {},
  spec: NodeObject['spec'] = {},
): NodeObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: { allocatable: { cpu: '8', ...allocatable } },
  };
}

/** A node with GPUs of a product. */
export function aGpuNode(name: string, product: string, count = 1, resource = 'nvidia.com/gpu'): NodeObject {
  return aNode(name, { [`${resource.split('/')[0]}/gpu.product`]: product }, { [resource]: String(count) });
}
