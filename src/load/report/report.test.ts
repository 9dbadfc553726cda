import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import ajvFormats from 'ajv-formats';
import { compactOf, terminationMessage } from '../compact.ts';
import { diffReports } from '../diff.ts';
import { mergeReports } from '../merge.ts';
import { pointOf, reportOf } from '../observation.fixture.ts';
import type { GpuUse, Point, ServerStages } from '../point.ts';
import { decodePoints } from '../point-code.ts';
import { csvReport } from './csv.ts';
import { htmlReport } from './html.ts';
import { llmdReport } from './llmd.ts';
import { markdownReport } from './markdown.ts';
import { prometheusReport } from './prometheus-text.ts';
import { benchReportSchema } from './schema.ts';
import { sentences } from './sentences.ts';

const silentGpu: GpuUse = {
  uuid: 'GPU-a',
  model: null,
  source: 'dcgm',
  samples: 3,
  stale: false,
  utilisationPercent: null,
  utilisationActivePercent: null,
  utilisationMaxPercent: null,
  memoryUsedMaxBytes: null,
  memoryTotalBytes: null,
  memoryPreallocated: false,
  powerWatts: null,
  energyJoules: null,
};
const silentServer: ServerStages = {
  source: 'triton statistics',
  queue: null,
  preprocess: null,
  infer: null,
  postprocess: null,
  initialise: null,
  other: null,
  averageBatch: null,
  requests: null,
};

const report = reportOf([pointOf(1, 2000), pointOf(4, 4000), pointOf(16, 60_000)]);
const published = new URL('../../../schemas/bench-report.schema.json', import.meta.url);

describe('the JSON report', () => {
  const ajv = new Ajv({ allErrors: true });
  ajvFormats.default(ajv);
  const validate = ajv.compile(benchReportSchema);

  it('keeps the published schema', () => {
    assert.ok(validate(JSON.parse(JSON.stringify(report))), JSON.stringify(validate.errors));
    assert.deepEqual(JSON.parse(readFileSync(published, 'utf8')), JSON.parse(JSON.stringify(benchReportSchema)), 'run: npm run generate');
  });
  it('is refused by the schema when a field is missing, unknown or of another type', () => {
    const { partial: _, ...missing } = report;
    for (const wrong of [
      missing,
      { ...report, more: 1 },
      { ...report, partial: 'no' },
      { ...report, points: [{ ...report.points[0], valid: 1 }] },
    ]) {
      assert.equal(validate(JSON.parse(JSON.stringify(wrong))), false);
    }
  });
});

