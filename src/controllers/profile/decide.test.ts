import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelProfile, ModelProfileSpec, ModelProfileStatus } from '../../api/model-profile/index.ts';
import type { Cached } from '../../kube/store.ts';
import type { CompactPoint } from '../../load/point-code.ts';
import { afterRefusedJob, decide } from './decide.ts';
import type { Action, Decision, StatusDraft } from './decision.ts';
import type { Observed } from './observed.ts';
import type { JobObject, LoadPodObject } from './resources.ts';
import {
  aLeg,
  aNode,
  aPod,
  aProfile,
  aTargetPod,
  closed,
  compactPoint,
  labelledRun,
  messageOf,
  noon,
  observed,
  stored,
} from './testing/objects.ts';

const all = [
  [1, 1],
  [1, 4],
  [2, 1],
  [2, 4],
] as const;
const points = (run: string, change: Partial<CompactPoint> = {}) => all.map(([b, c]) => compactPoint(run, b, closed(c), change));
const created = ({ actions }: Decision): JobObject[] => actions.flatMap((action) => (action.kind === 'CreateJob' ? [action.job] : []));
const deleted = ({ actions }: Decision) =>
  actions.filter((action): action is Extract<Action, { kind: 'DeleteJob' }> => action.kind === 'DeleteJob');
const condition = ({ status }: Decision, type: string) => status?.conditions.find((one) => one.type === type);
const ready = (decision: Decision) => `${condition(decision, 'Ready')?.status} ${condition(decision, 'Ready')?.reason}`;

/** The profile with the status that was decided on, as it comes back from the API server. */
function after(profile: Cached<ModelProfile>, status: StatusDraft | undefined, spec: Partial<ModelProfileSpec> = {}): Cached<ModelProfile> {
  const conditions = (status?.conditions ?? []).map((one) => ({
    ...one,
    lastTransitionTime: '2026-11-21T12:00:00Z',
    observedGeneration: 1,
  }));
  return { ...profile, spec: { ...profile.spec, ...spec }, status: { ...status, conditions } as ModelProfileStatus };
}

/** A run whose first Job was made. */
function begun(spec: Partial<ModelProfileSpec> = {}) {
  const first = decide(observed(aProfile(spec)));
  const [job] = created(first);
  assert.ok(job);
  const profile = after(aProfile(spec), first.status);
  return { profile, job, run: labelledRun(job) };
}

