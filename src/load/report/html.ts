import { allGpus, type GpuColumns } from '../metrics/all-gpus.ts';
import { type Percentile, percentiles } from '../point.ts';
import { inOrder, levelOf, ms, reportColumns } from './columns.ts';
import { escapeHtml, mostSeries, type PlotOptions, plot, type Series } from './plot.ts';
import { origin, type ShownPoint, type ShownReport } from './report.ts';
import { sentences } from './sentences.ts';

const style = `body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 1em;color:#222}h1{font-size:1.4em}table{border-collapse:collapse;font-size:13px}th,td{padding:.25em .6em;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}th:first-child,td:first-child{text-align:left}tr.best{background:#e8f5e9}tr.invalid{color:#999}figure{display:inline-block;margin:0 1em 1em 0;width:640px;max-width:100%}svg{width:100%;font:11px system-ui,sans-serif}.grid{stroke:#eee}.bound{stroke:#c00;stroke-dasharray:4 3}.boundlabel{fill:#c00}.title{font-size:13px;font-weight:600}.wide{overflow-x:auto}`;

/** One self-contained page: no script, nothing fetched. Hollow dots are points that are not valid. */
export function htmlReport(report: ShownReport): string {
  const { target, best } = report;
  const points = inOrder(report.points);
  const row = (point: ShownPoint) =>
    `<tr class="${point.id === best.best ? 'best' : point.valid ? '' : 'invalid'}">${reportColumns.map((column) => `<td>${escapeHtml(column.value(point))}</td>`).join('')}</tr>`;
  const figures = [
    latencyCurve(report, points),
    throughputByLevel(points),
    percentileCurve(report, points),
    gpuUse(points),
    gpuMemory(points),
  ]
    .filter((svg) => svg !== '')
    .map((svg) => `<figure>${svg}</figure>`);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>${escapeHtml(target.model)}: benchmark</title><style>${style}</style></head><body>
<h1>${escapeHtml(target.model)} at ${escapeHtml(target.url)}${report.partial ? ' (partial)' : ''}</h1>
<p>${escapeHtml(origin(report))}</p>
<ul>${sentences(report)
    .map((sentence) => `<li>${escapeHtml(sentence)}</li>`)
    .join('')}</ul>
${figures.join('\n')}
${figures.length > 0 && points.some(({ valid }) => !valid) ? '<p>Hollow dots are points that are not valid: they are shown, and never ranked.</p>' : ''}
<div class="wide"><table><thead><tr>${reportColumns.map((column) => `<th>${escapeHtml(column.heading)}</th>`).join('')}</tr></thead><tbody>${points.map(row).join('\n')}</tbody></table></div>
<p>${escapeHtml([report.payload.source, ...client(report)].join('; '))}.</p>
</body></html>
`;
}

function client({ environment }: ShownReport): string[] {
  if (environment === null) return [];
  return [`${environment.processor ?? 'processor unknown'}, ${environment.processors} processors, Node ${environment.node}`];
}

/** One line for each batch size and kind of loop: the two loops are never joined, they measure different things. */
function byBatch(
  points: readonly ShownPoint[],
  value: (point: ShownPoint) => Omit<Series['points'][number], 'label' | 'hollow'> | undefined,
): Series[] {
  const groups = new Map<string, ShownPoint[]>();
  for (const point of points.filter((p) => !p.repeat)) {
    const name = `${point.hardware === undefined ? '' : `${point.hardware}, `}batch ${point.batchSize}${point.load.loop === 'open' ? ', open' : ''}`;
    groups.set(name, [...(groups.get(name) ?? []), point]);
  }
  return [...groups].map(([name, group]) => ({
    name,
    points: group.flatMap((point) => {
      const at = value(point);
      return at === undefined
        ? []
        : [
            {
              ...at,
              hollow: !point.valid,
              label: `${point.id}: ${point.inferencesPerSecond.toFixed(1)}/s, p99 ${ms(point.latencyMicroseconds?.p99)} ms (${levelOf(point)})`,
            },
          ];
    }),
  }));
}

/** By the percentile that the first bound is given for, p99 without bounds. */
function latencyCurve(report: ShownReport, points: readonly ShownPoint[]): string {
  const [bound] = report.objective.latency;
  const name = percentileOf(bound?.percentile);
  const series = byBatch(points, (point) => {
    const interval = point.latencyIntervals[name];
    const toMs = (value: number | null | undefined) => (typeof value === 'number' ? value / 1000 : null);
    const latency = point.latencyMicroseconds?.[name];
    return latency === undefined
      ? undefined
      : { x: point.inferencesPerSecond, y: latency / 1000, low: toMs(interval?.low), high: toMs(interval?.high) };
  });
  return plot(series, {
    title: 'Latency against throughput, with 95 % intervals',
    x: 'inferences per second',
    y: `${name} latency, ms`,
    logarithmicY: true,
    ...(bound === undefined
      ? {}
      : { line: { y: bound.maxMicroseconds / 1000, label: `${bound.percentile} ≤ ${bound.maxMicroseconds / 1000} ms` } }),
  });
}

function percentileOf(text: string | undefined): Percentile {
  return percentiles.find((name) => name === text) ?? 'p99';
}

function throughputByLevel(points: readonly ShownPoint[]): string {
  const closed = points.filter((point) => point.load.loop === 'closed');
  if (new Set(closed.map(levelOf)).size < 2) return '';
  return plot(
    byBatch(closed, (point) => ({ x: point.load.loop === 'closed' ? point.load.concurrency : 0, y: point.inferencesPerSecond })),
    { title: 'Throughput by concurrency', x: 'requests at once', y: 'inferences per second' },
  );
}

/** As many as there are colours: the best and the Pareto set first. */
function percentileCurve({ best }: ShownReport, points: readonly ShownPoint[]): string {
  const rank = ({ id, valid }: ShownPoint) => (id === best.best ? 0 : best.pareto.includes(id) ? 1 : valid ? 2 : 3);
  const told = points.filter(({ latencyMicroseconds }) => latencyMicroseconds !== null);
  const chosen = new Set(told.toSorted((a, b) => rank(a) - rank(b)).slice(0, mostSeries));
  const series = told
    .filter((point) => chosen.has(point))
    .map(({ id, latencyMicroseconds, valid }) => ({
      name: id,
      points: percentiles.flatMap((name, i) => {
        const value = latencyMicroseconds?.[name];
        return value === undefined ? [] : [{ x: i + 1, y: value / 1000, label: `${id} ${name} ${ms(value)} ms`, hollow: !valid }];
      }),
    }));
  return plot(series, {
    title: `Percentiles of latency${chosen.size < told.length ? `, ${chosen.size} of ${told.length} points` : ''}`,
    x: 'percentile',
    xTicks: percentiles.map((name, i) => ({ at: i + 1, label: name === 'p999' ? 'p99.9' : name })),
    y: 'latency, ms',
    logarithmicY: true,
  });
}

function gpuUse(points: readonly ShownPoint[]): string {
  return gpuPlot(points, ({ utilisationPercent }) => utilisationPercent, { title: 'GPU use', y: 'mean over the window, %' });
}

function gpuMemory(points: readonly ShownPoint[]): string {
  const mebibytes = ({ memoryUsedMaxBytes: bytes }: GpuColumns) => (bytes === null ? null : bytes / 2 ** 20);
  return gpuPlot(points, mebibytes, { title: 'GPU memory', y: 'largest in use, MiB' });
}

/** Of all GPUs of the server together. */
function gpuPlot(points: readonly ShownPoint[], read: (gpu: GpuColumns) => number | null, said: Pick<PlotOptions, 'title' | 'y'>): string {
  const series = byBatch(points, ({ gpus, inferencesPerSecond }) => {
    const value = read(allGpus(gpus ?? []));
    return value === null ? undefined : { x: inferencesPerSecond, y: value };
  });
  return plot(
    series.filter((one) => one.points.length > 0),
    { ...said, x: 'inferences per second' },
  );
}
