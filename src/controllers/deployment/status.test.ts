import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import type { Serving } from '../../kserve/serving.ts';
import { type Account, draftStatus, type StatusDraft, stampStatus } from './status.ts';
import { aDeployment, anObservation } from './testing/objects.ts';

const serves: Serving = {
  state: 'Ready',
  reason: 'Serving',
  message: 'It serves',
  loading: { state: 'Loaded', ready: 1, total: 1, summary: '1/1' },
  addresses: {},
  runtime: { image: 'kserve/sklearnserver:v0.20.0', name: 'kserve-sklearnserver', managedVia: 'ClusterServingRuntime' },
  previousServes: false,
  wantsLogsOf: [],
};
const account = (serving: Serving): Account => ({ kind: 'Serving', serving, warnings: [], notes: [] });
const draft = (serving: Serving): StatusDraft => draftStatus(anObservation(), account(serving));

function verdicts(status: Pick<StatusDraft, 'conditions'>): Record<string, string> {
  return Object.fromEntries(status.conditions.map(({ type, status: state, reason }) => [type, `${state} ${reason}`]));
}

describe('the conditions of a state', () => {
  const cause = { stage: 'ImagePull', reason: 'ImagePullBackOff', message: 'The image cannot be pulled' } as const;
  const cases: readonly [string, Serving, Record<string, string>][] = [
    ['that serves', serves, { RuntimeReady: 'True ImageResolved', InferenceServiceReady: 'True Serving', Ready: 'True Serving' }],
    [
      'on its way',
      { ...serves, state: 'Progressing', reason: 'Downloading' },
      {
        RuntimeReady: 'True ImageResolved',
        InferenceServiceReady: 'False Downloading',
        Ready: 'False Downloading',
        Reconciling: 'True Downloading',
      },
    ],
    [
      'on its way to the next version while the one before answers',
      { ...serves, state: 'Progressing', reason: 'RollingOut', previousServes: true },
      {
        RuntimeReady: 'True ImageResolved',
        InferenceServiceReady: 'Unknown RollingOut',
        Ready: 'Unknown RollingOut',
        Reconciling: 'True RollingOut',
      },
    ],
    [
      'that failed, also over a version that answers',
      { ...serves, state: 'Failed', reason: 'ImagePullBackOff', cause, previousServes: true },
      {
        RuntimeReady: 'False ImagePullBackOff',
        InferenceServiceReady: 'False ImagePullBackOff',
        Ready: 'False ImagePullBackOff',
        Stalled: 'True ImagePullBackOff',
      },
    ],
    [
      'that no node has room for, which may pass by itself',
      { ...serves, state: 'Failed', reason: 'Unschedulable', cause: { ...cause, stage: 'Scheduling', reason: 'Unschedulable' } },
      {
        RuntimeReady: 'True ImageResolved',
        InferenceServiceReady: 'False Unschedulable',
        Ready: 'False Unschedulable',
        Reconciling: 'True Unschedulable',
      },
    ],
    [
      'that is suspended',
      { ...serves, state: 'Suspended', reason: 'Suspended' },
      { RuntimeReady: 'True ImageResolved', InferenceServiceReady: 'False Suspended', Ready: 'False Suspended' },
    ],
    [
      'of which nothing is known',
      { ...serves, state: 'Unknown', reason: 'Unknown', runtime: {} },
      {
        RuntimeReady: 'Unknown NotResolved',
        InferenceServiceReady: 'Unknown Unknown',
        Ready: 'Unknown Unknown',
        Reconciling: 'True Unknown',
      },
    ],
  ];
  for (const [name, serving, expected] of cases) it(name, () => assert.deepEqual(verdicts(draft(serving)), expected));

  it('never say Reconciling and Stalled at once', () => {
    for (const [, serving] of cases) {
      const types = Object.keys(verdicts(draft(serving)));
      assert.ok(!(types.includes('Reconciling') && types.includes('Stalled')));
    }
  });
  it('carry warnings in Ready and what was decided unasked in InferenceServiceReady', () => {
    const remarks = draftStatus(anObservation(), {
      kind: 'Serving',
      serving: serves,
      warnings: ['Beware.'],
      notes: ['Chosen: maxSurge 0'],
    });
    const message = (type: string) => remarks.conditions.find((condition) => condition.type === type)?.message;
    assert.equal(message('Ready'), 'It serves. Beware');
    assert.equal(message('InferenceServiceReady'), 'It serves. Chosen: maxSurge 0');
  });
  it('come without parts that are empty', () => {
    const { addresses, runtime } = draft({ ...serves, runtime: {} });
    assert.deepEqual([addresses, runtime], [undefined, undefined]);
  });
  it('stay within what the schema lets through', () => {
    const long = 'x'.repeat(20_000);
    const { conditions, lastError } = draft({
      ...serves,
      state: 'Failed',
      message: long,
      cause: { stage: 'Startup', reason: 'CrashLoopBackOff', message: long, logTail: `${long}END` },
    });
    for (const { message } of conditions) assert.ok(message.length <= 4096);
    assert.ok((lastError?.message.length ?? 0) <= 4096);
    assert.ok((lastError?.logTail?.length ?? 0) <= 4096 && lastError?.logTail?.endsWith('END'));
  });
});

describe('a stamped status', () => {
  const [first, later] = ['2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'];
  const fresh = aDeployment() as ModelDeployment;
  const ready = stampStatus(fresh, draft(serves), first);

  it('speaks of the generation that was judged', () => {
    assert.equal(ready.observedGeneration, 3);
    assert.ok(ready.conditions?.every(({ observedGeneration }) => observedGeneration === 3));
  });
  it('notes the first time of serving once', () => {
    assert.equal(ready.firstReadyTime, first);
    const failed = stampStatus({ ...fresh, status: ready }, draft({ ...serves, state: 'Failed' }), later);
    assert.equal(failed.firstReadyTime, first);
    assert.equal(stampStatus({ ...fresh, status: failed }, draft(serves), later).firstReadyTime, first);
  });
  it('is the same when nothing changed, however late it is made', () => {
    assert.deepEqual(stampStatus({ ...fresh, status: ready }, draft(serves), later), ready);
  });
  it('drops conditions that hold no more', () => {
    const stalled = stampStatus(fresh, draft({ ...serves, state: 'Failed' }), first);
    assert.ok(stalled.conditions?.some(({ type }) => type === 'Stalled'));
    const recovered = stampStatus({ ...fresh, status: stalled }, draft(serves), later);
    assert.ok(!recovered.conditions?.some(({ type }) => type === 'Stalled'));
    assert.equal(recovered.lastError, undefined);
  });
});
