import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { diffReports } from '../../load/diff.ts';
import { comparable, runOf } from './earlier.ts';
import { aProfile, aResult } from './profile.fixture.ts';

const diff = (before: ReturnType<typeof runOf>, after: ReturnType<typeof runOf>) => {
  const shown = comparable(before, after);
  return diffReports(shown.before, shown.after);
};

describe('the run that is meant', () => {
  it('is the latest, by nothing, by its id and by the runId that it was asked for with', () => {
    for (const wanted of [undefined, 'run-2b', 'second']) assert.equal(runOf(aProfile(), wanted).kind, 'latest');
  });
  it('is an earlier one by its id, and the one before the latest by "previous"', () => {
    for (const wanted of ['run-1a', 'previous']) {
      const run = runOf(aProfile(), wanted);
      assert.ok(run.kind === 'earlier' && run.past.id === 'run-1a');
    }
  });
  it('is refused with the runs that there are', () => {
    assert.throws(() => runOf(aProfile(), 'nope'), /knows no run "nope"; it has run-2b, run-1a$/);
    assert.throws(() => runOf(aProfile({ history: [] }), 'previous'), /has no earlier run/);
  });
});

describe('comparing the latest run with an earlier one', () => {
  const found = diff(runOf(aProfile(), 'previous'), runOf(aProfile()));

  it('compares what is kept of the best points: throughput and p99, by their intervals', () => {
    assert.deepEqual(
      found.points.map(({ id, comparisons }) => [id, comparisons.map(({ metric, verdict }) => `${metric} ${verdict}`)]),
      [['best', ['throughput worse', 'p99 no evidence']]],
    );
    assert.equal(found.verdict, 'worse');
  });
  it('finds nothing where the intervals meet', () => {
    const past = aProfile().status?.history?.find(({ id }) => id === 'run-1a');
    assert.ok(past !== undefined);
    const same = aProfile({ history: [{ ...past, samplesPerSecond: '415', samplesPerSecondLow: '400', samplesPerSecondHigh: '430' }] });
    assert.equal(diff(runOf(same, 'previous'), runOf(same)).verdict, 'no evidence');
  });
  it('has nothing to compare where the earlier run had no best point', () => {
    const none = aProfile({ history: [{ id: 'run-0', completionTime: '2026-11-19T00:00:00Z', specHash: 'x', sloMet: 'False' }] });
    assert.deepEqual(diff(runOf(none, 'previous'), runOf(none)).points, []);
  });
});

describe('comparing two profiles', () => {
  it('goes point by point', () => {
    const faster = aProfile({ results: [aResult(1, 1, 4000, 240), aResult(1, 4, 20_000, 240)] });
    const found = diff(runOf(aProfile()), runOf(faster));
    assert.deepEqual(
      found.points.map(({ id, verdict }) => [id, verdict]),
      [
        ['b1-c1', 'better'],
        ['b1-c4', 'no evidence'],
      ],
    );
    assert.deepEqual(found.onlyBefore, ['b8-c1', 'b8-c4']);
  });
});
