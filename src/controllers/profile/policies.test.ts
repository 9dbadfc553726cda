/** The policies of a profile through whole runs: what `decide` makes of them, from observation to status. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelProfile, ModelProfileSpec, ModelProfileStatus } from '../../api/model-profile/index.ts';
import type { Cached } from '../../kube/store.ts';
import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import { ofLatestRun } from './earlier-results.ts';
import type { Judgement } from './idle/judge.ts';
import type { Observed } from './observed.ts';
import type { JobObject } from './resources.ts';
import {
  aLeg,
  aPod,
  aProfile,
  aTarget,
  aTargetPod,
  closed,
  compactPoint,
  labelledRun,
  messageOf,
  noon,
  observed,
  stored,
} from './testing/objects.ts';
import { rfc3339 } from './times.ts';

const minute = 60_000;
const created = ({ actions }: Decision): JobObject[] => actions.flatMap((action) => (action.kind === 'CreateJob' ? [action.job] : []));
const condition = ({ status }: Pick<Decision, 'status'>, type: string) => status?.conditions.find((one) => one.type === type);
const verdict = (decision: Decision, type: string) => {
  const { status, reason } = condition(decision, type) ?? {};
  return status === undefined ? 'absent' : `${status} ${reason}`;
};

/** The profile as it comes back from the API server with what was decided. */
function after(profile: Cached<ModelProfile>, { status }: Decision, spec: Partial<ModelProfileSpec> = {}): Cached<ModelProfile> {
  const conditions = (status?.conditions ?? []).map((one) => ({ ...one, lastTransitionTime: rfc3339(noon), observedGeneration: 1 }));
  return { ...profile, spec: { ...profile.spec, ...spec }, status: { ...status, conditions } as ModelProfileStatus };
}

/** A target whose provenance allows to tell it apart. */
const digests = { modelSha256: 'a'.repeat(64), imageDigest: `sha256:${'b'.repeat(64)}` };
function serving(provenance: object = {}, gpus = 0) {
  const pods = [aTargetPod({ gpus })];
  const target = aTarget({
    pods,
    provenance: { target: 'modeldeployment/iris', targetUid: 'deployment-uid', nodes: ['cpu-1'], ...digests, ...provenance },
  });
  return { ...aLeg(pods), state: { kind: 'Ready', label: 'modeldeployment/iris', target } as const };
}

/** Lets the run that a profile calls for begin, and end with figures that are `speed` times the usual. */
function measured(
  profile: Cached<ModelProfile>,
  speed = 1,
  change: Partial<Observed> = {},
): { readonly profile: Cached<ModelProfile>; readonly decision: Decision } {
  const seen = { legs: [serving()], ...change };
  const first = decide(observed(profile, seen));
  const [job] = created(first);
  assert.ok(job, `a Job is made; ${condition(first, 'Ready')?.message}`);
  const run = labelledRun(job);
  const figures = {
    throughputMilliPerSecond: 100_000 * speed,
    throughputLowMilliPerSecond: 99_000 * speed,
    throughputHighMilliPerSecond: 101_000 * speed,
  };
  const points = [1, 2].flatMap((batch) => [1, 4].map((level) => compactPoint(run, batch, closed(level), figures)));
  const done = stored(job, 'Complete');
  const running = after(profile, first);
  const now = (seen.now ?? noon) + 3 * minute;
  const decision = decide(observed(running, { ...seen, now, jobs: [done], pods: [aPod(done, 0, { message: messageOf(points) })] }));
  assert.equal(decision.status?.run?.state, 'Complete', condition(decision, 'Ready')?.message);
  return { profile: after(running, decision), decision };
}
const again = (profile: Cached<ModelProfile>, runId: string): Cached<ModelProfile> => ({ ...profile, spec: { ...profile.spec, runId } });

describe('the history', () => {
  it('remembers each run that was completed, the latest first, as many as asked', () => {
    let { profile } = measured(aProfile({ historyLimit: 2 }));
    for (const runId of ['two', 'three']) ({ profile } = measured(again(profile, runId), 1));
    const { history, run } = profile.status as ModelProfileStatus;
    assert.equal(history?.length, 2);
    assert.deepEqual([history[0]?.id, history[0]?.best, history[0]?.samplesPerSecond], [run?.id, 'b1-c1', '100']);
  });
  it('is the same however often an ended run is looked at', () => {
    const { profile } = measured(aProfile());
    assert.deepEqual(decide(observed(profile, { legs: [serving()] })).status?.history, profile.status?.history);
  });
});

