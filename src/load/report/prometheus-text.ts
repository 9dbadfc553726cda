import { type Point, percentiles } from '../point.ts';
import { inOrder } from './columns.ts';
import type { Report } from './report.ts';

interface Family {
  readonly name: string;
  readonly help: string;
  /** One sample for each pair of extra labels and value; null values are left out. */
  readonly samples: (point: Point) => readonly (readonly [labels: Readonly<Record<string, string>>, value: number | null])[];
}

const families: readonly Family[] = [
  {
    name: 'modelwright_bench_inferences_per_second',
    help: 'Successful inferences per second.',
    samples: (p) => [[{}, p.inferencesPerSecond]],
  },
  {
    name: 'modelwright_bench_latency_seconds',
    help: 'Latency by nearest-rank quantile.',
    samples: (p) =>
      percentiles.map((name) => [
        { quantile: `0.${name.slice(1)}`.replace(/^(0\.\d)0$/, '$1') },
        p.latencyMicroseconds === null ? null : p.latencyMicroseconds[name] / 1e6,
      ]),
  },
  {
    name: 'modelwright_bench_requests',
    help: 'Requests of the point by result.',
    samples: (p) => [
      [{ result: 'success' }, p.succeeded],
      ...Object.entries(p.errors).map(([name, count]) => [{ result: name }, count] as const),
    ],
  },
  { name: 'modelwright_bench_valid', help: 'Whether the point can be relied on.', samples: (p) => [[{}, p.valid ? 1 : 0]] },
  {
    name: 'modelwright_bench_gpu_utilization_ratio',
    help: 'Mean GPU utilisation over the window.',
    samples: (p) =>
      (p.gpus ?? []).map(({ uuid, stale, utilisationPercent }) => [
        { gpu: uuid },
        stale || utilisationPercent === null ? null : utilisationPercent / 100,
      ]),
  },
  {
    name: 'modelwright_bench_gpu_memory_bytes',
    help: 'Largest GPU memory in use over the window.',
    samples: (p) => (p.gpus ?? []).map((gpu) => [{ gpu: gpu.uuid }, gpu.memoryUsedMaxBytes]),
  },
];

/** Prometheus text (0.0.4) of the points, for a textfile collector or a push gateway. */
export function prometheusReport(report: Report): string {
  const common = { model: report.target.model, protocol: report.target.protocol, run: report.run };
  const lines: string[] = [];
  for (const { name, help, samples } of families) {
    const values = inOrder(report.points).flatMap((point) =>
      samples(point).flatMap(([labels, value]) =>
        value === null
          ? []
          : [
              `${name}{${Object.entries({ ...common, point: point.id, batch: String(point.batchSize), ...labels })
                .map(([key, text]) => `${key}="${escapeLabel(text)}"`)
                .join(',')}} ${value}`,
            ],
      ),
    );
    if (values.length > 0) lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...values);
  }
  return `${lines.join('\n')}\n`;
}

function escapeLabel(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}