describe('the start of a run', () => {
  it('makes one Indexed Job when the target is ready, and says what it is about', () => {
    const decision = decide(observed(aProfile()));
    const [job] = created(decision);
    assert.equal(created(decision).length, 1);
    assert.equal(job?.spec?.['completionMode'], 'Indexed');
    assert.equal(job?.spec?.completions, 1);
    assert.equal(decision.status?.run?.state, 'Running');
    assert.deepEqual(decision.status?.run?.jobs, [job?.metadata.name]);
    assert.equal(decision.status?.progress?.summary, '0/4');
    assert.equal(decision.status?.progress?.etaSeconds, 4 * 38);
    assert.equal(ready(decision), 'False Measuring');
    assert.equal(condition(decision, 'Reconciling')?.status, 'True');
    assert.equal(condition(decision, 'SLOMet'), undefined);
    assert.ok(decision.takesPlace);
  });

  it('gives the same Job for the same status, so that an operator that ended in between makes no second one', () => {
    const [a, b] = [0, 7000].map((later) => created(decide(observed(aProfile(), { now: noon + later })))[0]);
    assert.equal(a?.metadata.name, b?.metadata.name);
  });

  const waits: readonly [string, Partial<Observed>, string][] = [
    [
      'a target that is not there',
      { legs: [{ pods: [], state: { kind: 'NotReady', label: 'x', reason: 'TargetNotFound', message: 'm' } }] },
      'False TargetNotFound',
    ],
    ['caches that are not filled', { legs: [{ pods: [], state: { kind: 'Unread', label: 'x' } }] }, 'False Reading'],
    ['its turn', { turn: { kind: 'Wait', ahead: 3, message: 'm' } }, 'False Queued'],
  ];
  it('looks again soon whether there is room for its copy: nothing tells which node the copy of another run got', () => {
    const claim = { resource: 'nvidia.com/gpu', each: 1, pods: 1, nodes: [], on: [] };
    const turn = { kind: 'Wait', ahead: 1, message: 'm' } as const;
    assert.equal(decide(observed(aProfile(), { turn })).lookAgainMilliseconds, undefined);
    assert.equal(decide(observed(aProfile(), { turn, claim })).lookAgainMilliseconds, 10_000);
  });

  for (const [what, change, verdict] of waits) {
    it(`waits for ${what}`, () => {
      const decision = decide(observed(aProfile(), change));
      assert.deepEqual(decision.actions, []);
      assert.equal(ready(decision), verdict);
      assert.equal(condition(decision, 'Reconciling')?.status, 'True');
      assert.equal(decision.status?.run?.state, 'Waiting');
      assert.equal(decision.takesPlace, false);
    });
  }

  it('shows how many runs go first', () => {
    const decision = decide(observed(aProfile(), { turn: { kind: 'Wait', ahead: 3, message: 'm' } }));
    assert.equal(decision.status?.progress?.queuePosition, 3);
  });

  it('is stalled where the policy does not allow the target, and starts when it does', () => {
    const refused = { legs: [{ pods: [], state: { kind: 'Refused', label: 'x', reason: 'TargetHostNotAllowed', message: 'm' } }] } as const;
    const decision = decide(observed(aProfile(), refused));
    assert.equal(condition(decision, 'Stalled')?.reason, 'TargetHostNotAllowed');
    assert.equal(created(decide(observed(after(aProfile(), decision.status)))).length, 1);
  });

  it('gives up on a target that does not become ready within the limit, and tries again when asked to', () => {
    const legs = [{ pods: [], state: { kind: 'NotReady', label: 'x', reason: 'TargetNotReady', message: 'it loads' } }] as const;
    const spec = { budget: { maxWaitSeconds: 60 } };
    const first = decide(observed(aProfile(spec), { legs }));
    assert.equal(first.lookAgainMilliseconds, 60_000);
    const given = decide(observed(after(aProfile(spec), first.status), { legs, now: noon + 60_000 }));
    assert.equal(given.status?.run?.state, 'Failed');
    assert.equal(condition(given, 'Stalled')?.reason, 'TargetNotReady');
    assert.match(condition(given, 'Ready')?.message ?? '', /it loads.*60 s.*spec\.runId/);
    const stays = decide(observed(after(aProfile(spec), given.status), { now: noon + 70_000 }));
    assert.deepEqual(stays.actions, []);
    const again = decide(observed(after(aProfile(spec), given.status, { runId: 'again' }), { now: noon + 70_000 }));
    assert.equal(created(again).length, 1);
  });

  it('does nothing for a profile that is being deleted or suspended, or may not read Jobs', () => {
    assert.equal(decide(observed(aProfile({}, undefined, { deletionTimestamp: '2026-11-21T12:00:00Z' }))).status, undefined);
    assert.equal(ready(decide(observed(aProfile({ suspend: true })))), 'False Suspended');
    assert.equal(ready(decide(observed(aProfile(), { mayMeasure: false }))), 'False Forbidden');
  });
});

