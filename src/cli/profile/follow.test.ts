import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelProfile, ModelProfileStatus } from '../../api/model-profile/index.ts';
import { narrator, outcomeOf } from './follow.ts';
import { aProfile, aResult } from './profile.fixture.ts';

const runIn = (state: NonNullable<ModelProfileStatus['run']>['state']): Partial<ModelProfileStatus> => {
  const run = aProfile().status?.run;
  return run === undefined ? {} : { run: { ...run, state } };
};
const saying = (type: string, status: 'True' | 'False', message: string): Partial<ModelProfileStatus> => ({
  conditions: [
    ...(aProfile().status?.conditions ?? []).filter((one) => one.type !== type),
    { type, status, reason: 'Why', message, lastTransitionTime: '2026-11-21T10:00:00Z', observedGeneration: 2 },
  ],
});

describe('how a run that is waited for ended', () => {
  const table: readonly (readonly [string, ModelProfile, ReturnType<typeof outcomeOf>['kind']])[] = [
    ['nothing is known yet', { ...aProfile(), status: {} }, 'going on'],
    ['the status is of the generation before', aProfile({ observedGeneration: 1 }), 'going on'],
    ['the status is of another runId', { ...aProfile(), spec: { ...aProfile().spec, runId: 'third' } }, 'going on'],
    ['it waits', aProfile(runIn('Waiting')), 'going on'],
    ['it runs', aProfile(runIn('Running')), 'going on'],
    ['it is complete', aProfile(), 'done'],
    ['it is complete and no point keeps the objective', aProfile(saying('SLOMet', 'False', 'no setting keeps it')), 'missed'],
    ['it failed', aProfile(runIn('Failed')), 'failed'],
    ['it was cancelled', aProfile(runIn('Cancelled')), 'failed'],
    ['somebody has to act first', aProfile({ ...runIn('Waiting'), ...saying('Stalled', 'True', 'the host is not allowed') }), 'failed'],
    ['it is suspended', { ...aProfile(), spec: { ...aProfile().spec, suspend: true } }, 'failed'],
  ];
  for (const [when, profile, kind] of table) it(`${kind}, when ${when}`, () => assert.equal(outcomeOf(profile).kind, kind));

  it('has the sentence of the condition', () => {
    const outcome = outcomeOf(aProfile({ ...runIn('Waiting'), ...saying('Stalled', 'True', 'the host is not allowed') }));
    assert.deepEqual(outcome, { kind: 'failed', message: 'the host is not allowed' });
  });
});

describe('what is said while a run goes on', () => {
  it('is each point once, again when it was measured again, and each state once', () => {
    const lines: string[] = [];
    const say = narrator({ write: (text: string) => lines.push(text.trimEnd()) } as unknown as NodeJS.WriteStream);
    const first = aResult(1, 1, 8000, 120, { valid: false, invalidReasons: ['Unstable'] });
    const progress = { done: 1, total: 2, summary: '1/2' };
    say(aProfile({ results: [first], progress }));
    say(aProfile({ results: [first], progress }));
    say(
      aProfile({
        results: [aResult(1, 1, 8000, 120, { completedAt: '2026-11-21T10:05:00Z' })],
        progress: { ...progress, done: 2, summary: '2/2' },
      }),
    );
    assert.deepEqual(lines, [
      '[1/2] b1-c1: 120.0/s, p50 4.000 ms, p99 8.000 ms, 0 errors (not valid: Unstable)',
      'Measured: 4 points on gpu-node-7.our.example',
      '[2/2] b1-c1: 120.0/s, p50 4.000 ms, p99 8.000 ms, 0 errors',
    ]);
  });

  it('is of the run that goes on, and not of the earlier one whose results still stand', () => {
    const lines: string[] = [];
    const say = narrator({ write: (text: string) => lines.push(text.trimEnd()) } as unknown as NodeJS.WriteStream);
    const measuring = { run: 'run-3c', resultsOf: 'run-2b', results: [aResult(1, 1, 9000, 99)] };
    say(aProfile({ ...runIn('Running'), measuring, progress: { done: 1, total: 4, summary: '1/4' } }));
    assert.equal(lines[0], '[1/4] b1-c1: 99.0/s, p50 4.500 ms, p99 9.000 ms, 0 errors');
    assert.equal(lines.filter((line) => line.startsWith('[')).length, 1);
  });
});