describe('Regressed', () => {
  const baseline = { run: 'Last' };
  it('is Unknown after a first run, False after one like it, True after one that is a tenth slower', () => {
    const first = measured(aProfile({ baseline }));
    assert.equal(verdict(first.decision, 'Regressed'), 'Unknown BaselineMissing');
    const second = measured(again(first.profile, 'two'));
    assert.equal(verdict(second.decision, 'Regressed'), 'False WithinTolerance');
    const third = measured(again(second.profile, 'three'), 0.9);
    assert.equal(verdict(third.decision, 'Regressed'), 'True ThroughputFell');
    assert.match(condition(third.decision, 'Regressed')?.message ?? '', /10\.0 % less, beyond the 5 % that are tolerated/);
  });
  it('stands while the next run goes on', () => {
    const first = measured(aProfile({ baseline }));
    const worse = measured(again(first.profile, 'two'), 0.9);
    const next = decide(observed(again(worse.profile, 'three'), { legs: [serving()] }));
    assert.equal(next.status?.run?.state, 'Running');
    assert.equal(verdict(next, 'Regressed'), 'True ThroughputFell');
  });
  it('is absent without a baseline', () => assert.equal(verdict(measured(aProfile()).decision, 'Regressed'), 'absent'));
  it('holds a run against another profile', () => {
    const other = measured(aProfile()).profile;
    const { decision } = measured(aProfile({ baseline: { profile: 'other' } }), 0.8, { baselineProfile: other });
    assert.equal(verdict(decision, 'Regressed'), 'True ThroughputFell');
  });
});

describe('Stale', () => {
  const look = (profile: Cached<ModelProfile>, change: Partial<Observed>) => decide(observed(profile, change));
  it('is False as long as nothing changes, and says what changed', () => {
    const { profile, decision } = measured(aProfile());
    assert.equal(verdict(decision, 'Stale'), 'False UpToDate');
    assert.equal(verdict(look(profile, { legs: [serving({ modelSha256: 'c'.repeat(64) })] }), 'Stale'), 'True ModelChanged');
    assert.equal(verdict(look(profile, { legs: [serving({ nodes: ['cpu-2'] })] }), 'Stale'), 'True HardwareChanged');
    assert.equal(verdict(look(profile, { legs: [serving()], version: '0.2.0' }), 'Stale'), 'True ToolChanged');
    assert.equal(verdict(look(profile, { legs: [serving()] }), 'Stale'), 'False UpToDate');
  });
  it('stands while the target is not ready', () => {
    const { profile } = measured(aProfile());
    const stale = after(profile, look(profile, { legs: [serving({ modelSha256: 'c'.repeat(64) })] }));
    const away = { state: { kind: 'NotReady', label: 'x', reason: 'TargetNotReady', message: 'not ready' }, pods: [] } as const;
    assert.equal(verdict(look(stale, { legs: [away] }), 'Stale'), 'True ModelChanged');
  });
  it('is of the spec where a schedule has yet to measure the changed one', () => {
    const { profile } = measured(aProfile({ schedule: { cron: '0 3 * * *' }, runId: 'now' }));
    const changed = { ...profile, spec: { ...profile.spec, sweep: { concurrency: [8] } } };
    const decision = look(changed, { legs: [serving()], now: noon + 5 * minute });
    assert.equal(verdict(decision, 'Stale'), 'True SpecChanged');
    assert.equal(verdict(decision, 'Ready'), 'False AwaitingSchedule');
  });
  it('is absent while the first run measures, and speaks of the results that stay while another one does', () => {
    assert.equal(verdict(look(aProfile(), { legs: [serving()] }), 'Stale'), 'absent');
    const { profile } = measured(aProfile());
    assert.equal(verdict(look(again(profile, 'two'), { legs: [serving()] }), 'Stale'), 'False UpToDate');
    const another = { ...profile, spec: { ...profile.spec, sweep: { concurrency: [8] } } };
    assert.equal(verdict(look(another, { legs: [serving()] }), 'Stale'), 'True SpecChanged');
  });
});