describe('a run that goes well', () => {
  it('takes every point, names the best one and ends', () => {
    const { profile, job, run } = begun();
    const live = stored(job, 'Complete');
    const done = decide(observed(profile, { jobs: [live], pods: [aPod(live, 0, { message: messageOf(points(run)) })] }));
    assert.deepEqual(
      done.status?.results?.map(({ id }) => id),
      ['b1-c1', 'b1-c4', 'b2-c1', 'b2-c4'],
    );
    assert.equal(done.status?.run?.state, 'Complete');
    assert.equal(ready(done), 'True Measured');
    assert.equal(condition(done, 'Complete')?.status, 'True');
    assert.equal(condition(done, 'Reconciling'), undefined);
    assert.equal(done.status?.best?.batchSize, 2);
    assert.equal(done.status?.best?.p99, '9ms');
    assert.equal(done.status?.progress?.summary, '4/4');
    assert.equal(done.takesPlace, false);
    assert.equal(done.status?.provenance?.tool, '0.1.0');
    assert.equal(done.status?.method?.percentile, 'nearest rank');
  });

  it('is at rest afterwards: the same status, and nothing to do', () => {
    const { profile, job, run } = begun();
    const live = stored(job, 'Complete');
    const done = decide(observed(profile, { jobs: [live], pods: [aPod(live, 0, { message: messageOf(points(run)) })] }));
    const rest = decide(observed(after(profile, done.status), { jobs: [], pods: [], now: noon + 7_200_000 }));
    assert.deepEqual(rest.status, done.status);
    assert.deepEqual(rest.actions, []);
    assert.equal(rest.lookAgainMilliseconds, undefined);
  });

  it('chooses anew when only a bound of the objective changes, without measuring again', () => {
    const spec = { objective: { latency: [{ percentile: 'p99' as const, maxMilliseconds: 100 }] } };
    const { profile, job, run } = begun(spec);
    const live = stored(job, 'Complete');
    const done = decide(observed(profile, { jobs: [live], pods: [aPod(live, 0, { message: messageOf(points(run)) })] }));
    assert.equal(condition(done, 'SLOMet')?.status, 'True');
    const strict = { objective: { latency: [{ percentile: 'p99' as const, maxMilliseconds: 5 }] } };
    const judged = decide(observed(after(profile, done.status, strict), { jobs: [live] }));
    assert.deepEqual(judged.actions, []);
    assert.equal(condition(judged, 'SLOMet')?.status, 'False');
    assert.match(condition(judged, 'SLOMet')?.message ?? '', /p99 9 ms is above 5 ms/);
    assert.equal(judged.status?.nearestMiss?.constraint, 'p99 9 ms is above 5 ms');
    assert.equal(judged.status?.best, undefined);
    assert.equal(ready(judged), 'True Measured');
  });

  it('shows what has come in while it goes on', () => {
    const spec = { sweep: { batchSizes: [1, 2], concurrency: [1, 2, 3, 4, 5] } };
    const { profile, job, run } = begun(spec);
    assert.equal(job.spec?.completions, 2);
    const live = stored(job);
    const half = [1, 2, 3, 4, 5].map((level) => compactPoint(run, 1, closed(level)));
    const decision = decide(observed(profile, { jobs: [live], pods: [aPod(live, 0, { message: messageOf(half) }), aPod(live, 1)] }));
    assert.equal(decision.status?.progress?.summary, '5/10');
    assert.equal(decision.status?.best?.batchSize, 1);
    assert.equal(ready(decision), 'False Measuring');
  });
});

