import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { transitionEvent } from './events.ts';
import type { StatusDraft } from './status.ts';

function status(state: 'True' | 'False', reason: string, lastError?: NonNullable<StatusDraft['lastError']>): StatusDraft {
  return { conditions: [{ type: 'Ready', status: state, reason, message: `about ${reason}` }], ...(lastError && { lastError }) };
}
const stored = (draft: StatusDraft) => ({
  ...draft,
  conditions: draft.conditions.map((condition) => ({ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' })),
});

const crash = { stage: 'Startup', reason: 'CrashLoopBackOff', message: 'It crashes; see the log', pod: 'iris-1' } as const;
const [progressing, serving, crashing] = [
  status('False', 'Downloading'),
  status('True', 'Serving'),
  status('False', 'CrashLoopBackOff', crash),
];

describe('the event of a transition', () => {
  it('tells a failure with its remedy and the pod', () => {
    assert.deepEqual(transitionEvent(stored(progressing), crashing), {
      type: 'Warning',
      reason: 'CrashLoopBackOff',
      action: 'Serve',
      note: 'It crashes; see the log (pod iris-1)',
    });
  });
  it('tells that a model serves', () => assert.equal(transitionEvent(stored(crashing), serving)?.reason, 'Ready'));
  it('is told once', () => {
    assert.equal(transitionEvent(stored(crashing), crashing), undefined);
    assert.equal(transitionEvent(stored(serving), serving), undefined);
  });
  it('tells the next failure when the cause changes', () => {
    const oom = status('False', 'CrashLoopBackOff', { ...crash, reason: 'OOMKilled' });
    assert.equal(transitionEvent(stored(crashing), oom)?.reason, 'OOMKilled');
  });
  it('is not made of progress', () => assert.equal(transitionEvent(undefined, progressing), undefined));
});
