import { type Load, pointId } from '../point.ts';
import type { ShownPoint } from '../report/report.ts';
import { UsageError } from '../transport/target.ts';
import { splitCsv } from './csv-line.ts';
import { type Imported, unknownPoint } from './imported.ts';

/**
 * Reads the CSV of perf_analyzer (`-f FILE`; with `--verbose-csv` and `--collect-metrics` the mean and the GPU too). Its times are microseconds,
 * its `Inferences/Second` counts samples. The batch size (`-b`) does not stand in the file. Throws a `UsageError` that names the line.
 */
export function readPerfAnalyzer(text: string, source: string, batchSize: number): Imported {
  const [head = '', ...lines] = text.split(/\r?\n/);
  const columns = splitCsv(head);
  const level = columns[0] === 'Concurrency' || columns[0] === 'Request Rate' ? columns[0] : undefined;
  if (level === undefined || !columns.includes('Inferences/Second'))
    throw new UsageError(
      `${source} is no CSV of perf_analyzer: its first line must begin with "Concurrency,Inferences/Second" or "Request Rate,…"`,
    );
  // A table of other figures may follow after an empty line.
  const end = lines.findIndex((line) => line.trim() === '');
  const rows = end < 0 ? lines : lines.slice(0, end);
  const points = rows.map((line, i) => {
    const cells = splitCsv(line);
    if (cells.length < columns.length)
      throw new UsageError(`${source}: line ${i + 2} has ${cells.length} cells instead of ${columns.length}`);
    const cell = (name: string) => cells[columns.indexOf(name)];
    return pointOf(level, batchSize, cell, `${source}: line ${i + 2}`);
  });
  if (points.length === 0) throw new UsageError(`${source} has no row: perf_analyzer reports no level that did not stabilise`);
  return {
    tool: 'perf_analyzer',
    source,
    points,
    definitions: 'Percentiles by index ⌊q·(n−1)+0.5⌋, latency from the actual send by the wall clock; no intervals.',
    remarks: [
      'perf_analyzer leaves out levels that did not stabilise, and does not tell requests or errors',
      ...(level === 'Request Rate' ? ['its latency at a rate counts from the actual send: what a stall held back is not in it'] : []),
    ],
  };
}

function pointOf(level: string, batchSize: number, cell: (name: string) => string | undefined, where: string): ShownPoint {
  const number = (name: string): number => {
    const value = Number(cell(name));
    if (cell(name) === undefined || cell(name) === '' || !Number.isFinite(value)) throw new UsageError(`${where} has no number "${name}"`);
    return value;
  };
  const optional = (name: string) => (cell(name) === undefined || cell(name) === '' ? undefined : number(name));
  const value = number(level);
  // perf_analyzer does not tell which --request-distribution it was run with; its default is constant.
  const load: Load =
    level === 'Concurrency' ? { loop: 'closed', concurrency: value } : { loop: 'open', requestsPerSecond: value, arrivals: 'constant' };
  const samples = number('Inferences/Second');
  const mean = optional('Avg latency');
  const queue = optional('Server Queue');
  const infer = optional('Server Compute Infer');
  return {
    ...unknownPoint,
    id: pointId(batchSize, load),
    batchSize,
    load,
    offeredPerSecond: load.loop === 'open' ? load.requestsPerSecond : null,
    requestsPerSecond: samples / batchSize,
    inferencesPerSecond: samples,
    latencyMicroseconds: {
      ...(mean === undefined ? {} : { mean }),
      p50: number('p50 latency'),
      p90: number('p90 latency'),
      p95: number('p95 latency'),
      p99: number('p99 latency'),
    },
    server: queue === undefined && infer === undefined ? null : { queue: queue ?? null, infer: infer ?? null, averageBatch: null },
    gpus: gpusOf(cell),
  };
}

/** `GPU-uuid:0.49;GPU-other:0.51;` of each GPU column: utilisation as a share, memory in bytes. */
function gpusOf(cell: (name: string) => string | undefined): ShownPoint['gpus'] {
  const values = (name: string) =>
    new Map(
      (cell(name) ?? '')
        .split(';')
        .filter((part) => part.includes(':'))
        .map((part) => {
          const at = part.lastIndexOf(':');
          return [part.slice(0, at), Number(part.slice(at + 1))] as const;
        }),
    );
  const utilisation = values('Avg GPU Utilization');
  const memory = values('Max GPU Memory Usage');
  const uuids = [...new Set([...utilisation.keys(), ...memory.keys()])];
  if (uuids.length === 0) return null;
  return uuids.map((uuid) => {
    const share = utilisation.get(uuid);
    return {
      uuid,
      utilisationPercent: share === undefined ? null : share * 100,
      utilisationMaxPercent: null,
      memoryUsedMaxBytes: memory.get(uuid) ?? null,
      memoryPreallocated: false,
    };
  });
}
