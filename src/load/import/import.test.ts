import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { htmlReport } from '../report/html.ts';
import { llmdReport } from '../report/llmd.ts';
import { importedReport } from './imported.ts';
import { readInferencePerf } from './inference-perf.ts';
import { readPerfAnalyzer } from './perf-analyzer.ts';

const text = (name: string) => readFileSync(new URL(`./testdata/${name}`, import.meta.url), 'utf8');
const objective = (maxMicroseconds: number) =>
  ({ maximize: 'Throughput', latency: [{ percentile: 'p99', maxMicroseconds }], maxErrorsPerMillion: 10_000 }) as const;

describe('the CSV of perf_analyzer 2.50, as it wrote it', () => {
  it('is read level by level, samples and microseconds as they stand', () => {
    const { points } = readPerfAnalyzer(text('perf-analyzer-concurrency.csv'), 'pa.csv', 2);
    assert.deepEqual(
      points.map(({ id, inferencesPerSecond, requestsPerSecond }) => [id, inferencesPerSecond, requestsPerSecond]),
      [
        ['b2-c1', 348.023, 174.0115],
        ['b2-c3', 880.737, 440.3685],
        ['b2-c5', 1141.56, 570.78],
      ],
    );
    assert.deepEqual(points[0]?.latencyMicroseconds, { p50: 4202, p90: 7203, p95: 10_858, p99: 36_159 });
    assert.deepEqual(points[0]?.server, { queue: 942, infer: 3642, averageBatch: null });
    assert.equal(points[0]?.requests, null, 'it does not tell');
    assert.equal(points[0]?.gpus, null);
  });

  it('is read at a rate, with the mean where it is verbose', () => {
    assert.deepEqual(
      readPerfAnalyzer(text('perf-analyzer-rate.csv'), 'pa.csv', 2).points.map(({ id, offeredPerSecond }) => [id, offeredPerSecond]),
      [
        ['b2-r50', 50],
        ['b2-r100', 100],
      ],
    );
    assert.equal(readPerfAnalyzer(text('perf-analyzer-verbose.csv'), 'pa.csv', 2).points[0]?.latencyMicroseconds?.mean, 8998);
  });

  it('is ranked by the rule that ranks measured points', () => {
    const report = importedReport(readPerfAnalyzer(text('perf-analyzer-concurrency.csv'), 'pa.csv', 2), objective(30_000));
    assert.equal(report.best.best, 'b2-c3');
    assert.deepEqual(
      report.best.rejected.map(({ id }) => id),
      ['b2-c1', 'b2-c5'],
    );
  });

  it('has its GPU columns read where it has them', () => {
    const csv =
      'Concurrency,Inferences/Second,Client Send,Server Queue,p50 latency,p90 latency,p95 latency,p99 latency,Avg GPU Utilization,Max GPU Memory Usage\n1,10,1,2,3,4,5,6,GPU-a:0.5;GPU-b:0.25;,GPU-a:1048576;GPU-b:2097152;\n';
    assert.deepEqual(
      readPerfAnalyzer(csv, 'pa.csv', 1).points[0]?.gpus?.map(({ uuid, utilisationPercent, memoryUsedMaxBytes }) => [
        uuid,
        utilisationPercent,
        memoryUsedMaxBytes,
      ]),
      [
        ['GPU-a', 50, 1_048_576],
        ['GPU-b', 25, 2_097_152],
      ],
    );
  });

  it('is refused with the line where it is broken', () => {
    assert.throws(() => readPerfAnalyzer('a,b\n1,2\n', 'x.csv', 1), /x\.csv is no CSV of perf_analyzer/);
    const good = text('perf-analyzer-concurrency.csv');
    assert.throws(() => readPerfAnalyzer(good.replace('880.737', ''), 'x.csv', 1), /line 3 has no number "Inferences\/Second"/);
    assert.throws(() => readPerfAnalyzer(good.replace(',11721,25164', ''), 'x.csv', 1), /line 3 has 11 cells instead of 13/);
    assert.throws(() => readPerfAnalyzer(good.split('\n')[0] ?? '', 'x.csv', 1), /has no row/);
  });
});