describe('the results of a complete run', () => {
  const objective = { latency: [{ percentile: 'p99', maxMilliseconds: 100 }] } as const satisfies ModelProfileSpec['objective'];
  const first = measured(aProfile({ objective: { latency: [...objective.latency] } }));
  const shown = ({ status }: Pick<Decision, 'status'>) => [
    status?.best?.id,
    status?.results?.length,
    status?.results?.[0]?.samplesPerSecond,
  ];
  const begin = () => decide(observed(again(first.profile, 'two'), { legs: [serving()] }));
  const lost = { legs: [serving()], now: noon + 3 * minute };

  it('stay, with all that is said of them, while another one goes on', () => {
    const next = begin();
    assert.equal(next.status?.run?.state, 'Running');
    assert.deepEqual(shown(next), shown(first.decision));
    assert.equal(verdict(next, 'SLOMet'), 'True PointFound');
    assert.equal(verdict(next, 'Ready'), 'False Measuring');
    assert.deepEqual(next.status?.measuring?.resultsOf, first.profile.status?.run?.id);
    assert.equal(next.status?.measuring?.results, undefined);
  });
  it('stand beside what that one measures, which is not taken for theirs', () => {
    const next = begin();
    const [job] = created(next);
    assert.ok(job);
    const point = compactPoint(labelledRun(job), 1, closed(1), { throughputMilliPerSecond: 7000 });
    const pod = aPod(stored(job), 0, { message: messageOf([point]), exitCode: 0 });
    const partly = decide(observed(after(again(first.profile, 'two'), next), { ...lost, jobs: [stored(job)], pods: [pod] }));
    assert.deepEqual(shown(partly), shown(first.decision));
    assert.deepEqual(
      partly.status?.measuring?.results?.map(({ id, samplesPerSecond }) => `${id} ${samplesPerSecond}`),
      ['b1-c1 7'],
    );
    assert.equal(partly.status?.progress?.summary, '1/4');
    // What was taken once is there at the next look, when its pod is gone.
    const later = decide(observed(after(again(first.profile, 'two'), partly), { ...lost, jobs: [stored(job)], pods: [] }));
    assert.equal(later.status?.measuring?.results?.length, 1);
  });
  it('leave nothing that was said of them to the run that takes their place', () => {
    const another = { ...first.profile, spec: { ...first.profile.spec, sweep: { concurrency: [8] } } };
    const next = decide(observed(another, { legs: [serving()] }));
    assert.equal(verdict(next, 'Stale'), 'True SpecChanged');
    const latest = ofLatestRun(after(another, next));
    assert.deepEqual(
      latest.status?.conditions?.filter(({ type }) => type === 'Stale' || type === 'SLOMet'),
      [],
    );
    assert.deepEqual([latest.status?.results, latest.status?.best], [undefined, undefined]);
  });
  it('give way to those of the next complete run, whole', () => {
    const second = measured(again(first.profile, 'two'), 2);
    assert.equal(second.decision.status?.measuring, undefined);
    assert.deepEqual(shown(second.decision), ['b1-c1', 4, '200']);
  });
  it('outlast a run that was cancelled, and the one after that', () => {
    const suspended = after(again(first.profile, 'two'), begin(), { suspend: true });
    const cancelled = decide(observed(suspended, lost));
    assert.equal(cancelled.status?.run?.state, 'Cancelled');
    assert.deepEqual(shown(cancelled), shown(first.decision));
    const resumed = decide(observed(after(suspended, cancelled, { suspend: false }), lost));
    assert.equal(resumed.status?.run?.state, 'Running');
    assert.deepEqual(shown(resumed), shown(first.decision));
    assert.deepEqual(resumed.status?.measuring?.resultsOf, first.profile.status?.run?.id);
  });
});

