import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import ajvFormats from 'ajv-formats';
import { compactOf, terminationMessage } from '../compact.ts';
import { diffReports } from '../diff.ts';
import { mergeReports } from '../merge.ts';
import { pointOf, reportOf } from '../observation.fixture.ts';
import { decodePoints } from '../point-code.ts';
import { csvReport } from './csv.ts';
import { htmlReport } from './html.ts';
import { llmdReport } from './llmd.ts';
import { markdownReport } from './markdown.ts';
import { prometheusReport } from './prometheus-text.ts';
import { benchReportSchema } from './schema.ts';
import { sentences } from './sentences.ts';

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
  it('sums rates and reads percentiles from the merged histogram', () => {
    const merged = mergeReports([reportOf([pointOf(1, 2000)]), reportOf([pointOf(1, 4000)])]).points[0];
    assert.ok(merged !== undefined && merged.latencyMicroseconds !== null);
    assert.ok(Math.abs(merged.requestsPerSecond - 500 - 250) < 2);
    assert.ok(Math.abs(merged.latencyMicroseconds.p99 - 4003) < 4, 'the slow process is the tail');
    assert.ok(Math.abs(merged.latencyMicroseconds.p50 - 2003) < 3, 'two thirds of the requests were fast');
    assert.deepEqual(merged.load, { loop: 'closed', concurrency: 2 });
  });
  it('needs histograms and the same points', () => {
    const bare = { ...report, points: report.points.map((point) => ({ ...point, histogram: null })) };
    assert.throws(() => mergeReports([bare, bare]), /measure with --histograms/);
    assert.throws(() => mergeReports([report, { ...report, points: [] }]), /not in every report/);
  });
});
