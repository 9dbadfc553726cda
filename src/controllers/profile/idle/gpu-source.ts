/** Where the load pod reads the use of the model's GPUs, and what they are. */
import type { ProfileResult } from '../../../api/model-profile/index.ts';
import type { Cached } from '../../../kube/store.ts';
import type { NodeObject } from '../resources.ts';
import type { ReadyTarget, TargetPod } from '../target/target.ts';
import type { GpuNode } from './judge.ts';

export interface GpuSource {
  /** What the load pod is told. */
  readonly target: Pick<ReadyTarget, 'dcgmUrl' | 'gpuLabels'>;
  /** GPUs of all of the Pods, as far as they are told. */
  readonly uuids: readonly string[];
  /** Where the figures come from, or why there are none. */
  readonly text: string;
}

/**
 * The exporter of one node, for the Pod there: figures of several copies of a model would be those of the node that answers. An exporter
 * that knows no Pods serves where the node has no other GPUs than the Pod's.
 * @param pods those that have GPUs
 */
export function gpuSourceOf(namespace: string, pods: readonly TargetPod[], nodes: readonly GpuNode[]): GpuSource {
  const none = (text: string): GpuSource => ({ target: {}, uuids: [], text });
  if (pods.length === 0) return none('the model runs on no GPU');
  const uuids = [...new Set(pods.flatMap((pod) => gpusOf(`${namespace}/${pod.name}`, pod, nodes)))].toSorted().slice(0, 64);
  const whys: string[] = [];
  for (const pod of pods) {
    const node = nodes.find(({ name }) => name === pod.node);
    if (node === undefined) continue;
    const { exporter } = node;
    if (exporter.kind !== 'Read') {
      whys.push(exporter.kind === 'None' ? exporter.why : `${exporter.pod} ${exporter.why}`);
      continue;
    }
    const own = `${namespace}/${pod.name}`;
    const gpus = exporter.gpus.filter((gpu) => gpu.pods.includes(own));
    const named = exporter.gpus.some((gpu) => gpu.pods.length > 0);
    if (gpus.length === 0 && (named || exporter.gpus.length !== pod.gpus)) {
      whys.push(`${exporter.pod} on node ${node.name} does not tell which GPU Pod ${pod.name} has`);
      continue;
    }
    const copies = pods.length === 1 ? '' : `, one of ${pods.length}`;
    return {
      target: { dcgmUrl: exporter.url, ...(gpus.length > 0 && { gpuLabels: { namespace, pod: pod.name } }) },
      uuids,
      text: `DCGM ${exporter.pod} on node ${node.name}, for Pod ${pod.name}${copies}`,
    };
  }
  return none(whys[0] ?? 'the node of the model is not known');
}

/** As long as the status takes: a UUID has 40 characters. */
const longestId = 96;

/** Those that the exporter says the Pod has; all of the node where it knows no Pods and the node has no others. */
function gpusOf(own: string, pod: TargetPod, nodes: readonly GpuNode[]): string[] {
  const exporter = nodes.find(({ name }) => name === pod.node)?.exporter;
  if (exporter?.kind !== 'Read') return [];
  const named = exporter.gpus.some((gpu) => gpu.pods.length > 0);
  const gpus = named ? exporter.gpus.filter((gpu) => gpu.pods.includes(own)) : exporter.gpus.length === pod.gpus ? exporter.gpus : [];
  // Whatever an exporter says, the status has to take it.
  return gpus.map(({ id }) => id).filter(({ length }) => length <= longestId);
}

/** GPU product and driver by the labels of the nodes (NVIDIA's feature discovery), where all of them say the same. */
export function hardwareOf(nodes: readonly (Cached<NodeObject> | undefined)[]): {
  readonly gpuProduct?: string;
  readonly gpuDriver?: string;
} {
  const same = (read: (labels: Readonly<Record<string, string>>) => string | undefined) => {
    const values = new Set(nodes.map((node) => read(node?.metadata.labels ?? {})));
    const [value] = values;
    return values.size === 1 ? value : undefined;
  };
  const gpuProduct = same((labels) => labels['nvidia.com/gpu.product'] ?? labels['amd.com/gpu.product']);
  const gpuDriver = same(driverOf);
  return { ...(gpuProduct && { gpuProduct }), ...(gpuDriver && { gpuDriver }) };
}

function driverOf(labels: Readonly<Record<string, string>>): string | undefined {
  const whole = labels['nvidia.com/cuda.driver-version.full'];
  if (whole !== undefined) return whole;
  const [major, minor, rev] = ['major', 'minor', 'rev'].map((part) => labels[`nvidia.com/cuda.driver.${part}`]);
  return major === undefined
    ? undefined
    : [major, minor, rev]
        .filter((part) => part !== undefined && part !== '')
        .join('.')
        .slice(0, 64);
}

/** What the status says of the GPU columns of these results. */
export function gpuSourceText({ target, text }: Pick<GpuSource, 'target' | 'text'>, results: readonly ProfileResult[]): string {
  const told = results.filter(({ gpu }) => gpu !== undefined);
  if (target.dcgmUrl === undefined) return told.length > 0 ? 'the metrics of the model server' : `none: ${text}`;
  if (told.length === 0) return `none: ${text}: it told nothing while points were measured`;
  if (told.some(({ gpu }) => gpu?.utilizationPercent !== undefined)) return text;
  return `${text}; its use did not change while points were measured, so that it may be older than they are: let the exporter read more often (--collect-interval), or measure longer (spec.load.durationSeconds)`;
}