describe('a schedule', () => {
  const schedule = { cron: '30 * * * *' };
  it('begins nothing until its time comes, without being in the way of health checks', () => {
    const decision = decide(observed(aProfile({ schedule }), { legs: [serving()] }));
    assert.equal(decision.status?.run, undefined);
    assert.equal(verdict(decision, 'Ready'), 'False AwaitingSchedule');
    assert.equal(verdict(decision, 'Stalled'), 'absent');
    assert.equal(decision.status?.schedule?.nextTime, '2026-11-21T12:30:00Z');
    assert.equal(decision.lookAgainMilliseconds, 30 * minute);
  });
  it('begins a run at its time, once', () => {
    const waiting = after(aProfile({ schedule }), decide(observed(aProfile({ schedule }), { legs: [serving()] })));
    const now = noon + 30 * minute;
    const { profile, decision } = measured(waiting, 1, { now });
    assert.equal(decision.status?.run?.trigger, 'Scheduled');
    assert.equal(decision.status?.schedule?.nextTime, '2026-11-21T13:30:00Z');
    const later = decide(observed(profile, { legs: [serving()], now: now + 4 * minute }));
    assert.equal(later.status?.run?.id, profile.status?.run?.id);
    assert.equal(verdict(later, 'Ready'), 'True Measured');
    const next = decide(observed(profile, { legs: [serving()], now: now + 60 * minute }));
    assert.notEqual(next.status?.run?.id, profile.status?.run?.id);
    assert.equal(created(next).length, 1);
  });
  it('leaves a time out while a run goes on, and ends that run with Replace', () => {
    const profile = aProfile({ schedule, runId: 'now' });
    const running = after(profile, decide(observed(profile, { legs: [serving()] })));
    const now = noon + 30 * minute;
    const [job] = created(decide(observed(profile, { legs: [serving()] })));
    const jobs = [stored(job as JobObject)];
    const kept = decide(observed(running, { legs: [serving()], jobs, now }));
    assert.deepEqual([kept.status?.run?.id, kept.status?.schedule?.lastOutcome], [running.status?.run?.id, 'Skipped']);
    const replacing = { ...running, spec: { ...running.spec, schedule: { ...schedule, concurrencyPolicy: 'Replace' } as const } };
    const replaced = decide(observed(replacing, { legs: [serving()], jobs, now }));
    assert.notEqual(replaced.status?.run?.id, running.status?.run?.id);
    assert.deepEqual(
      replaced.actions.map(({ kind }) => kind),
      ['DeleteJob'],
    );
  });
  it('that never comes is refused with the field and the remedy', () => {
    const decision = decide(observed(aProfile({ schedule: { cron: '0 0 30 2 *' } }), { legs: [serving()] }));
    assert.equal(verdict(decision, 'Ready'), 'False ScheduleInvalid');
    assert.equal(verdict(decision, 'Stalled'), 'True ScheduleInvalid');
    assert.match(condition(decision, 'Ready')?.message ?? '', /spec\.schedule\.cron "0 0 30 2 \*" never comes/);
  });
  it('has no next time while suspended', () => {
    const waiting = after(aProfile({ schedule }), decide(observed(aProfile({ schedule }), { legs: [serving()] })));
    const decision = decide(
      observed({ ...waiting, spec: { ...waiting.spec, suspend: true } }, { legs: [serving()], now: noon + 31 * minute }),
    );
    assert.equal(verdict(decision, 'Ready'), 'False Suspended');
    assert.equal(decision.status?.schedule?.nextTime, undefined);
  });
});

describe('an identical run', () => {
  const donor = measured(aProfile({}, undefined, { name: 'first', uid: 'first-uid' })).profile;
  const second = (spec: Partial<ModelProfileSpec> = {}) => aProfile(spec, undefined, { name: 'second', uid: 'second-uid' });
  const start = (profile: Cached<ModelProfile>, change: Partial<Observed> = {}) =>
    decide(observed(profile, { legs: [serving()], sameTarget: [donor, profile], ...change }));

  it('is taken over instead of measuring, and said to be', () => {
    const decision = start(second());
    assert.equal(created(decision).length, 0);
    assert.equal(decision.status?.run?.state, 'Complete');
    assert.equal(decision.status.run.reusedFrom, `first/${donor.status?.run?.id}`);
    assert.deepEqual(decision.status.results, donor.status?.results);
    assert.deepEqual(decision.status.provenance, donor.status?.provenance);
    assert.equal(verdict(decision, 'Ready'), 'True Measured');
  });
  const measuring: readonly [what: string, profile: Cached<ModelProfile>, change?: Partial<Observed>][] = [
    ['another model is served now', second(), { legs: [serving({ modelSha256: 'c'.repeat(64) })] }],
    ['it is told never to', second({ reuse: 'Never' })],
    ['it is to be compared', second({ baseline: { run: 'Last' } })],
    ['another sweep is asked for', second({ sweep: { concurrency: [1, 4, 8] } })],
    ['another version measures', second(), { version: '0.2.0' }],
  ];
  for (const [what, profile, change] of measuring)
    it(`is not taken over where ${what}`, () => assert.equal(created(start(profile, change)).length, 1));
  it('is not taken over where the run was asked for by a changed spec.runId', () => {
    const { profile } = measured(second(), 1, { sameTarget: [] });
    assert.equal(created(start(again(profile, 'once-more'))).length, 1);
  });
});

