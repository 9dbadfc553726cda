import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bestBatches, readMlModelCi } from './import/mlmodelci.ts';
import { overloads, readVegetaCsv } from './import/vegeta.ts';
import { planSweep } from './plan.ts';
import { judgeScenario, type ScenarioOptions } from './scenario.ts';

/** Rows in MLModelCI's form: a series that falls and rises again, as its published ones do. */
const row = (model: string, batch: number, seconds: number, p99: number) => ({
  model_name: model,
  device_name: 'RTX8000',
  serve_image: 'tensorflow/serving:2.3.0-gpu',
  request_num: 500,
  batch_size: batch,
  all_batch_latency: seconds,
  all_batch_throughput: (500 * batch) / seconds,
  p50_latency: p99 * 0.8,
  p95_latency: p99 * 0.9,
  p99_latency: p99,
  all_batch_avg_util: 11.5,
});

describe("MLModelCI's rows", () => {
  const rows = readMlModelCi([
    row('A', 1, 5, 0.0125),
    row('A', 2, 11, 0.02),
    row('A', 4, 10, 0.022),
    row('A', 8, 15, 0.04),
    row('B', 1, 5, 0.09),
  ]);
  it('come in this product’s units', () => {
    assert.deepEqual(Object.values(rows[0]?.latencyMicroseconds ?? {}).map(Math.round), [10_000, 11_250, 12_500]);
    assert.equal(rows[0]?.inferencesPerSecond, 100);
  });
  it('give the best batch under a bound by the rule of measured points: beyond the first drop, not the largest', () => {
    const choices = bestBatches(rows, 25_000);
    assert.equal(choices.get('A')?.best, 'b4');
    assert.deepEqual(choices.get('A')?.rejected, [{ id: 'b8', constraint: 'p99 40 ms is above 25 ms' }]);
    assert.equal(choices.get('B')?.best, null);
    assert.equal(bestBatches(rows, null).get('A')?.best, 'b8');
  });
  it('that contradict themselves are told and never chosen', () => {
    const wrong = readMlModelCi([{ ...row('A', 1, 5, 0.01), all_batch_throughput: 9999 }]);
    assert.match(wrong[0]?.contradictions[0] ?? '', /throughput 9999 is not requests × batch/);
    assert.equal(bestBatches(wrong, null).get('A')?.best, null);
    assert.throws(() => readMlModelCi([{}]), /row 1 has no number/);
    assert.throws(() => readMlModelCi({}), /a list of rows/);
  });
});

describe("vegeta's rows", () => {
  const head = 'example,section,qps,mean_ms,p50_ms,p95_ms,p99_ms,success_pct';
  it('are overloaded by the tail, by the median, or by failures', () => {
    const rows = readVegetaCsv(
      `${head}\n"S, one",raw,5,2.6,2.4,4.3,5.9,100\n"S, one",raw,500,1.4,1.3,1.7,2.2,100\n"S, one",raw,800,400,6,2945,3691,100\n"S, one",raw,1000,7969,8658,16669,20307,93.72\n`,
    );
    assert.equal(rows[0]?.series, 'S, one: raw');
    const verdicts = overloads(rows);
    assert.deepEqual(
      verdicts.map((verdict) => verdict.overloaded),
      [false, false, true, true],
    );
    assert.match(verdicts[2]?.reasons.join() ?? '', /p99 is 615\.2 × p50/);
    // The ratio alone would miss this one: 20307/8658 is small again.
    assert.deepEqual(
      verdicts[3]?.reasons.map((reason) => reason.slice(0, 6)),
      ['p50 is', '93.72 '],
    );
  });
  it('are refused with the line that is wrong', () => {
    assert.throws(() => readVegetaCsv('a,b\n'), /the first line must be example/);
    assert.throws(() => readVegetaCsv(`${head}\na,b,1,2\n`), /line 2 has 4 cells/);
    assert.throws(() => readVegetaCsv(`${head}\na,b,1,2,x,4,5,6\n`), /line 2 has a cell that is not a number/);
  });
});

