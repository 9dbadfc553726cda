/** Finds and asks the DCGM exporters of nodes. */
import { defaultExporterPort, exporterLabels, exporterNamespaces } from '../../../api/serving-platform/dcgm-exporter.ts';
import type { ServingPlatformSpec } from '../../../api/serving-platform/index.ts';
import type { DeepReadonly } from '../../../kube/object.ts';
import { type GpuReading, readGpus } from '../../../load/metrics/gpu-reading.ts';
import { parsePrometheus } from '../../../load/metrics/prometheus.ts';
import { exchangeOnce } from '../../../load/transport/once.ts';
import type { NodePod } from './node-pods.ts';

/** `spec.benchmark.dcgmExporter` of the ServingPlatform. */
export type ExporterSettings = DeepReadonly<NonNullable<NonNullable<ServingPlatformSpec['benchmark']>['dcgmExporter']>>;

/** `pod`: namespace/name. */
export type FoundExporter =
  | { readonly kind: 'Found'; readonly pod: string; readonly address: string; readonly port: number }
  | { readonly kind: 'None'; readonly why: string };

/** The exporter among the Pods of a node. Of several the one whose name comes first: any of them tells of the same GPUs. */
export function exporterAmong(node: string, pods: readonly NodePod[], settings: ExporterSettings = {}): FoundExporter {
  const wanted = settings.selector === undefined ? exporterLabels : [settings.selector.matchLabels];
  const namespaces: readonly string[] = settings.namespaces ?? exporterNamespaces;
  const matching = pods.filter(({ labels }) =>
    wanted.some((set) => Object.keys(set).length > 0 && Object.entries(set).every(([label, value]) => labels[label] === value)),
  );
  const found = matching
    .filter(({ namespace, running, address }) => namespaces.includes(namespace) && running && address !== undefined)
    .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))[0];
  if (found?.address !== undefined) {
    return { kind: 'Found', pod: nameOf(found), address: found.address, port: settings.port ?? defaultExporterPort };
  }
  const [other] = matching;
  if (other === undefined)
    return { kind: 'None', why: `node ${node} has no Pod of a DCGM exporter (spec.benchmark.dcgmExporter of the ServingPlatform)` };
  return {
    kind: 'None',
    why: namespaces.includes(other.namespace)
      ? `Pod ${nameOf(other)}, the DCGM exporter of node ${node}, does not run`
      : `Pod ${nameOf(other)} on node ${node} is in a namespace that spec.benchmark.dcgmExporter.namespaces of the ServingPlatform does not name`,
  };
}

export function metricsUrlOf({ address, port }: Extract<FoundExporter, { kind: 'Found' }>): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}/metrics`;
}

/** An exporter answers within milliseconds, and a node of eight GPUs in seven slices each fills some hundred KiB. */
const limits = { timeoutMicroseconds: 5_000_000, maxBodyBytes: 8 << 20 };

export type Scraped = { readonly kind: 'Read'; readonly gpus: readonly GpuReading[] } | { readonly kind: 'Silent'; readonly why: string };

/** What the exporter says now. Never throws but for an aborted signal. */
export async function scrape({ address, port }: Extract<FoundExporter, { kind: 'Found' }>, signal?: AbortSignal): Promise<Scraped> {
  const authority = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  const target = { host: address, port, tls: null, basePath: '', authority, headers: [] };
  const request = { method: 'GET', path: '/metrics', headers: [['accept', 'text/plain']], body: Buffer.alloc(0) } as const;
  const outcome = await exchangeOnce(target, 'http1', request, limits, signal);
  if (outcome.error !== null) return { kind: 'Silent', why: `at ${authority} does not answer: ${outcome.message.slice(0, 200)}` };
  const gpus = readGpus(parsePrometheus(outcome.body?.toString() ?? ''));
  return gpus.length > 0 ? { kind: 'Read', gpus } : { kind: 'Silent', why: `at ${authority} tells of no GPU` };
}

function nameOf({ namespace, name }: NodePod): string {
  return `${namespace}/${name}`;
}