describe('the idle policy', () => {
  const idlePolicy = { stableSeconds: 60, waitAtMostSeconds: 600 };
  const profile = aProfile({ idlePolicy });
  const sight = (judgement: Judgement, idleSince?: number): Partial<Observed> => ({
    legs: [serving({}, 1)],
    gpu: { source: { target: {}, uuids: [], text: 'x' }, holds: [], idle: { judgement, idleSince } },
  });
  const busy: Judgement = {
    kind: 'Busy',
    judgedBy: 'Utilization',
    busy: [{ what: 'GPU-1 on node n1, of Pod models/iris-0', how: '80 % used, more than 5 %' }],
  };
  const idle: Judgement = { kind: 'Idle', judgedBy: 'Utilization', note: 'by the figures of the DCGM exporter' };

  it('holds a run back while its GPUs are busy, with what is busy', () => {
    const decision = decide(observed(profile, sight(busy)));
    assert.equal(created(decision).length, 0);
    assert.equal(verdict(decision, 'Ready'), 'False WaitingForIdleGPUs');
    assert.equal(verdict(decision, 'Idle'), 'False Busy');
    assert.equal(verdict(decision, 'Reconciling'), 'True WaitingForIdleGPUs');
    assert.deepEqual(decision.status?.idle?.busy, ['GPU-1 on node n1, of Pod models/iris-0: 80 % used, more than 5 %']);
    assert.equal(decision.lookAgainMilliseconds, 15_000);
  });
  it('lets it go once they have been idle long enough', () => {
    const waiting = after(profile, decide(observed(profile, sight(idle, noon))));
    assert.equal(verdict(decide(observed(waiting, { ...sight(idle, noon), now: noon + 59_000 })), 'Idle'), 'False NotIdleLongEnough');
    const decision = decide(observed(waiting, { ...sight(idle, noon), now: noon + 60_000 }));
    assert.equal(created(decision).length, 1);
    assert.equal(verdict(decision, 'Idle'), 'True Idle');
    const running = after(waiting, decision);
    const later = decide(
      observed(running, { legs: [serving({}, 1)], now: noon + 70_000, jobs: created(decision).map((job) => stored(job)) }),
    );
    assert.equal(verdict(later, 'Idle'), 'True Idle');
    assert.equal(later.status?.idle?.state, 'Idle');
  });
  it('ends it after the time it may wait, and stays ended', () => {
    const waiting = after(profile, decide(observed(profile, sight(busy))));
    const decision = decide(observed(waiting, { ...sight(busy), now: noon + 600_000 }));
    assert.deepEqual(
      [decision.status?.run?.state, decision.status?.run?.reason, decision.status?.idle?.state],
      ['Failed', 'GPUsBusy', 'GaveUp'],
    );
    assert.match(condition(decision, 'Ready')?.message ?? '', /^Gave up after 600 s: GPU-1 on node n1, of Pod models\/iris-0: 80 % used/);
    const later = decide(observed(after(waiting, decision), { legs: [serving({}, 1)], now: noon + 700_000 }));
    assert.equal(verdict(later, 'Idle'), 'False StillBusy');
    assert.equal(verdict(later, 'Stalled'), 'True GPUsBusy');
  });
  it('waits until they have been looked at', () => {
    const decision = decide(observed(profile, { legs: [serving({}, 1)] }));
    assert.equal(verdict(decision, 'Ready'), 'False WaitingForIdleGPUs');
  });
  it('does not hold back a run that takes over another', () => {
    const donor = measured(aProfile({}, undefined, { name: 'first', uid: 'first-uid' }), 1).profile;
    const decision = decide(observed(profile, { ...sight(busy), sameTarget: [donor] }));
    assert.equal(decision.status?.run?.state, 'Complete');
  });
});

describe('where the GPU columns come from', () => {
  const text = (gpu: object) => {
    const source = {
      target: { dcgmUrl: 'http://10.0.0.9:9400/metrics' },
      uuids: ['GPU-1'],
      text: 'DCGM exporter ops/dcgm-1 on node n1, for Pod iris-0',
      ...gpu,
    };
    const { decision, profile } = measured(aProfile(), 1, { gpu: { source, holds: [] } });
    return { told: decision.status?.gpuSource, profile };
  };
  it('is told, also when there is nothing, and kept', () => {
    assert.equal(text({}).told, 'none: DCGM exporter ops/dcgm-1 on node n1, for Pod iris-0: it told nothing while points were measured');
    const { told, profile } = text({ target: {}, text: 'node n1 has no Pod of a DCGM exporter' });
    assert.equal(told, 'none: node n1 has no Pod of a DCGM exporter');
    assert.equal(decide(observed(profile, { legs: [serving()] })).status?.gpuSource, told);
  });
});