describe('the plan of a sweep', () => {
  const loads = [1, 4].map((concurrency) => ({ loop: 'closed' as const, concurrency }));
  it('has every setting once, in an order of the seed, and the first one again at the end', () => {
    const plan = planSweep([1, 2, 4], loads, { seed: 3, shuffle: true, repeatFirst: true });
    assert.equal(plan.length, 7);
    assert.deepEqual(plan.at(-1), { ...plan[0], repeat: true });
    assert.equal(new Set(plan.slice(0, 6).map((point) => JSON.stringify(point))).size, 6);
    assert.deepEqual(plan, planSweep([1, 2, 4], loads, { seed: 3, shuffle: true, repeatFirst: true }));
    assert.notDeepEqual(plan.slice(0, 6), planSweep([1, 2, 4], loads, { seed: 3, shuffle: false, repeatFirst: false }));
  });
  it('repeats nothing when there is one setting', () =>
    assert.equal(planSweep([1], loads.slice(0, 1), { seed: 1, shuffle: true, repeatFirst: true }).length, 1));
});

describe("MLPerf's scenarios", () => {
  const options = (name: ScenarioOptions['name'], more: Partial<ScenarioOptions> = {}): ScenarioOptions => ({
    name,
    minimumSeconds: 600,
    minimumQueries: 100,
    samples: 24_576,
    boundMicroseconds: 50_000,
    targetPerSecond: 100,
    ...more,
  });
  const sorted = (n: number) => Float64Array.from({ length: n }, (_, i) => 1000 + i);
  const rule = (verdict: ReturnType<typeof judgeScenario>, name: RegExp) => verdict.rules.find((one) => name.test(one.rule));

  it('SingleStream gives the p90 estimate', () => {
    const verdict = judgeScenario(options('SingleStream'), {
      sorted: sorted(10_000),
      queries: 10_000,
      errors: 0,
      batchSize: 1,
      seconds: 601,
    });
    assert.equal(verdict.valid, true);
    assert.ok(verdict.metric.value !== null && verdict.metric.value >= 10_000 && verdict.metric.value < 10_100, `${verdict.metric.value}`);
  });
  it('MultiStream needs 662 queries', () => {
    const measure = (n: number) =>
      judgeScenario(options('MultiStream'), { sorted: sorted(n), queries: n, errors: 0, batchSize: 8, seconds: 601 });
    assert.equal(measure(661).valid, false);
    assert.match(rule(measure(661), /early stopping/)?.detail ?? '', /needs 662: measure longer/);
    assert.equal(measure(662).valid, true);
  });
  it('Server is valid when early stopping proves its bound', () => {
    const measure = (over: number) => {
      const latencies = Float64Array.from({ length: 10_000 }, (_, i) => (i >= 10_000 - over ? 60_000 : 1000));
      return judgeScenario(options('Server'), { sorted: latencies, queries: 10_000, errors: 0, batchSize: 1, seconds: 601 });
    };
    assert.equal(measure(70).valid, true);
    assert.equal(measure(95).valid, false);
    assert.match(rule(measure(95), /p99/)?.detail ?? '', /measure longer/);
    assert.match(rule(measure(200), /p99/)?.detail ?? '', /lower the target rate/);
  });
  it('Offline counts samples and needs 24,576 of them', () => {
    const verdict = judgeScenario(options('Offline'), { sorted: sorted(3072), queries: 3072, errors: 0, batchSize: 8, seconds: 614.4 });
    assert.deepEqual([verdict.valid, verdict.metric.value], [true, 40]);
    assert.equal(
      judgeScenario(options('Offline'), { sorted: sorted(3071), queries: 3071, errors: 0, batchSize: 8, seconds: 614.4 }).valid,
      false,
    );
  });
  it('Offline ends with its samples: longer takes more of them', () => {
    const verdict = judgeScenario(options('Offline'), { sorted: sorted(3072), queries: 3072, errors: 0, batchSize: 8, seconds: 30 });
    assert.equal(rule(verdict, /duration/)?.detail, '30.0 s of 600 s: more samples are needed');
  });
  it('a short run or an error makes every scenario invalid', () => {
    for (const name of ['SingleStream', 'MultiStream', 'Server', 'Offline'] as const) {
      const good = { sorted: sorted(30_000), queries: 30_000, errors: 0, batchSize: 1, seconds: 601 };
      assert.equal(judgeScenario(options(name, { boundMicroseconds: 1e6 }), good).valid, true, name);
      assert.equal(judgeScenario(options(name, { boundMicroseconds: 1e6 }), { ...good, seconds: 599 }).valid, false);
      assert.equal(judgeScenario(options(name, { boundMicroseconds: 1e6 }), { ...good, errors: 1 }).valid, false);
    }
  });
});