describe('tabular reports', () => {
  it('CSV has one line a point and defuses formulas', () => {
    const lines = csvReport(report).split('\r\n');
    assert.equal(lines.length, 5);
    assert.match(lines[0] ?? '', /^id,batch_size,load,inferences_per_second,/);
    assert.match(lines[1] ?? '', /^b1-c1,1,1 at once,/);
    const evil = { ...report, points: [{ ...(report.points[0] as (typeof report.points)[0]), id: '=cmd()' }] };
    assert.match(csvReport(evil), /\r\n'=cmd\(\),/);
  });
  it('Markdown escapes what would break its table', () => {
    const evil = { ...report, target: { ...report.target, model: 'a|b<script>' } };
    assert.match(markdownReport(evil), /# a\\\|b\\<script\\>/);
    assert.equal(
      markdownReport(report)
        .split('\n')
        .filter((line) => line.startsWith('| b')).length,
      3,
    );
  });
  it('Prometheus text names every sample by point, and leaves out what is unknown', () => {
    const text = prometheusReport(report);
    assert.match(
      text,
      /modelwright_bench_latency_seconds\{model="iris",protocol="v2",run="run-00001",point="b1-c1",batch="1",quantile="0.99"\} 0\.002/,
    );
    assert.match(text, /quantile="0.5"/);
    assert.match(text, /quantile="0.999"/);
    assert.ok(!text.includes('gpu_memory'));
  });
});

describe('what servers and GPUs tell, in tables', () => {
  const gpu = { ...silentGpu, uuid: 'GPU-a', utilisationPercent: 40, utilisationActivePercent: 80, memoryUsedMaxBytes: 1000 * 2 ** 20 };
  const cellsOf = (more: Partial<Point>) => {
    const [head = '', row = ''] = csvReport({ ...report, points: [{ ...(report.points[0] as Point), ...more }] }).split('\r\n');
    const cells = row.split(',');
    return Object.fromEntries(head.split(',').map((field, i) => [field, cells[i]]));
  };
  it('are the four stages and the rest', () => {
    const server = { ...silentServer, queue: 10, preprocess: 20, infer: 3000, postprocess: 40, other: 500 };
    const cells = cellsOf({ server });
    assert.deepEqual(
      ['server_queue_ms', 'server_preprocess_ms', 'server_infer_ms', 'server_postprocess_ms', 'outside_server_ms'].map(
        (name) => cells[name],
      ),
      ['0.010', '0.020', '3.000', '0.040', '0.500'],
    );
    assert.equal(cellsOf({ server: silentServer })['server_postprocess_ms'], '', 'unknown is empty, not 0');
  });
  it('are of all GPUs of the server together', () => {
    const other = { ...gpu, uuid: 'GPU-b', utilisationPercent: 60, memoryUsedMaxBytes: 500 * 2 ** 20, powerWatts: 70 };
    const cells = cellsOf({ gpus: [{ ...gpu, powerWatts: 50 }, other] });
    assert.deepEqual(
      ['gpu_percent', 'gpu_active_percent', 'gpu_memory_mib', 'gpu_power_watts'].map((name) => cells[name]),
      ['50.00', '80.00', '1500', '120.0'],
    );
  });
  it('leave out use that never moved, and say so', () => {
    const stale = { ...(report.points[0] as Point), gpus: [{ ...gpu, stale: true }] };
    const cells = cellsOf(stale);
    assert.deepEqual([cells['gpu_percent'], cells['gpu_memory_mib']], ['', '1000']);
    assert.ok(!prometheusReport({ ...report, points: [stale] }).includes('gpu_utilization_ratio{'));
    assert.ok(!JSON.stringify(llmdReport(report, stale)).includes('"gpu_utilization"'));
    assert.match(
      sentences({ ...report, points: [stale] }).join('\n'),
      /GPU use and power of b1-c1 are not known: the readings stood still/,
    );
  });
});

describe('the HTML page', () => {
  const page = htmlReport(report);
  it('is self-contained: no script, nothing fetched', () => {
    assert.ok(!/<script|<link|<img|https?:\/\/(?!127)/i.test(page), 'fetches something');
    assert.match(page, /Content-Security-Policy/);
  });
  it('has plots and marks the best and the invalid', () => {
    assert.ok((page.match(/<svg/g) ?? []).length >= 2);
    assert.match(page, /<tr class="best">/);
    assert.match(page, /<tr class="invalid">/);
    assert.match(page, /Hollow dots are points that are not valid/);
    assert.ok(!htmlReport(reportOf([pointOf(1, 2000)])).includes('Hollow dots'));
  });
  it('plots the percentile that is bounded, with names and units on every axis', () => {
    const bounded = { ...report, objective: { ...report.objective, latency: [{ percentile: 'p50', maxMicroseconds: 9000 }] } };
    const said = htmlReport(bounded);
    for (const text of ['inferences per second', 'p50 latency, ms', 'p50 ≤ 9 ms', '>p99.9<', '>percentile<', 'latency, ms'])
      assert.ok(said.includes(text), text);
    assert.ok(!said.includes('p99 latency, ms'));
  });
  it('shows no more lines of percentiles than can be told apart, the best among them', () => {
    const many = reportOf(Array.from({ length: 12 }, (_, i) => pointOf(i + 1, 7500 - 500 * i)));
    const said = htmlReport(many);
    assert.match(said, /Percentiles of latency, 8 of 12 points/);
    assert.equal(many.best.best, 'b12-c1');
    assert.ok(said.slice(said.indexOf('Percentiles of latency')).includes('>b12-c1</text>'));
  });
  it('plots use and memory of GPUs', () => {
    const points = report.points.map((point) => ({
      ...point,
      gpus: [{ ...silentGpu, utilisationPercent: 50, memoryUsedMaxBytes: 1 << 30 }],
    }));
    const said = htmlReport({ ...report, points });
    assert.ok(said.includes('mean over the window, %') && said.includes('largest in use, MiB'));
  });
  it('escapes everything that comes from outside', () => {
    assert.ok(!htmlReport({ ...report, target: { ...report.target, model: '<b>x</b>' } }).includes('<b>x'));
  });
});

describe('what a report says', () => {
  it('names the best, why, and why each other was not', () => {
    const said = sentences(report).join('\n');
    assert.match(said, /best: b4-c1 \(highest throughput with p99 ≤ 50 ms/);
    assert.match(said, /b16-c1 is not valid: 50 requests/);
  });
  it('does not take for a failure of the server what was not measured well enough', () => {
    const search = (batchSize: number, failedAt: number) => ({
      ...report,
      searches: [
        { batchSize, over: 'concurrency' as const, found: null, failedAt, tolerance: 0.02, trials: [{ level: failedAt, passed: false }] },
      ],
    });
    assert.match(
      sentences(search(16, 1)).join('\n'),
      /search at batch 16: undecided at 1: no measurement there could be relied on \(TooFewRequests\) \(1 trial\)/,
    );
    assert.match(sentences(search(4, 1)).join('\n'), /search at batch 4: no concurrency keeps the bounds, 1 already fails/);
  });
});

describe("llm-d's report", () => {
  it('has its units and fields, and marks what it has no place for', () => {
    const [point] = report.points;
    assert.ok(point !== undefined);
    const gpus = [
      {
        uuid: 'GPU-a',
        utilisationPercent: 40,
        utilisationMaxPercent: 90,
        memoryUsedMaxBytes: 1 << 30,
        memoryPreallocated: false,
      },
      { uuid: 'GPU-b', utilisationPercent: null, utilisationMaxPercent: null, memoryUsedMaxBytes: null, memoryPreallocated: false },
    ];
    const { mean, min, max, p50, p90, p95, p99, p999 } = point.latencyMicroseconds ?? {};
    const inSeconds = (microseconds: number | undefined) => (microseconds ?? Number.NaN) / 1e6;
    assert.deepEqual(llmdReport(report, { ...point, gpus }), {
      version: '0.2',
      run: {
        uid: 'run-00001/b1-c1',
        eid: 'run-00001',
        time: { start: '2026-01-02T03:04:05.000Z', duration: 'PT3.000S' },
        description: 'modelwright b1-c1',
      },
      scenario: {
        stack: [
          {
            metadata: { label: 'model-server', cfg_id: '01aa31b077842e5489d33904c738bd378337afbb623b9182555a16c1bfa79ea9' },
            standardized: { kind: 'generic', tool: 'model server', tool_version: 'unknown', protocol: 'v2', model: { name: 'iris' } },
            native: {},
          },
        ],
        load: {
          metadata: {},
          standardized: {
            tool: 'modelwright',
            tool_version: report.tool.version,
            source: 'unknown',
            input_seq_len: { distribution: 'fixed', value: 0 },
            concurrency: 1,
          },
          native: { args: { batch_size: 1, load: point.load }, config: { protocol: 'v2' } },
        },
      },
      results: {
        request_performance: {
          aggregate: {
            latency: {
              request_latency: {
                units: 's',
                mean: inSeconds(mean),
                min: inSeconds(min),
                max: inSeconds(max),
                p50: inSeconds(p50),
                p90: inSeconds(p90),
                p95: inSeconds(p95),
                p99: inSeconds(p99),
                p99p9: inSeconds(p999),
              },
            },
            throughput: { request_rate: { units: 'queries/s', mean: point.requestsPerSecond } },
            requests: { total: point.requests, failures: 0 },
          },
        },
        observability: {
          components: [
            {
              component_label: 'model-server',
              replica_id: 'GPU-a',
              aggregate: { gpu_utilization: { units: 'percent', mean: 40, max: 90 } },
            },
            { component_label: 'model-server', replica_id: 'GPU-b', aggregate: {} },
          ],
          modelwright: {
            batchSize: 1,
            inferencesPerSecond: point.inferencesPerSecond,
            latencyMicroseconds: point.latencyMicroseconds,
            valid: true,
            invalidReasons: [],
            gpus,
          },
        },
      },
    });
  });
  it('leaves out latencies whose mean nobody told, as its schema wants it', () => {
    const [point] = report.points;
    assert.ok(point !== undefined);
    const { results } = llmdReport(report, { ...point, latencyMicroseconds: { p99: 2000 } }) as {
      results: { request_performance: { aggregate: object }; observability: { modelwright: { latencyMicroseconds: object } } };
    };
    assert.deepEqual(Object.keys(results.request_performance.aggregate), ['throughput', 'requests']);
    assert.deepEqual(results.observability.modelwright.latencyMicroseconds, { p99: 2000 });
  });
});

describe('the termination message', () => {
  it('holds the points and is read back', () => {
    const decoded = decodePoints(terminationMessage({ ...report, coldStartMicroseconds: 5000 }), report.run);
    assert.ok(decoded.ok);
    assert.deepEqual(
      decoded.points.map((point) => [point.batchSize, point.latencyMicroseconds?.p99, point.coldStartMicroseconds]),
      [
        [1, 2004, 5000],
        [4, 4004, 5000],
        [16, 60_004, 5000],
      ],
    );
    assert.equal(decoded.points[0]?.completedAtSeconds, Date.parse('2026-01-02T03:04:08Z') / 1000);
  });
  it('carries a real point in its own units', () => {
    const compact = compactOf(report.points[1] as (typeof report.points)[0], 7, report);
    assert.equal(compact.index, 7);
    assert.equal(compact.throughputMilliPerSecond, Math.round((report.points[1]?.inferencesPerSecond ?? 0) * 1000));
  });
});

describe('comparing reports', () => {
  it('finds no evidence between equal ones', () => {
    const diff = diffReports(report, report);
    assert.equal(diff.verdict, 'no evidence');
    assert.equal(diff.points.length, 3);
  });
  it('calls a slower server worse and a faster one better', () => {
    const slower = reportOf([pointOf(1, 2200), pointOf(4, 4000)]);
    const diff = diffReports(report, slower);
    assert.deepEqual(
      diff.points.map((point) => [point.id, point.verdict]),
      [
        ['b1-c1', 'worse'],
        ['b4-c1', 'no evidence'],
      ],
    );
    assert.equal(diff.verdict, 'worse');
    assert.deepEqual(diff.onlyBefore, ['b16-c1']);
    assert.equal(diffReports(slower, report).points[0]?.verdict, 'better');
  });
  it('concludes nothing from a point that is not valid', () => {
    const diff = diffReports(reportOf([pointOf(1, 2000)]), reportOf([pointOf(1, 9000)]));
    assert.equal(diff.points[0]?.verdict, 'no evidence');
    assert.match(diff.points[0]?.remark ?? '', /TooFewRequests/);
  });
  it('says what makes two reports hard to compare', () => {
    assert.deepEqual(diffReports(report, { ...report, target: { ...report.target, protocol: 'v1' } }).remarks, [
      'the protocol differs: v2 and v1',
    ]);
  });
});

describe('merging processes', () => {
  const merge = (...parts: (readonly [batchSize: number, microseconds: number])[]) =>
    mergeReports(parts.map(([batchSize, microseconds]) => reportOf([pointOf(batchSize, microseconds)])));

  it('sums rates and reads percentiles from the merged histogram', () => {
    const [merged] = merge([1, 2000], [1, 4000]).points;
    assert.ok(merged !== undefined && merged.latencyMicroseconds !== null);
    assert.ok(Math.abs(merged.requestsPerSecond - 500 - 250) < 2);
    assert.ok(Math.abs(merged.latencyMicroseconds.p99 - 4003) < 4, 'the slow process is the tail');
    assert.ok(Math.abs(merged.latencyMicroseconds.p50 - 2003) < 3, 'two thirds of the requests were fast');
    assert.deepEqual([merged.id, merged.load], ['b1-c2', { loop: 'closed', concurrency: 2 }]);
    assert.deepEqual([merged.client.workers, merged.inFlight.max, Math.round(merged.inFlight.mean)], [2, 2, 2]);
    assert.ok(Math.abs((merged.littleRatio ?? 0) - 1) < 0.01);
    const [window] = merged.windows;
    assert.ok(merged.windows.length === 3 && Math.abs((window?.requestsPerSecond ?? 0) - 750) < 5 && window?.p50 === null);
  });
  it('chooses the best of all together anew', () => {
    const one = reportOf([pointOf(1, 2000), pointOf(4, 7000)]);
    const two = reportOf([pointOf(1, 2000), pointOf(4, 70_000)]);
    assert.equal(one.best.best, 'b4-c1');
    const merged = mergeReports([one, two]);
    assert.equal(merged.best.best, 'b1-c2', 'the other process saw the large batch beyond its bound');
    assert.match(merged.best.reason, /^highest throughput with p99 ≤ 50 ms: 99\d\.\d\/s/);
  });
  it('refuses what was not measured together, and says when it was so only in part', () => {
    const later = (seconds: number) => ({
      ...reportOf([{ ...pointOf(1, 2000), startedAt: new Date(Date.parse('2026-01-02T03:04:05Z') + seconds * 1000).toISOString() }]),
      startedAt: new Date(Date.parse('2026-01-02T03:04:05Z') + seconds * 1000).toISOString(),
    });
    assert.throws(() => mergeReports([later(0), later(2)]), /the point b1-c1 was not measured at the same time everywhere/);
    assert.match(mergeReports([later(0), later(0.6)]).points[0]?.notes.join() ?? '', /only 80 % of the time did all 2 processes load/);
    assert.ok(
      !mergeReports([later(0), later(0.1)])
        .points[0]?.notes.join()
        .includes('of the time'),
    );
  });
  it('needs histograms, the same points, and one measurement', () => {
    const bare = { ...report, points: report.points.map((point) => ({ ...point, histogram: null })) };
    assert.throws(() => mergeReports([bare, bare]), /measure with --histograms/);
    assert.throws(() => mergeReports([report, { ...report, points: [] }]), /not in every report/);
    assert.throws(() => mergeReports([{ ...report, points: [] }, report]), /not in every report/);
    const foreign = { ...report, target: { ...report.target, model: 'other' } };
    assert.throws(
      () => mergeReports([report, foreign]),
      /the reports are not of one measurement: the model is iris in one and other in another/,
    );
  });
});
