/**
 * An exporter of known truth: it answers as NVIDIA's DCGM exporter does and remembers what it told, so that a test can work out by itself what
 * a reader must have made of it. Names, units and labels are those of dcgm-exporter 3 and 4 (default counters).
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** DCGM's marker for "not available", as the exporter prints it. */
export const blank = '9223372036854775794';

/** One GPU at one moment. Memory in MiB, power in watts, use in percent. */
export interface GpuTruth {
  readonly utilization: number | typeof blank;
  readonly used: number;
  readonly free: number;
  readonly reserved?: number;
  readonly power?: number;
}

export interface FakeGpu {
  readonly uuid: string;
  /** Number of the MIG instance; its use is told as GR_ENGINE_ACTIVE alone. */
  readonly instance?: number;
  readonly pod?: string;
  readonly namespace?: string;
  /** What it is at the `scrape`-th question, counted from 0. */
  readonly at: (scrape: number) => GpuTruth;
}

/** As `FakeGpu`, in words that travel: what it is at one question after the other, over and over. */
export interface ToldGpu extends Omit<FakeGpu, 'at'> {
  readonly tells: readonly GpuTruth[];
}

/** `current`: today's names. `old`: `--use-old-namespace` and before. `lowercase`: newer. `prometheus`: as Prometheus hands them on. */
export type LabelStyle = 'current' | 'old' | 'lowercase' | 'prometheus';

export interface FakeExporter extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly url: string;
  /** What it told of each GPU, question after question. */
  readonly told: readonly (readonly GpuTruth[])[];
  /** Lets it tell of other GPUs from now on. */
  show(gpus: readonly FakeGpu[]): void;
  /** It takes the question and never answers. */
  hang(hangs: boolean): void;
}

/** @param address any of 127.0.0.0/8: several exporters can have the same port, as those of several nodes do */
export async function startDcgmExporter(
  gpus: readonly FakeGpu[],
  {
    style = 'current',
    address = '127.0.0.1',
    port = 0,
    obeys = false,
  }: {
    readonly style?: LabelStyle;
    readonly address?: string;
    readonly port?: number;
    /** `PUT /gpus` with a list of `ToldGpu` shows those from then on: for one that runs where `show` cannot be called. */
    readonly obeys?: boolean;
  } = {},
): Promise<FakeExporter> {
  let shown = gpus;
  let hanging = false;
  const told: (readonly GpuTruth[])[] = [];
  const server = createServer((request, response) => {
    if (hanging) return;
    if (obeys && request.method === 'PUT' && request.url === '/gpus') {
      void json(request).then((list) => {
        shown = (list as ToldGpu[]).map(({ tells, ...gpu }) => ({ ...gpu, at: (n) => tells[n % tells.length] as GpuTruth }));
        response.writeHead(204).end();
      });
      return;
    }
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    const truths = shown.map((gpu) => gpu.at(told.length));
    told.push(truths);
    const text = shown.map((gpu, i) => linesOf(gpu, truths[i] as GpuTruth, style)).join('');
    response
      .writeHead(200, { 'content-type': 'text/plain; version=0.0.4' })
      .end(`# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).\n${text}`);
  });
  server.listen(port, address);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  return {
    address,
    port: bound,
    url: `http://${address}:${bound}/metrics`,
    told,
    show(others) {
      shown = others;
    },
    hang(hangs) {
      hanging = hangs;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function linesOf(gpu: FakeGpu, { utilization, used, free, reserved = 0, power }: GpuTruth, style: LabelStyle): string {
  const labels = labelsOf(gpu, style);
  const line = (name: string, value: number | string) => `DCGM_FI_${name}{${labels}} ${value}\n`;
  const use =
    gpu.instance === undefined
      ? line('DEV_GPU_UTIL', utilization)
      : line('PROF_GR_ENGINE_ACTIVE', utilization === blank ? blank : utilization / 100);
  return [
    use,
    line('DEV_FB_USED', used),
    line('DEV_FB_FREE', free),
    line('DEV_FB_RESERVED', reserved),
    power === undefined ? '' : line('DEV_POWER_USAGE', power),
    line('DEV_XID_ERRORS', 0),
  ].join('');
}

function labelsOf({ uuid, instance, pod, namespace }: FakeGpu, style: LabelStyle): string {
  const labels: [name: string, value: string][] = [
    ['gpu', '0'],
    [style === 'lowercase' ? 'uuid' : 'UUID', uuid],
    ['modelName', 'Tesla T4'],
    [style === 'old' ? 'Hostname' : 'hostname', 'gpu-1'],
  ];
  if (instance !== undefined) labels.push(['GPU_I_PROFILE', '1g.5gb'], ['GPU_I_ID', String(instance)]);
  const prefix = style === 'prometheus' ? 'exported_' : '';
  const suffix = style === 'old' ? '_name' : '';
  if (pod !== undefined) labels.push([`${prefix}pod${suffix}`, pod], [`${prefix}container${suffix}`, 'kserve-container']);
  if (namespace !== undefined) labels.push([style === 'old' ? 'pod_namespace' : `${prefix}namespace`, namespace]);
  // Prometheus puts the exporter's own Pod where the workload's was.
  if (style === 'prometheus') labels.push(['pod', 'nvidia-dcgm-exporter-x7'], ['namespace', 'gpu-operator']);
  return labels.map(([name, value]) => `${name}="${value}"`).join(',');
}
