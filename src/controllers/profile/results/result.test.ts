import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CompactScenario } from '../../../load/point-code.ts';
import { closed, compactPoint } from '../testing/objects.ts';
import { objectiveOf, outcomeOf } from './choose.ts';
import { invalidated, resultOf } from './result.ts';

const point = (change = {}) => compactPoint('r0123456789a', 8, closed(16), change);

describe('a point in the status', () => {
  it('has its figures in the units of the field names', () => {
    assert.deepEqual(resultOf(point(), 0), {
      id: 'b8-c16',
      batchSize: 8,
      concurrency: 16,
      requests: 3000,
      errors: 0,
      latencyMicroseconds: {
        min: 4000,
        mean: 5000,
        p50: 5000,
        p90: 6000,
        p95: 7000,
        p99: 9000,
        p999: 12_000,
        max: 15_000,
        p99Low: 8500,
        p99High: 9500,
      },
      requestsPerSecondMeasured: '100',
      samplesPerSecond: '800',
      samplesPerSecondLow: '792',
      samplesPerSecondHigh: '808',
      coldStartMicroseconds: 50_000,
      valid: true,
      completedAt: '2026-11-21T12:00:40Z',
    });
  });

  it('tells what the server and the GPU say, and leaves out what nobody knows', () => {
    const result = resultOf(
      point({
        serverQueueMicroseconds: 10,
        serverInferMicroseconds: 700,
        gpuUtilisationPermille: 875,
        gpuMemoryUsedMebibytes: 4096,
        gpuUtilisationMaxPermille: 990,
        gpuPowerMilliwatts: 70_500,
      }),
      0,
      't4',
    );
    assert.deepEqual(result.server, { queue: 10, infer: 700 });
    assert.deepEqual(result.gpu, {
      utilizationPercent: '87.5',
      utilizationMaxPercent: '99',
      memoryUsedMaxMebibytes: 4096,
      powerWatts: '70.5',
    });
    assert.equal(result.id, 't4-b8-c16');
    assert.equal(result.hardware, 't4');
    assert.equal(resultOf(point(), 0).gpu, undefined);
  });

  it('of an open loop has its rate, and counts what was never sent as failed', () => {
    const load = { loop: 'open', requestsPerSecond: 12.5, arrivals: 'poisson' } as const;
    const result = resultOf(
      compactPoint('r0123456789a', 1, load, { requests: 100, succeeded: 80, errors: { timeout: 20 }, notSent: 5 }),
      2,
    );
    assert.equal(result.requestsPerSecond, '12.5');
    assert.equal(result.errors, 20);
    assert.deepEqual(result.errorClasses, { timeout: 20 });
    assert.equal(result.repeats, 2);
  });

  it('of a scenario has its figure in its own unit, and the rules that it did not meet', () => {
    const scenarioOf = (scenario: CompactScenario) => resultOf(point({ scenario }), 0).scenario;
    assert.deepEqual(scenarioOf({ name: 'MultiStream', unmet: [], valueThousandths: 12_345_678 }), {
      name: 'MultiStream',
      valid: true,
      latencyMicroseconds: 12_346,
    });
    assert.deepEqual(scenarioOf({ name: 'Server', unmet: ['no errors'], valueThousandths: 99_875 }), {
      name: 'Server',
      valid: false,
      unmet: ['no errors'],
      queriesPerSecond: '99.875',
    });
    assert.equal(scenarioOf({ name: 'Offline', unmet: [], valueThousandths: 5_000_500 })?.samplesPerSecond, '5000.5');
    assert.deepEqual(scenarioOf({ name: 'SingleStream', unmet: ['early stopping'], valueThousandths: null }), {
      name: 'SingleStream',
      valid: false,
      unmet: ['early stopping'],
    });
  });

  it('without a single reply has no latency', () => {
    const result = resultOf(
      point({ succeeded: 0, latencyMicroseconds: null, throughputMilliPerSecond: 0, invalidReasons: ['NothingSucceeded'] }),
      0,
    );
    assert.equal(result.latencyMicroseconds, undefined);
    assert.deepEqual([result.valid, result.invalidReasons], [false, ['NothingSucceeded']]);
  });

  it('is invalid for each reason once', () => {
    const once = invalidated(resultOf(point(), 0), 'TargetRestarted');
    assert.deepEqual(invalidated(once, 'TargetRestarted'), once);
    assert.deepEqual(once.invalidReasons, ['TargetRestarted']);
  });
});

describe('the setting to run', () => {
  const results = [
    resultOf(compactPoint('r0123456789a', 1, closed(1)), 0),
    resultOf(compactPoint('r0123456789a', 8, closed(1), { succeeded: 2000, errors: { http5xx: 1000 } }), 0),
  ];
  it('is never one with more errors than are accepted, whatever its throughput', () => {
    const { status } = outcomeOf(results, objectiveOf({}));
    assert.equal(status.best?.id, 'b1-c1');
    assert.match(status.rejected?.[0]?.constraint ?? '', /333333 errors per million, at most 1000/);
  });
  it('is none where nothing was measured', () => {
    assert.deepEqual(outcomeOf([], objectiveOf({})).status, {});
  });
});