describe('what is not taken', () => {
  const cases: readonly [string, (run: string) => string, RegExp][] = [
    ['a truncated message', (run) => messageOf(points(run)).slice(0, -40), /cut off or altered/],
    ['a forged figure', (run) => messageOf(points(run)).replace(',c,', ',k,'), /cut off or altered/],
    ['the points of another run', () => messageOf(points('r00000000000')), /belongs to run "r00000000000"/],
    [
      'a point that was not asked for',
      (run) => messageOf([compactPoint(run, 64, closed(1))]),
      /b64-c1 is not one that this index was to measure/,
    ],
    [
      'a point that is there twice',
      (run) => messageOf([compactPoint(run, 1, closed(1)), compactPoint(run, 1, closed(1))]),
      /b1-c1 is there twice/,
    ],
    ['nothing at all', () => '', /the message is empty/],
    ['another text', () => 'done\n', /not a point/],
  ];
  for (const [what, message, why] of cases) {
    it(`refuses ${what}, says so, and measures again`, () => {
      const { profile, job, run } = begun();
      const live = stored(job, 'Complete');
      const decision = decide(observed(profile, { jobs: [live], pods: [aPod(live, 0, { message: message(run) })] }));
      assert.match(decision.refusals[0]?.why ?? '', why);
      assert.equal(decision.status?.results, undefined);
      const [next] = created(decision);
      assert.notEqual(next?.metadata.name, job.metadata.name);
      assert.deepEqual(decision.status?.run?.jobs, [job.metadata.name, next?.metadata.name]);
    });
  }

  it('takes the first of two pods that speak for one index', () => {
    const { profile, job, run } = begun();
    const live = stored(job, 'Complete');
    const second = aPod(live, 0, { message: messageOf(points(run, { requests: 7, succeeded: 7 })) }, { name: 'z', uid: 'second' });
    const pods = [second, aPod(live, 0, { message: messageOf(points(run)) })];
    const decision = decide(observed(profile, { jobs: [live], pods }));
    assert.match(decision.refusals[0]?.why ?? '', /told by pod .* already/);
    assert.equal(decision.status?.results?.[0]?.requests, 3000);
  });

  it('reads nothing of a pod whose Job is not this profile’s', () => {
    const { profile, job, run } = begun();
    const live = stored(job);
    const foreign = aPod(stored({ ...job, metadata: { ...job.metadata, name: 'theirs' } }), 0, { message: messageOf(points(run)) });
    assert.equal(decide(observed(profile, { jobs: [live], pods: [foreign] })).status?.results, undefined);
  });

  it('refuses an index that the Job does not have', () => {
    const { profile, job, run } = begun();
    const live = stored(job, 'Complete');
    const decision = decide(observed(profile, { jobs: [live], pods: [aPod(live, 5, { message: messageOf(points(run)) })] }));
    assert.match(decision.refusals[0]?.why ?? '', /completion index 5 is none of Job/);
  });
});

