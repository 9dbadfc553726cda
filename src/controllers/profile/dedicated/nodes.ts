/** Whether the cluster has the hardware that a copy of a model asks for. */
import type { ModelDeploymentSpec } from '../../../api/model-deployment/index.ts';
import { resourceNameOf } from '../../../kserve/gpu.ts';
import { nodeSelectorOf } from '../../../kserve/resources.ts';
import type { NodeObject } from '../resources.ts';

type Taint = NonNullable<NonNullable<NodeObject['spec']>['taints']>[number];
type Toleration = NonNullable<NonNullable<ModelDeploymentSpec['scheduling']>['tolerations']>[number];

/**
 * Why no node can ever take a pod of this spec, in a sentence; undefined where one can, whether it is free or not. Looked at are labels,
 * the GPUs that a node offers, and taints; what else the scheduler weighs shows in the pod.
 */
export function whyNoNode(spec: ModelDeploymentSpec, nodes: readonly NodeObject[]): string | undefined {
  const selector = Object.entries(nodeSelectorOf(spec) ?? {});
  const labelled = nodes.filter(({ metadata }) => selector.every(([label, value]) => metadata.labels?.[label] === value));
  const wanted = selector.map(([label, value]) => `${label}=${value}`).join(', ');
  if (labelled.length === 0) {
    return selector.length === 0
      ? 'The cluster has no node'
      : `No node has ${selector.length === 1 ? 'the label' : 'the labels'} ${wanted}; correct the entry, or add such a node and start again by spec.runId`;
  }
  const place = wanted === '' ? 'No node' : `No node with ${wanted}`;
  const { gpu } = spec;
  const equipped =
    gpu === undefined ? labelled : labelled.filter(({ status }) => amount(status?.allocatable, resourceNameOf(gpu)) >= gpu.count);
  if (gpu !== undefined && equipped.length === 0) {
    const most = Math.max(...labelled.map(({ status }) => amount(status?.allocatable, resourceNameOf(gpu))));
    return `${place} offers ${gpu.count} ${resourceNameOf(gpu)}; the most that one offers is ${most}`;
  }
  const tolerations = spec.scheduling?.tolerations ?? [];
  const open = equipped.filter(
    ({ spec: node }) => node?.unschedulable !== true && (node?.taints ?? []).every((taint) => isTolerated(taint, tolerations)),
  );
  if (open.length > 0) return undefined;
  const [closed] = equipped;
  const taint = closed?.spec?.taints?.find((one) => !isTolerated(one, tolerations));
  return taint === undefined || closed?.spec?.unschedulable === true
    ? `${place} takes pods: node ${closed?.metadata.name} is cordoned`
    : `${place} takes this pod: node ${closed?.metadata.name} has the taint ${taint.key}${taint.value ? `=${taint.value}` : ''}:${taint.effect}; tolerate it in spec.scheduling.tolerations of the ModelDeployment`;
}

function amount(allocatable: Readonly<Record<string, string | number>> | undefined, resource: string): number {
  const count = Number(allocatable?.[resource] ?? 0);
  return Number.isFinite(count) ? count : 0;
}

/** Kubernetes' rule: an empty effect tolerates every effect, an empty key with Exists every taint (core/v1, `Toleration.ToleratesTaint`). */
function isTolerated({ key, value = '', effect }: Taint, tolerations: readonly Toleration[]): boolean {
  if (effect !== 'NoSchedule' && effect !== 'NoExecute') return true;
  return tolerations.some(
    (one) =>
      (one.effect === undefined || one.effect === effect) &&
      ((one.key ?? '') === '' ? one.operator === 'Exists' : one.key === key) &&
      (one.operator === 'Exists' || (one.value ?? '') === value),
  );
}
