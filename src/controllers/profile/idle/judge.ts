/** Whether the GPUs that a run is about to measure are idle. */
import type { GpuReading } from '../../../load/metrics/gpu-reading.ts';

/** What is known of the GPUs of one node. */
export interface GpuNode {
  readonly name: string;
  readonly exporter:
    | { readonly kind: 'Read'; readonly pod: string; readonly url: string; readonly gpus: readonly GpuReading[] }
    /** There is one, and it did not answer. */
    | { readonly kind: 'Silent'; readonly pod: string; readonly why: string }
    | { readonly kind: 'None'; readonly why: string };
  /** GPUs that the node offers. */
  readonly allocatable: number;
  /** Whether several Pods may have the same GPU (time slicing, MPS). */
  readonly shared: boolean;
  /** Pods on it that asked for GPUs and have not ended. */
  readonly holders: readonly GpuHolder[];
}

export interface GpuHolder {
  /** namespace/name. */
  readonly pod: string;
  readonly gpus: number;
}

export interface IdleLimits {
  readonly maxUtilizationPercent: number;
  readonly maxMemoryPercent: number;
}

export type JudgedBy = 'Utilization' | 'Allocation';

export type Judgement =
  /** `note`: how it was judged. `judgedBy` is absent where there is no GPU to judge. */
  | { readonly kind: 'Idle'; readonly judgedBy?: JudgedBy; readonly note: string }
  | { readonly kind: 'Busy'; readonly judgedBy: JudgedBy; readonly busy: readonly Busy[] };

/** `what` is the same while the same is busy; `how` has the figures. */
export interface Busy {
  readonly what: string;
  readonly how: string;
}

/**
 * A running service: its own GPUs, by their use alone, since its model holds their memory while it idles. Where no exporter tells, a
 * GPU that its Pod has to itself counts as idle: nobody else can use it, and what the service's own users do there is not seen.
 * @param pods the Pods of the service that have GPUs, as namespace/name, by the name of their node
 */
export function judgeLive(pods: ReadonlyMap<string, readonly string[]>, nodes: readonly GpuNode[], limits: IdleLimits): Judgement {
  if (pods.size === 0) return { kind: 'Idle', note: 'the model runs on no GPU' };
  const verdicts = [...pods].map(([name, own]) => {
    const node = nodes.find((one) => one.name === name);
    return node === undefined
      ? { judgedBy: 'Allocation' as const, busy: [{ what: `node ${name}`, how: 'its Pods are not known yet' }], why: '' }
      : judgeNode(node, own, limits);
  });
  const busy = verdicts.flatMap((verdict) => verdict.busy);
  const unseen = verdicts.find(({ judgedBy }) => judgedBy === 'Allocation');
  const judgedBy = unseen === undefined ? 'Utilization' : 'Allocation';
  if (busy.length > 0) return { kind: 'Busy', judgedBy, busy };
  const note = unseen === undefined ? 'by the figures of the DCGM exporter' : `by what Pods have asked for, since ${unseen.why}`;
  return { kind: 'Idle', judgedBy, note };
}

interface NodeVerdict {
  readonly judgedBy: JudgedBy;
  readonly busy: readonly Busy[];
  /** Why it was judged by allocation. */
  readonly why: string;
}

function judgeNode(node: GpuNode, own: readonly string[], limits: IdleLimits): NodeVerdict {
  const { exporter, name } = node;
  switch (exporter.kind) {
    case 'Silent':
      return {
        judgedBy: 'Utilization',
        busy: [{ what: `GPUs of node ${name}`, how: `their use is not known: ${exporter.pod} ${exporter.why}` }],
        why: '',
      };
    case 'Read': {
      const named = exporter.gpus.some(({ pods }) => pods.length > 0);
      // An exporter that knows no Pods cannot say which GPUs are the service's: then all of the node have to be idle.
      const gpus = named ? exporter.gpus.filter(({ pods }) => pods.some((pod) => own.includes(pod))) : exporter.gpus;
      if (gpus.length === 0) {
        const how = `the use of its GPU is not known: ${exporter.pod} on node ${name} tells of none that it has`;
        return { judgedBy: 'Utilization', busy: own.map((pod) => ({ what: `Pod ${pod}`, how })), why: '' };
      }
      return { judgedBy: 'Utilization', busy: gpus.flatMap((gpu) => busyGpu(gpu, name, limits.maxUtilizationPercent)), why: '' };
    }
    case 'None': {
      const others = node.shared ? node.holders.filter(({ pod }) => !own.includes(pod)) : [];
      const busy = others.map(({ pod }) => ({ what: `Pod ${pod}`, how: `asks for a GPU of node ${name}, which are shared` }));
      return { judgedBy: 'Allocation', busy, why: exporter.why };
    }
  }
}