describe('what is measured again', () => {
  const finished = (change: (run: string) => CompactPoint[], options: Partial<Observed> = {}, spec: Partial<ModelProfileSpec> = {}) => {
    const { profile, job, run } = begun(spec);
    const live = stored(job, 'Complete');
    const pods: Cached<LoadPodObject>[] = [aPod(live, 0, { message: messageOf(change(run)) })];
    return { profile, job: live, run, pods, decision: decide(observed(profile, { jobs: [live], pods, ...options })) };
  };

  it('is only what is missing', () => {
    const { decision } = finished((run) => points(run).slice(0, 3));
    const [next] = created(decision);
    assert.equal(next?.metadata.annotations?.['modelwright.dev/plan'], '{"indexes":[{"b2-c4":0}]}');
    assert.equal(decision.status?.progress?.summary, '3/4');
  });

  it('is what came out invalid for a cause that may pass, and replaces it', () => {
    const { decision, profile, job, pods, run } = finished((id) =>
      points(id, {}).map((point, i) => (i === 0 ? { ...point, invalidReasons: ['Unstable'] } : point)),
    );
    const [next] = created(decision);
    assert.equal(next?.metadata.annotations?.['modelwright.dev/plan'], '{"indexes":[{"b1-c1":1}]}');
    assert.ok(next);
    const second = stored(next, 'Complete');
    const better = compactPoint(run, 1, closed(1), { requests: 5000, succeeded: 5000 });
    const done = decide(
      observed(after(profile, decision.status), {
        jobs: [job, second],
        pods: [...pods, aPod(second, 0, { message: messageOf([better]) })],
      }),
    );
    assert.equal(done.status?.run?.state, 'Complete');
    const result = done.status?.results?.find(({ id }) => id === 'b1-c1');
    assert.deepEqual([result?.requests, result?.repeats, result?.valid], [5000, 1, true]);
  });

  it('is not what the setting itself gives, nor what was repeated often enough', () => {
    const saturated = finished((run) => points(run, { invalidReasons: ['Saturated'] }));
    assert.deepEqual(saturated.decision.actions, []);
    assert.equal(saturated.decision.status?.run?.state, 'Complete');
    assert.equal(condition(saturated.decision, 'SLOMet'), undefined);
    const never = finished((run) => points(run, { invalidReasons: ['Unstable'] }), {}, { budget: { maxRepeatsPerPoint: 0 } });
    assert.equal(never.decision.status?.run?.state, 'Complete');
  });

  it('is nothing while the pods of a Job that has just ended may be on their way', () => {
    const { profile, job, run } = begun();
    const live = stored(job, 'Complete');
    const early = decide(observed(profile, { jobs: [live], pods: [aPod(live, 0)], now: noon + 60_500 }));
    assert.deepEqual(early.actions, []);
    assert.equal(early.lookAgainMilliseconds, 2000);
    const pods = [aPod(live, 0, { message: messageOf(points(run)) })];
    assert.equal(decide(observed(profile, { jobs: [live], pods, now: noon + 60_900 })).status?.run?.state, 'Complete');
    assert.equal(created(decide(observed(profile, { jobs: [live], pods: [], now: noon + 70_000 }))).length, 1);
  });

  it('is what a deleted Job has not given', () => {
    const { profile, job } = begun();
    const decision = decide(observed(profile, { jobs: [], pods: [] }));
    const [next] = created(decision);
    assert.equal(decision.actions.length, 1);
    const [action] = decision.actions;
    assert.equal(action?.kind === 'CreateJob' ? action.after : undefined, job.metadata.name);
    assert.ok(next?.metadata.name.endsWith('-1'));
  });

  it('ends as failed after enough Jobs that gave nothing', () => {
    let profile = begun().profile;
    for (let i = 0; i < 8; i++) {
      const decision = decide(observed(profile, { jobs: [], pods: [] }));
      profile = after(profile, decision.status);
      if (decision.actions.length === 0) break;
    }
    assert.equal(profile.status?.run?.state, 'Failed');
    assert.equal(profile.status?.run?.reason, 'PointsMissing');
    assert.equal(profile.status?.run?.jobs?.length, 4);
  });

  it('waits a little when the server has refused everything, and shows its words without secrets', () => {
    const words = 'error: the server says 401: token=abcdefgh12345678 is wrong\n';
    const { profile, job } = begun();
    const live = stored(job, 'Failed');
    const pods = [aPod(live, 0, { message: words, exitCode: 3 })];
    const waiting = decide(observed(profile, { jobs: [live], pods, now: noon + 61_000 }));
    assert.deepEqual(waiting.actions, []);
    assert.equal(ready(waiting), 'False LoadFailed');
    assert.match(condition(waiting, 'Ready')?.message ?? '', /the server says 401/);
    assert.doesNotMatch(JSON.stringify(waiting.status), /abcdefgh12345678/);
    assert.equal(waiting.lookAgainMilliseconds, 9000);
    assert.equal(created(decide(observed(profile, { jobs: [live], pods, now: noon + 70_000 }))).length, 1);
  });

  it('is nothing where the server cannot take the payload: it is told at once, and nobody is asked again', () => {
    const { profile, job } = begun();
    const live = stored(job, 'Failed');
    const message =
      'error: the payload does not fit the signature: input "x" of the sample has the shape [1, 3], and the model takes [-1, 4]';
    const decision = decide(observed(profile, { jobs: [live], pods: [aPod(live, 0, { message, exitCode: 6 })] }));
    assert.equal(decision.status?.run?.reason, 'PayloadRefused');
    assert.match(
      condition(decision, 'Ready')?.message ?? '',
      /^The model server does not take spec\.payload: the payload does not fit .*takes \[-1, 4\]$/,
    );
    assert.equal(condition(decision, 'Stalled')?.status, 'True');
    assert.deepEqual(created(decision), []);
  });

  it('is nothing where the load generator was given what it cannot use', () => {
    const { profile, job } = begun();
    const live = stored(job, 'Failed');
    const decision = decide(
      observed(profile, { jobs: [live], pods: [aPod(live, 0, { message: 'error: --payload does not fit', exitCode: 2 })] }),
    );
    assert.equal(decision.status?.run?.reason, 'LoadRefused');
    assert.match(decision.status?.run?.message ?? '', /--payload does not fit/);
    assert.equal(condition(decision, 'Stalled')?.status, 'True');
  });
});