describe('stage reports of inference-perf', () => {
  const stage = JSON.parse(text('inference-perf-stage-0.json')) as Record<string, Record<string, unknown>>;
  const read = (json: unknown) => readInferencePerf([{ name: 'stage_0.json', json }]).points[0];

  it('are read in seconds, errors by what they were', () => {
    const point = read(stage);
    assert.equal(point?.id, 'b1-r10');
    assert.equal(point?.latencyMicroseconds?.p99, 140_000);
    assert.equal(point?.latencyMicroseconds?.p50, 50_000);
    assert.equal(point?.latencyMicroseconds?.p999, 240_000);
    assert.deepEqual([point?.requests, point?.succeeded], [600, 598]);
    assert.deepEqual(point?.errorExamples, ['503 - Service Unavailable: 2 request(s)']);
    assert.ok(point?.valid);
  });

  it('are not believed where their client was late, or too few requests were made', () => {
    const delayed = { ...stage, load_summary: { ...stage['load_summary'], schedule_delay: { p99: 0.5 } } };
    assert.deepEqual(
      read(delayed)?.invalidReasons.map(({ reason }) => reason),
      ['SendLag'],
    );
    const slow = { ...stage, load_summary: { ...stage['load_summary'], achieved_rate: 8 } };
    assert.deepEqual(
      read(slow)?.invalidReasons.map(({ reason }) => reason),
      ['RateNotReached'],
    );
    const few = { ...stage, load_summary: { ...stage['load_summary'], count: 50 }, successes: { ...stage['successes'], count: 48 } };
    assert.ok(read(few)?.invalidReasons.some(({ reason }) => reason === 'TooFewRequests'));
  });

  it('with a concurrency are of a closed loop', () => {
    const closed = { ...stage, load_summary: { ...stage['load_summary'], concurrency: 16 } };
    assert.equal(read(closed)?.id, 'b1-c16');
  });

  it('count errors against the objective', () => {
    const imported = readInferencePerf([{ name: 'stage_0.json', json: stage }]);
    assert.equal(importedReport(imported, { ...objective(200_000), maxErrorsPerMillion: 1000 }).best.best, null);
    assert.equal(importedReport(imported, objective(200_000)).best.best, 'b1-r10');
  });

  it('are refused with what they lack', () => {
    assert.throws(() => read({}), /stage_0\.json has no "load_summary": it is no stage report/);
    const summary = { ...stage, load_summary: { count: 600, schedule_delay: null } };
    assert.throws(() => read(summary), /it is the summary of all stages; give stage_N_lifecycle_metrics\.json/);
    const lying = { ...stage, failures: { count: 5 } };
    assert.throws(() => read(lying), /contradicts itself/);
    const twice = { name: 'a', json: stage };
    assert.throws(() => readInferencePerf([twice, twice]), /two of the files are of the same load, b1-r10/);
  });
});

describe('what is imported, exported again', () => {
  const report = importedReport(readPerfAnalyzer(text('perf-analyzer-concurrency.csv'), 'pa.csv', 2), objective(30_000));
  it('says whose definitions hold, and shows nothing that nobody told', () => {
    const page = htmlReport(report);
    assert.match(page, /perf_analyzer, run pa\.csv\. Percentiles by index/);
    assert.ok(!/null|undefined|NaN/.test(page.replace(/<style>.*<\/style>/, '')));
    const [first] = report.points;
    assert.ok(first !== undefined);
    assert.ok(
      !(
        'requests' in
        (llmdReport(report, first) as { results: { request_performance: { aggregate: object } } }).results.request_performance.aggregate
      ),
    );
  });
});
