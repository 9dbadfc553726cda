import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ProfileResult } from '../../../api/model-profile/index.ts';
import { shownReport } from '../report/shown.ts';
import { draftStatus } from '../status.ts';
import { aProfile, compactPoint, noon, observed } from '../testing/objects.ts';
import { rfc3339 } from '../times.ts';
import { resultOf } from './result.ts';

const search = { for: 'RequestsPerSecond', maximum: 500 } as const;
const spec = {
  sweep: { batchSizes: [1, 8], search },
  objective: { latency: [{ percentile: 'p99' as const, maxMilliseconds: 10 }] },
};
/** A level that the load pod tried, with this p99. */
const tried = (batchSize: number, rate: number, p99Milliseconds: number): ProfileResult => {
  const load = { loop: 'open', requestsPerSecond: rate, arrivals: 'poisson' } as const;
  const p99 = p99Milliseconds * 1000;
  return resultOf(
    compactPoint('r0123456789a', batchSize, load, {
      latencyMicroseconds: { min: 1000, mean: 2000, p50: 2000, p90: 3000, p95: 4000, p99, p999: p99, max: p99 },
    }),
    0,
  );
};
const run = { id: 'r0123456789a', state: 'Complete', specHash: 'x', queuedTime: rfc3339(noon) } as const;
const statusOf = (results: readonly ProfileResult[]) =>
  draftStatus(observed(aProfile(spec)), { run, results, account: { kind: 'Ended' }, actions: [] });

describe('a search in the status', () => {
  it('has the largest rate that keeps the objective, and the next that does not', () => {
    const { searches } = statusOf([tried(1, 100, 4), tried(1, 200, 8), tried(1, 212.5, 9), tried(1, 225, 12), tried(1, 400, 60)]);
    assert.deepEqual(searches, [{ id: 'b1-search', batchSize: 1, found: '212.5', failedAt: '225' }]);
  });

  it('is there for each batch size that has been searched, also where nothing keeps the objective or everything does', () => {
    const { searches } = statusOf([tried(1, 1, 40), tried(1, 2, 50), tried(8, 250, 5), tried(8, 500, 9)]);
    assert.deepEqual(searches, [
      { id: 'b1-search', batchSize: 1, failedAt: '1' },
      { id: 'b8-search', batchSize: 8, found: '500' },
    ]);
  });

  it('is shown in a sentence', () => {
    const results = [tried(1, 200, 8), tried(1, 225, 12)];
    const { searches } = statusOf(results);
    const report = shownReport({
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ModelProfile',
      metadata: { name: 'iris' },
      spec: { target: { modelDeployment: 'iris' }, ...spec },
      status: { run, results, ...(searches !== undefined && { searches }) },
    });
    assert.deepEqual(
      report.searches.map(({ over, found, failedAt, tolerance }) => [over, found, failedAt, tolerance]),
      [['rate', 200, 225, 0.05]],
    );
  });

  it('is absent of a sweep', () => {
    const sweep = draftStatus(observed(aProfile()), { run, results: [], account: { kind: 'Ended' }, actions: [] });
    assert.equal(sweep.searches, undefined);
  });
});
