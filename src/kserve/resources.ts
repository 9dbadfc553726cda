import type { ModelDeployment } from '../api/model-deployment/index.ts';
import { resourceNameOf, selectorLabelOf } from './gpu.ts';
import { canonicalQuantity } from './quantity.ts';

type Quantities = Record<string, string>;

/** `resources` of a container. */
export interface ContainerResources {
  readonly requests?: Quantities;
  readonly limits?: Quantities;
}

/**
 * The container's resources, GPUs included. KServe merges every quantity that is missing from its runtime's own (1 CPU, 2Gi), for requests
 * and limits apart: a limit of 1Gi alone would meet a request of 2Gi, and the Deployment would be refused. So what is given for one of the
 * two is written for both.
 */
export function containerResources(
  resources: ModelDeployment['spec']['resources'],
  gpu: ModelDeployment['spec']['gpu'] = undefined,
): ContainerResources | undefined {
  const requests = canonical({ ...resources?.limits, ...resources?.requests });
  const limits = canonical({ ...resources?.requests, ...resources?.limits });
  if (gpu !== undefined) {
    const name = resourceNameOf(gpu);
    requests[name] = String(gpu.count);
    limits[name] = String(gpu.count);
  }
  return Object.keys(limits).length === 0 ? undefined : { requests, limits };
}

/** Labels a node must have: those asked for, and the GPU's product. */
export function nodeSelectorOf({ scheduling, gpu }: ModelDeployment['spec']): Record<string, string> | undefined {
  const selector = { ...scheduling?.nodeSelector, ...(gpu?.product !== undefined && { [selectorLabelOf(gpu)]: gpu.product }) };
  return Object.keys(selector).length === 0 ? undefined : selector;
}

function canonical(quantities: Readonly<Record<string, string | number>>): Quantities {
  return Object.fromEntries(Object.entries(quantities).map(([name, quantity]) => [name, canonicalQuantity(quantity)]));
}
