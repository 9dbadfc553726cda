import type { ModelDeployment } from '../api/model-deployment/index.ts';

type Gpu = NonNullable<ModelDeployment['spec']['gpu']>;

export const defaultGpuResource = 'nvidia.com/gpu';

export function resourceNameOf(gpu: Gpu): string {
  return gpu.resourceName ?? defaultGpuResource;
}

/** The node label that names the GPU's product; NVIDIA's GPU feature discovery writes `nvidia.com/gpu.product`. */
export function selectorLabelOf(gpu: Gpu): string {
  return `${resourceNameOf(gpu).split('/')[0]}/gpu.product`;
}
