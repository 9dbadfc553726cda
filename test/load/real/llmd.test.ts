/** llm-d's own reader of its Benchmark Report as the judge of our export. Install it with: node test/load/real/install.ts llmd */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../../src/load/report/report.ts';
import { bench } from '../bench.ts';
import { startTruthServer } from '../servers/start.ts';
import { installed } from './install.ts';

const llmd = installed('llmd');

/** What their model has read: `refused` is the first line of its complaint. */
interface Read {
  readonly refused?: string;
  readonly uid?: string;
  readonly p99?: number | null;
  readonly failures?: number | null;
  readonly utilisation?: readonly (number | null)[];
}

const script = `
import json, sys
from llmd_benchmark_report import load_benchmark_report
told = []
for data in json.load(sys.stdin):
    try:
        report = load_benchmark_report(data)
    except Exception as error:
        told.append({"refused": str(error).splitlines()[0]})
        continue
    aggregate = report.results.request_performance.aggregate
    told.append({
        "uid": report.run.uid,
        "p99": aggregate.latency.request_latency.p99 if aggregate.latency else None,
        "failures": aggregate.requests.failures if aggregate.requests else None,
        "utilisation": [one.aggregate.gpu_utilization.mean if one.aggregate.gpu_utilization else None for one in report.results.observability.components],
    })
json.dump(told, sys.stdout)
`;

function read(reports: unknown): Read[] {
  if ('missing' in llmd) throw new Error(llmd.missing);
  return JSON.parse(
    execFileSync(join(llmd.folder, 'bin/python'), ['-c', script], { input: JSON.stringify(reports), encoding: 'utf8' }),
  ) as Read[];
}

describe('the export for llm-d', 'missing' in llmd ? { skip: llmd.missing } : {}, () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelwright-llmd-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function exported(flags: readonly string[]): Promise<{ readonly report: Report; readonly reports: { run: unknown }[] }> {
    await using server = await startTruthServer(
      { kind: 'failing', microseconds: 500, share: 0.1, as: 'status' },
      { memoryGrowth: 1 << 20 },
    );
    const files = [join(folder, 'report.json'), join(folder, 'llmd.json')] as const;
    const { stderr } = await bench([
      server.url,
      '--model',
      'truth',
      '--metrics-url',
      `${server.url}/metrics`,
      ...flags,
      '--json',
      files[0],
      '--llmd',
      files[1],
    ]);
    const [report, reports] = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as unknown) as [Report, { run: unknown }[]];
    assert.equal(reports.length, report.points.length, stderr);
    return { report, reports };
  }

  for (const [name, flags] of [
    ['of a closed loop', ['--concurrency', '1,4', '--requests', '60']],
    ['of an open loop', ['--rate', '200', '--duration', '1s', '--warmup', '200ms']],
  ] as const) {
    it(`${name} is read by its own reader, with our figures`, async () => {
      const { report, reports } = await exported(flags);
      assert.deepEqual(
        read(reports),
        report.points.map((point) => ({
          uid: `${report.run}/${point.id}`,
          p99: (point.latencyMicroseconds?.p99 ?? Number.NaN) / 1e6,
          failures: point.requests - point.succeeded,
          utilisation: [50],
        })),
      );
    });
  }

  it('of results of another tool, whose means nobody told, is read too', async () => {
    const csv = fileURLToPath(new URL('../../../src/load/import/testdata/perf-analyzer-concurrency.csv', import.meta.url));
    const { stdout, stderr } = await bench(['import', 'perf-analyzer', csv, '-o', 'llmd']);
    const told = read(JSON.parse(stdout));
    assert.ok(told.length > 0, stderr);
    assert.ok(told.every(({ refused, p99 }) => refused === undefined && p99 === null));
  });

  it('would be refused with a field too many, a unit of another kind, or none', async () => {
    const { reports } = await exported(['--requests', '30', '--no-repeat-first']);
    const [good] = reports;
    const wrong = (text: string, by: string) => JSON.parse(JSON.stringify(good).replace(text, by)) as unknown;
    const told = read([good, { ...good, more: 1 }, wrong('"units":"queries/s"', '"units":"percent"'), wrong('"units":"s",', '')]);
    assert.deepEqual(
      told.map(({ refused }) => refused !== undefined),
      [false, true, true, true],
    );
  });
});
