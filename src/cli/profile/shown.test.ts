import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import ajvFormats from 'ajv-formats';
import { statusSchema } from '../../api/model-profile/status.ts';
import { disturbanceReasons } from '../../controllers/profile/plan/missing.ts';
import { meaningOf } from '../../controllers/profile/report/meaning.ts';
import { shownReport } from '../../controllers/profile/report/shown.ts';
import { invalidReasons } from '../../load/validity.ts';
import { aProfile, aResult } from './profile.fixture.ts';
import { profileFormats, rendered } from './show.ts';
import { verdictOf } from './text.ts';

const lineOf = (text: string, start: string) => text.split('\n').find((line) => line.startsWith(start)) ?? '';

describe('the status that these tests read', () => {
  it('is one that the API server would take', () => {
    const ajv = new Ajv({ strict: false, allErrors: true });
    ajvFormats.default(ajv);
    const validate = ajv.compile(statusSchema);
    assert.ok(validate(aProfile().status), JSON.stringify(validate.errors));
  });
});

describe('a profile as a table', () => {
  const text = rendered(aProfile(), 'table');

  it('says first what was measured, how far the run is and whether the objective is kept', () => {
    const [first, ready, slo] = text.split('\n');
    assert.equal(first, 'ModelProfile vision/resnet of ModelDeployment vision/resnet: run run-2b Complete, 4/4 points');
    assert.equal(ready, 'Ready True (Measured): 4 points on gpu-node-7.our.example');
    assert.equal(slo, 'SLOMet True (BestFound): b8-c1 keeps p99 ≤ 50 ms');
  });

  it('shows the results that stand while another run goes on, and says whose they are', () => {
    const run = aProfile().status?.run;
    assert.ok(run);
    const measuring = { run: 'run-3c', resultsOf: 'run-2b', results: [aResult(1, 1, 1, 1)] };
    const again = aProfile({ run: { ...run, id: 'run-3c', state: 'Running' }, progress: { done: 1, total: 4, summary: '1/4' }, measuring });
    const [first, ...rest] = rendered(again, 'table').split('\n');
    assert.equal(
      first,
      'ModelProfile vision/resnet of ModelDeployment vision/resnet: run run-3c Running, 1/4 points; the results are of run run-2b',
    );
    assert.match(lineOf(rest.join('\n'), 'b8-c1 '), /410\.0 .* BEST$/);
    const report = shownReport(again);
    assert.deepEqual([report.run, report.partial, report.startedAt], ['run-2b', false, null]);
  });

  it('has a line for every point, and what became of each', () => {
    assert.match(lineOf(text, 'b8-c1 '), /410\.0 .* 30\.0 .* 28\.5–33\.0 .* BEST$/);
    assert.match(lineOf(text, 'b1-c4 '), /runner-up$/);
    assert.match(lineOf(text, 'b8-c4 '), /rejected: p99 90 ms is above 50 ms$/);
    assert.match(lineOf(text, 'b1-c1 '), /ok$/);
  });

  it('tells the GPU use where there is one and leaves the cell empty where nobody knows', () => {
    assert.match(lineOf(text, 'b8-c1 '), /81\.50/);
    assert.match(lineOf(text, 'b1-c1 '), /<none>/);
  });

  it('names model, server, node and GPU, the first request, and the errors by class', () => {
    assert.match(text, /^model: https:\/\/ourcompany\.blob/m);
    assert.match(text, /^model server: registry\.our\.example:5000\/tritonserver:24\.01, sha256:a+$/m);
    assert.match(text, /^GPU: Tesla-T4, GPU-12345678/m);
    assert.match(text, /^first request, before any warm-up: 95\.0 ms$/m);
    assert.match(text, /^b8-c4 error: timeout: 3 request\(s\)$/m);
  });

  it('says so where nothing is measured yet', () => {
    const { results: _, best: __, rejected: ___, ...rest } = aProfile().status ?? {};
    assert.match(rendered({ ...aProfile(), status: rest }, 'table'), /^Nothing is measured yet\.$/m);
    const { status: ____, ...bare } = aProfile();
    assert.match(rendered(bare, 'table'), /no run yet/);
  });
});