function busyGpu(gpu: GpuReading, node: string, maxPercent: number): Busy[] {
  const use = gpu.utilizationPercent;
  if (use !== null && use <= maxPercent) return [];
  const holders = gpu.pods.length === 0 ? '' : `, of ${gpu.pods.length === 1 ? 'Pod' : 'Pods'} ${gpu.pods.join(' and ')}`;
  const what = `${gpu.id} on node ${node}${holders}`;
  return [{ what, how: use === null ? 'its use is not told' : `${percent(use)} % used, more than ${maxPercent} %` }];
}

/** What a temporary copy needs. */
export interface WantedGpus {
  /** For messages, for example nvidia.com/gpu. */
  readonly resource: string;
  readonly count: number;
}

/**
 * A temporary copy: a node with as many GPUs to spare as it wants, that are idle in use and in memory. Where no exporter tells, those
 * that nobody has asked for count as idle.
 * @param nodes those that can take the copy
 */
export function judgeFree({ resource, count }: WantedGpus, nodes: readonly GpuNode[], limits: IdleLimits): Judgement {
  if (count === 0) return { kind: 'Idle', note: 'the copy wants no GPU' };
  const verdicts = nodes.map((node) => ({ node, ...judgeSpare(node, count, limits) }));
  const free = verdicts.find(({ busy }) => busy.length === 0);
  if (free !== undefined) {
    const { exporter, name } = free.node;
    const how =
      exporter.kind === 'Read'
        ? 'by the figures of the DCGM exporter'
        : `by what Pods have asked for, since ${exporter.kind === 'None' ? exporter.why : ''}`;
    return { kind: 'Idle', judgedBy: free.judgedBy, note: `node ${name} has ${count} ${resource} to spare, ${how}` };
  }
  const judgedBy = verdicts.some((verdict) => verdict.judgedBy === 'Utilization') ? 'Utilization' : 'Allocation';
  const busy = verdicts.flatMap((verdict) => verdict.busy);
  return { kind: 'Busy', judgedBy, busy: busy.length > 0 ? busy : [{ what: resource, how: 'no node that can take the copy offers any' }] };
}

function judgeSpare(node: GpuNode, count: number, limits: IdleLimits): { readonly judgedBy: JudgedBy; readonly busy: readonly Busy[] } {
  const { exporter, name, holders, allocatable } = node;
  const judgedBy = exporter.kind === 'None' ? 'Allocation' : 'Utilization';
  const requested = holders.reduce((sum, { gpus }) => sum + gpus, 0);
  if (allocatable - requested < count) {
    const pods = holders.map(({ pod }) => pod);
    return {
      judgedBy,
      busy: [
        { what: `node ${name}`, how: `${requested} of its ${allocatable} GPUs are taken by ${listed(pods)}, and ${count} are wanted` },
      ],
    };
  }
  if (exporter.kind === 'None') return { judgedBy, busy: [] };
  if (exporter.kind === 'Silent')
    return { judgedBy, busy: [{ what: `GPUs of node ${name}`, how: `their use is not known: ${exporter.pod} ${exporter.why}` }] };
  const spare = exporter.gpus.filter(({ pods }) => pods.length === 0 || node.shared);
  const busy = spare.flatMap((gpu) =>
    [...busyGpu(gpu, name, limits.maxUtilizationPercent), ...fullGpu(gpu, name, limits.maxMemoryPercent)].slice(0, 1),
  );
  if (spare.length - busy.length >= count) return { judgedBy, busy: [] };
  return {
    judgedBy,
    busy:
      busy.length > 0
        ? busy
        : [{ what: `node ${name}`, how: `${exporter.pod} tells of ${spare.length} GPUs that no Pod has, and ${count} are wanted` }],
  };
}

function fullGpu(gpu: GpuReading, node: string, maxPercent: number): Busy[] {
  const memory = gpu.memoryUsedPercent;
  if (memory !== null && memory <= maxPercent) return [];
  const how = memory === null ? 'its memory is not told' : `${percent(memory)} % of its memory in use, more than ${maxPercent} %`;
  return [{ what: `${gpu.id} on node ${node}`, how }];
}

function listed(pods: readonly string[]): string {
  if (pods.length === 0) return 'nobody';
  const shown = pods.slice(0, 3).join(', ');
  return `${pods.length === 1 ? 'Pod' : 'Pods'} ${shown}${pods.length > 3 ? ` and ${pods.length - 3} more` : ''}`;
}

function percent(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}
