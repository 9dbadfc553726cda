import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelProfileStatus } from '../../api/model-profile/index.ts';
import type { Run, StatusDraft } from './decision.ts';
import { refusedEvent, transitionEvent } from './events.ts';

const aRun = (state: Run['state'], id = 'r0'): Run => ({ id, state, specHash: 'h', queuedTime: '2026-11-21T12:00:00Z' });
const draft = (reason: string, run?: Run, stalled = false): StatusDraft => ({
  conditions: [
    { type: 'Ready', status: 'False', reason, message: `about ${reason}` },
    ...(stalled ? [{ type: 'Stalled', status: 'True' as const, reason, message: 'm' }] : []),
  ],
  ...(run !== undefined && { run }),
});
const before = (reason: string, run?: Run) => draft(reason, run) as unknown as ModelProfileStatus;
const told = (was: ModelProfileStatus | undefined, is: StatusDraft) => {
  const event = transitionEvent(was, is);
  return event === undefined ? undefined : `${event.type} ${event.reason}`;
};

describe('what people are told', () => {
  it('is a change of state, once', () => {
    assert.equal(told(undefined, draft('TargetNotReady', aRun('Waiting'))), 'Normal TargetNotReady');
    assert.equal(told(before('TargetNotReady', aRun('Waiting')), draft('TargetNotReady', aRun('Waiting'))), undefined);
    assert.equal(told(before('TargetNotReady', aRun('Waiting')), draft('Queued', aRun('Waiting'))), 'Normal Queued');
  });

  it('is not the progress of a run, nor what is told where a Job is made', () => {
    assert.equal(told(before('Queued', aRun('Waiting')), draft('Measuring', aRun('Running'))), undefined);
    assert.equal(told(undefined, draft('Reading', aRun('Waiting'))), undefined);
  });

  it('is how a run ended', () => {
    assert.equal(told(before('Measuring', aRun('Running')), draft('Measured', aRun('Complete'))), 'Normal Measured');
    assert.equal(told(before('Measured', aRun('Complete')), draft('Measured', aRun('Complete'))), undefined);
    assert.equal(told(before('Measuring', aRun('Running')), draft('BudgetExhausted', aRun('Failed'))), 'Warning BudgetExhausted');
    assert.equal(told(before('Measuring', aRun('Running')), draft('Suspended', aRun('Cancelled'))), 'Normal RunCancelled');
    assert.equal(told(before('Measured', aRun('Complete', 'r0')), draft('Measured', aRun('Complete', 'r1'))), 'Normal Measured');
  });

  it('is a warning where somebody has to act, or a load pod is in trouble', () => {
    assert.equal(told(undefined, draft('TargetHostNotAllowed', aRun('Waiting'), true)), 'Warning TargetHostNotAllowed');
    assert.equal(told(before('Measuring', aRun('Running')), draft('NodeLost', aRun('Running'))), 'Warning NodeLost');
  });

  it('names the pod whose message was refused', () => {
    assert.match(refusedEvent({ pod: 'p', podUid: 'u', why: 'line 1 is cut off' }).note, /pod p .*not taken: line 1 is cut off/);
  });
});