describe('a point that is not valid', () => {
  const profile = aProfile({
    results: [aResult(1, 1, 8000, 120, { valid: false, invalidReasons: ['Unstable', 'NotKnownYet'] })],
    rejected: [{ id: 'b1-c1', constraint: 'not valid: Unstable' }],
  });

  it('has its reasons in the table and a sentence for each below it', () => {
    const text = rendered(profile, 'table');
    assert.match(lineOf(text, 'b1-c1 '), /not valid: Unstable, NotKnownYet$/);
    assert.match(text, /^b1-c1 is not valid: Unstable: throughput or latency differed/m);
    assert.match(text, /^b1-c1 is not valid: NotKnownYet$/m);
  });

  it('has a sentence for every reason that the load generator and the operator give', () => {
    for (const reason of [...invalidReasons, ...disturbanceReasons]) assert.notEqual(meaningOf(reason), reason);
    assert.equal(meaningOf('NewReason'), 'NewReason');
  });
});

describe('a report made of a status', () => {
  const report = shownReport(aProfile());

  it('gives figures in the units of a report', () => {
    const point = report.points.find(({ id }) => id === 'b8-c1');
    assert.equal(point?.inferencesPerSecond, 410);
    assert.deepEqual(point?.requestsPerSecondInterval, { low: (410 * 0.98) / 8, high: (410 * 1.02) / 8 });
    assert.deepEqual(point?.latencyIntervals.p99, { low: 28_500, high: 33_000 });
    assert.equal(point?.gpus?.[0]?.memoryUsedMaxBytes, 2 ** 32);
    assert.deepEqual(report.objective.latency, [{ percentile: 'p99', maxMicroseconds: 50_000 }]);
  });

  it('derives when a point began from how long each is measured', () => {
    const point = report.points.find(({ id }) => id === 'b1-c1');
    assert.equal(point?.durationSeconds, 30);
    assert.equal(point?.startedAt, '2026-11-21T10:00:10.000Z');
  });

  it('tells open loops by their rate and arrivals', () => {
    const profile = aProfile({ results: [aResult(1, 1, 8000, 120, { id: 'b1-r200', requestsPerSecond: '200' })] });
    const results = (profile.status?.results ?? []).map(({ concurrency: _, ...open }) => open);
    const open = {
      ...profile,
      spec: { ...profile.spec, sweep: { requestsPerSecond: [200], arrivals: 'Constant' as const } },
      status: { results },
    };
    assert.deepEqual(shownReport(open).points[0]?.load, { loop: 'open', requestsPerSecond: 200, arrivals: 'constant' });
  });

  it('marks the smallest batch within 5 % and the Pareto set', () => {
    const best = aProfile().status?.best;
    const profile = aProfile(best === undefined ? {} : { best: { ...best, economical: 'b1-c1' } });
    const shown = shownReport(profile);
    const point = shown.points.find(({ id }) => id === 'b1-c1');
    assert.ok(point !== undefined);
    assert.equal(verdictOf(point, shown), 'smallest batch within 5 %');
    assert.deepEqual(shown.best.pareto, ['b1-c1', 'b1-c4', 'b8-c1', 'b8-c4']);
  });
});

describe('the other formats', () => {
  it('are all there', () => {
    for (const format of profileFormats) assert.ok(rendered(aProfile(), format).length > 200, format);
  });
  it('json is the object without what only the API server needs', () => {
    const object = JSON.parse(rendered(aProfile(), 'json')) as { metadata: object; kind: string };
    assert.equal(object.kind, 'ModelProfile');
    assert.deepEqual(Object.keys(object.metadata), ['name', 'namespace', 'creationTimestamp', 'generation']);
  });
  it('html plots every point and fetches nothing', () => {
    const page = rendered(aProfile(), 'html');
    assert.ok((page.match(/<svg/g) ?? []).length >= 2);
    assert.match(page, /<tr class="best"><td>b8-c1</);
    assert.ok(!/<script|<link|<img/i.test(page));
  });
  it('csv has a line a point', () => assert.equal(rendered(aProfile(), 'csv').trimEnd().split('\r\n').length, 5));
  it('llm-d reports are in seconds', () => {
    const [first] = JSON.parse(rendered(aProfile(), 'llmd')) as {
      results: { request_performance: { aggregate: { latency: { request_latency: { p99: number } } } } };
    }[];
    assert.equal(first?.results.request_performance.aggregate.latency.request_latency.p99, 0.008);
  });
});