describe('a load pod that does not start', () => {
  const waiting = (state: object, change: Partial<Observed> = {}, conditions: readonly object[] = []) => {
    const { profile, job } = begun();
    const going = stored(job);
    const pod = {
      ...aPod(going, 0),
      status: { phase: 'Pending', conditions, containerStatuses: [{ name: 'bench', state }] },
    } as Cached<LoadPodObject>;
    return condition(decide(observed(profile, { jobs: [going], pods: [pod], ...change })), 'Ready');
  };
  const creating = { waiting: { reason: 'ContainerCreating' } };
  it('is said, with why', () => {
    assert.equal(waiting(creating)?.reason, 'Measuring');
    assert.match(waiting(creating, { now: noon + 130_000 })?.message ?? '', /takes long to start: is the Secret or ConfigMap/);
    assert.match(waiting({ waiting: { reason: 'ImagePullBackOff', message: 'not found' } })?.message ?? '', /ImagePullBackOff: not found/);
    const nowhere = waiting({}, {}, [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes are available' }]);
    assert.deepEqual([nowhere?.reason, /0\/3 nodes/.test(nowhere?.message ?? '')], ['LoadPodUnschedulable', true]);
  });
  it('is said of a Job that has none, and of one that is suspended', () => {
    const { profile, job } = begun();
    const none = decide(observed(profile, { jobs: [stored(job)], now: noon + 31_000 }));
    assert.equal(ready(none), 'False LoadPodMissing');
    const halted = { ...stored(job), spec: { suspend: true } };
    assert.equal(ready(decide(observed(profile, { jobs: [halted] }))), 'False JobSuspended');
  });
});

describe('a Job that cannot be made', () => {
  it('leaves the run where it was, and says that somebody has to act', () => {
    const status = afterRefusedJob(observed(aProfile()), 'quota');
    assert.equal(status.run?.state, 'Waiting');
    assert.equal(status.run?.jobs, undefined);
    assert.deepEqual(
      status.conditions.filter(({ type }) => type === 'Stalled').map(({ reason, message }) => [reason, message]),
      [['JobRefused', 'quota']],
    );
    const { profile, job } = begun();
    const later = afterRefusedJob(observed(profile), 'quota');
    assert.deepEqual([later.run?.state, later.run?.jobs], ['Running', [job.metadata.name]]);
  });
});

describe('nodes', () => {
  it('a load pod on a node that is gone or silent is given up, with its Job', () => {
    const { profile, job } = begun();
    const live = stored(job);
    const pods = [aPod(live, 0)];
    assert.deepEqual(decide(observed(profile, { jobs: [live], pods, nodes: new Map(), now: noon + 29_000 })).actions, []);
    const gone = decide(observed(profile, { jobs: [live], pods, nodes: new Map(), now: noon + 30_000 }));
    assert.equal(ready(gone), 'False NodeLost');
    assert.equal(deleted(gone)[0]?.propagation, 'Background');
    const silent = new Map([['cpu-1', aNode('cpu-1', false, noon)]]);
    assert.deepEqual(decide(observed(profile, { jobs: [live], pods, nodes: silent, now: noon + 60_000 })).actions, []);
    assert.equal(deleted(decide(observed(profile, { jobs: [live], pods, nodes: silent, now: noon + 121_000 }))).length, 1);
    assert.deepEqual(decide(observed(profile, { jobs: [live], pods, nodes: undefined })).actions, []);
  });
});

describe('the target while it is measured', () => {
  const changes: readonly [string, readonly ReturnType<typeof aTargetPod>[], string][] = [
    ['a restart', [aTargetPod({ restarts: 1 })], 'TargetRestarted'],
    ['another copy', [aTargetPod(), aTargetPod({ uid: 'pod-1', name: 'iris-1' })], 'TargetRescaled'],
    ['another image', [aTargetPod({ images: ['server@sha256:2'] })], 'TargetImageChanged'],
    ['no copy left', [], 'TargetNotReady'],
  ];
  for (const [what, pods, reason] of changes) {
    it(`makes the points of that time invalid after ${what}, whenever they come in`, () => {
      const { profile, job, run } = begun();
      const live = stored(job);
      const during = decide(observed(profile, { jobs: [live], pods: [aPod(live, 0)], legs: [aLeg(pods)] }));
      assert.deepEqual(during.status?.run?.disturbances, [{ job: job.metadata.name, index: 0, reason }]);
      const ended = stored(job, 'Complete');
      const later = observed(after(profile, during.status), {
        jobs: [ended],
        pods: [aPod(ended, 0, { message: messageOf(points(run)) })],
        legs: [aLeg(pods)],
      });
      const decision = decide(later);
      assert.ok(decision.status?.results?.every(({ valid, invalidReasons }) => !valid && invalidReasons?.includes(reason)));
      assert.equal(created(decision).length, 1);
    });
  }

  it('makes the points invalid that were measured on a node short of memory', () => {
    const { profile, job, run } = begun();
    const going = stored(job);
    const short = { ...aNode('cpu-1'), status: { conditions: [{ type: 'MemoryPressure', status: 'True' }] } };
    const during = decide(observed(profile, { jobs: [going], pods: [aPod(going, 0)], nodes: new Map([['cpu-1', short]]) }));
    assert.deepEqual(during.status?.run?.disturbances, [{ job: job.metadata.name, index: 0, reason: 'NodePressure' }]);
    const ended = stored(job, 'Complete');
    const decision = decide(
      observed(after(profile, during.status), { jobs: [ended], pods: [aPod(ended, 0, { message: messageOf(points(run)) })] }),
    );
    assert.ok(decision.status?.results?.every(({ invalidReasons }) => invalidReasons?.includes('NodePressure')));
  });

  it('leaves alone what was measured before, of a sweep as of a search', () => {
    const search: Partial<ModelProfileSpec> = {
      sweep: { batchSizes: [1, 8], search: { for: 'Concurrency', maximum: 64 } },
      objective: { latency: [{ percentile: 'p99', maxMilliseconds: 10 }] },
    };
    for (const spec of [search, { sweep: { batchSizes: [1, 8], concurrency: [1, 2, 3, 4, 5] } }]) {
      const { profile, job, run } = begun(spec);
      const going = stored(job);
      // One level of five is enough to know that the index was taken.
      const pods = [aPod(going, 0, { message: messageOf([compactPoint(run, 1, closed(1))]) }), aPod(going, 1)];
      const taken = decide(observed(profile, { jobs: [going], pods }));
      const later = decide(observed(after(profile, taken.status), { jobs: [going], pods, legs: [aLeg([aTargetPod({ restarts: 1 })])] }));
      assert.deepEqual(later.status?.run?.disturbances, [{ job: job.metadata.name, index: 1, reason: 'TargetRestarted' }]);
      assert.ok(later.status?.results?.every(({ valid }) => valid));
    }
  });

  it('does not count as changed before the load has begun, or when it comes up from zero', () => {
    const { profile, job } = begun();
    const live = stored(job);
    const early = decide(observed(profile, { jobs: [live], pods: [], legs: [aLeg([aTargetPod({ restarts: 1 })])] }));
    assert.equal(early.status?.run?.disturbances, undefined);
    const zero = decide(observed(aProfile(), { legs: [aLeg([])] }));
    const [first] = created(zero);
    assert.ok(first);
    const up = decide(observed(after(aProfile(), zero.status), { jobs: [stored(first)], pods: [aPod(stored(first), 0)] }));
    assert.equal(up.status?.run?.disturbances, undefined);
  });

  it('ends a live run at the first sign of harm', () => {
    const cases: readonly [Partial<CompactPoint>, NonNullable<ModelProfileSpec['live']>, RegExp][] = [
      [{}, { stopAboveP99Milliseconds: 5 }, /p99 of b1-c1 was 9 ms, above spec\.live\.stopAboveP99Milliseconds 5/],
      [{ succeeded: 2000, errors: { http5xx: 1000 } }, {}, /1000 of 3000 requests of b1-c1 failed/],
    ];
    for (const [change, live, said] of cases) {
      const spec = { live, sweep: { batchSizes: [1, 2], concurrency: [1, 2, 3, 4, 5] } };
      const { profile, job, run } = begun(spec);
      const going = stored(job);
      const pods = [aPod(going, 0, { message: messageOf([compactPoint(run, 1, closed(1), change)]) }), aPod(going, 1)];
      const decision = decide(observed(profile, { jobs: [going], pods }));
      assert.equal(decision.status?.run?.reason, 'GuardTripped');
      assert.match(decision.status?.run?.message ?? '', said);
      assert.equal(deleted(decision).length, 1);
      assert.equal(decision.status?.results?.length, 1);
    }
  });
});

describe('the end by others', () => {
  it('deletes the Job of a suspended run, keeps what came in, and begins anew afterwards', () => {
    const { profile, job } = begun();
    const live = stored(job);
    const stopped = decide(observed(after(profile, profile.status as never, { suspend: true }), { jobs: [live], pods: [aPod(live, 0)] }));
    assert.equal(stopped.status?.run?.state, 'Cancelled');
    assert.equal(deleted(stopped)[0]?.propagation, 'Foreground');
    assert.equal(ready(stopped), 'False Suspended');
    const resumed = decide(observed(after(profile, stopped.status), { jobs: [] }));
    assert.equal(created(resumed).length, 1);
    assert.notEqual(resumed.status?.run?.id, stopped.status?.run?.id);
  });

  it('ends the run of the spec before, waits until its pods are gone, and begins the new one', () => {
    const { profile, job } = begun();
    const live = stored(job);
    const changed = { ...profile, spec: { ...profile.spec, sweep: { concurrency: [2] } } };
    const ending = decide(observed(changed, { jobs: [live], pods: [aPod(live, 0)] }));
    assert.equal(ready(ending), 'False PreviousRunEnding');
    assert.equal(deleted(ending).length, 1);
    assert.deepEqual(created(ending), []);
    const leaving = stored(job, undefined, { deletionTimestamp: '2026-11-21T12:00:01Z' });
    assert.deepEqual(decide(observed(after(changed, ending.status), { jobs: [leaving] })).actions, []);
    const next = created(decide(observed(after(changed, ending.status), { jobs: [] })));
    assert.equal(next.length, 1);
    assert.notEqual(labelledRun(next[0] as JobObject), labelledRun(job));
  });

  it('stops when the budget is used up, and says what is left', () => {
    const { profile, job } = begun({ budget: { maxDurationSeconds: 600 } });
    assert.equal(job.spec?.['activeDeadlineSeconds'], 600);
    const live = stored(job);
    const decision = decide(observed(profile, { jobs: [live], pods: [aPod(live, 0)], now: noon + 600_000 }));
    assert.equal(decision.status?.run?.reason, 'BudgetExhausted');
    assert.match(decision.status?.run?.message ?? '', /4 of 4 points were not measured within 600 s/);
    assert.equal(deleted(decision).length, 1);
  });
});

describe('a search', () => {
  const spec: Partial<ModelProfileSpec> = {
    sweep: { batchSizes: [1, 8], search: { for: 'Concurrency', maximum: 64 } },
    objective: { latency: [{ percentile: 'p99', maxMilliseconds: 10 }] },
  };
  it('is one index for each batch size, and takes whatever levels it tried', () => {
    const { profile, job, run } = begun(spec);
    assert.equal(job.spec?.completions, 2);
    const live = stored(job, 'Complete');
    const levels = (batch: number) => messageOf([1, 2, 4, 3].map((level) => compactPoint(run, batch, closed(level))));
    const decision = decide(
      observed(profile, { jobs: [live], pods: [aPod(live, 0, { message: levels(1) }), aPod(live, 1, { message: levels(8) })] }),
    );
    assert.equal(decision.refusals.length, 0);
    assert.equal(decision.status?.progress?.summary, '2/2');
    assert.deepEqual(
      decision.status?.results?.map(({ id }) => id),
      [1, 8].flatMap((batch) => [1, 2, 3, 4].map((level) => `b${batch}-c${level}`)),
    );
    assert.equal(condition(decision, 'SLOMet')?.status, 'True');
  });
});
