/** A run from the apply of a profile to its results, against a real API server; Job controller and kubelet are played. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { auditMark, auditSince, isWrite } from '../../support/audit.ts';
import { apply, eventually, kubectl } from '../../support/cluster.ts';
import { installInferenceServices, playStatus, servingStatus } from '../deployment/light-kserve.ts';
import { aModel, deployed, says } from '../deployment/objects.ts';
import { operatorUser } from '../deployment/operator-process.ts';
import { ownControlPlane, Stage } from '../deployment/stage.ts';
import { completeJob, endPod, playPod } from './job-controller.ts';
import { aModelProfile, type Job, jobsOf, messageFor, type Profiled, profiled, profileEvents, reports } from './objects.ts';

describe('a ModelProfile', () => {
  let plane: ControlPlane | undefined;
  let stage: Stage;
  let namespace: string;

  before(async () => {
    plane = await ownControlPlane();
    await installInferenceServices();
    stage = await Stage.start('profile');
    namespace = stage.namespace;
    await platform({ benchmark: { maxConcurrentRuns: 20 } });
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
    await plane?.stop();
  });

  const platform = (spec: object) =>
    apply({ apiVersion: 'modelwright.dev/v1alpha1', kind: 'ServingPlatform', metadata: { name: 'default' }, spec });
  const until = (name: string, wanted: (profile: Profiled) => boolean) => eventually(() => profiled(name, namespace), wanted, 90);
  const change = (name: string, spec: object) =>
    kubectl(['patch', 'modelprofile', name, '-n', namespace, '--type=merge', '-p', JSON.stringify({ spec })]);
  const jobWrites = async (mark: number, verb: string) =>
    (await auditSince(mark, ({ verb: done, objectRef }) => done === verb && objectRef?.resource === 'jobs')).filter(
      ({ user, objectRef }) => user.username === operatorUser && objectRef?.namespace === namespace,
    );

  /** A model of this name that serves. */
  async function serving(name: string): Promise<void> {
    await apply(aModel(name, namespace));
    await eventually(
      () => deployed(name, namespace),
      ({ status }) => (status?.conditions ?? []).length > 0,
    );
    await eventually(
      () =>
        playStatus(name, namespace, servingStatus(name, namespace)).then(
          () => true,
          () => false,
        ),
      Boolean,
    );
    await eventually(() => deployed(name, namespace), says('Ready', 'True'), 60);
  }

  /** A profile of a model of its own, and its first Job. */
  async function running(name: string, spec: object = {}): Promise<Job> {
    await serving(name);
    await apply(aModelProfile(name, namespace, { target: { modelDeployment: name }, ...spec }));
    return jobOf(name, 1);
  }

  /** The `count`-th Job of a profile, once it is there. */
  async function jobOf(name: string, count: number): Promise<Job> {
    const profile = await profiled(name, namespace);
    const jobs = await eventually(
      () => jobsOf(profile),
      (found) => found.length >= count,
    );
    return jobs[count - 1] as Job;
  }

  async function finish(job: Job, index = 0, message = messageFor(job, index)): Promise<void> {
    await endPod(await playPod(job, index, namespace), namespace, message);
    await completeJob(job, namespace);
  }

  it('is measured by one Job and has its results, the best setting and why, in its status', async () => {
    const mark = auditMark();
    const spec = { objective: { latency: [{ percentile: 'p99', maxMilliseconds: 20 }] } };
    await finish(await running('whole', spec));
    const { status } = await until('whole', reports('Measured', 'True'));
    assert.deepEqual(
      status?.results?.map(({ id, samplesPerSecond, latencyMicroseconds }) => [id, samplesPerSecond, latencyMicroseconds?.p99]),
      [
        ['b1-c1', '100', 9000],
        ['b1-c4', '100', 36_000],
        ['b2-c1', '200', 9000],
        ['b2-c4', '200', 36_000],
      ],
    );
    assert.equal(status?.best?.id, 'b2-c1');
    assert.match(status?.best?.reason ?? '', /highest throughput with p99 ≤ 20 ms: 200\.0\/s at p99 9 ms; runner-up b1-c1/);
    assert.deepEqual(
      status?.rejected?.map(({ id, constraint }) => `${id}: ${constraint}`),
      ['b1-c4: p99 36 ms is above 20 ms', 'b2-c4: p99 36 ms is above 20 ms'],
    );
    assert.equal(status?.provenance?.target, 'modeldeployment/whole');
    assert.equal(status?.run?.state, 'Complete');
    const events = (
      await eventually(
        () => profileEvents('whole', namespace),
        (told) => told.length >= 2,
      )
    ).map(({ reason }) => reason);
    assert.deepEqual(events.sort(), ['Measured', 'RunStarted']);
    const table = await kubectl(['get', 'modelprofile', 'whole', '-n', namespace]);
    assert.match(table, /modeldeployment\/whole +4\/4 +2 × 1 +9ms +200 +True +Measured/);
    assert.equal((await jobWrites(mark, 'create')).length, 1);
  });

  it('costs few writes and small managedFields, whatever the number of points', async () => {
    const levels = Array.from({ length: 60 }, (_, i) => i + 1);
    const mark = auditMark();
    const job = await running('sixty', { sweep: { concurrency: levels } });
    assert.equal(job.spec.completions, 8);
    for (let index = 0; index < 8; index++) await endPod(await playPod(job, index, namespace), namespace, messageFor(job, index));
    await completeJob(job, namespace);
    await until('sixty', reports('Measured', 'True'));
    const writes = await auditSince(
      mark,
      (event) => isWrite(event) && event.objectRef?.name === 'sixty' && event.objectRef.resource === 'modelprofiles',
    );
    const ours = writes.filter(({ user }) => user.username === operatorUser);
    assert.ok(ours.length <= 20, `${ours.length} writes of the status for 60 points`);
    const stored = JSON.parse(await kubectl(['get', 'modelprofile', 'sixty', '-n', namespace, '-o', 'json', '--show-managed-fields'])) as {
      metadata: { managedFields: object };
      status: object;
    };
    const [managed, status] = [stored.metadata.managedFields, stored.status].map((part) => JSON.stringify(part).length);
    assert.ok((managed ?? 0) < 10_000, `managedFields of ${managed} bytes`);
    assert.ok((status ?? 0) < 60_000, `a status of ${status} bytes`);
  });

  it('makes no second Job when the operator is replaced in the middle, and takes what came in meanwhile', async () => {
    const mark = auditMark();
    const job = await running('restarted', { sweep: { batchSizes: [1, 2], concurrency: [1, 2, 3, 4, 5] } });
    await endPod(await playPod(job, 0, namespace), namespace, messageFor(job, 0));
    await until('restarted', ({ status }) => status?.progress?.done === 5);
    await stage.operator[Symbol.asyncDispose]();
    await finish(job, 1);
    await stage.restart();
    const { status } = await until('restarted', reports('Measured', 'True'));
    assert.equal(status?.results?.length, 10);
    assert.equal((await jobWrites(mark, 'create')).length, 1);
  });

  it('refuses a forged message with an event, and measures again only what is missing', async () => {
    const job = await running('forged');
    await finish(job, 0, messageFor(job, 0).replace(/,c,(\w+),/, ',c,zz,'));
    const again = await jobOf('forged', 2);
    const told = await eventually(
      () => profileEvents('forged', namespace),
      (events) => events.some(({ reason }) => reason === 'ResultRefused'),
    );
    assert.match(told.find(({ reason }) => reason === 'ResultRefused')?.message ?? '', /cut off or altered/);
    assert.equal((await profiled('forged', namespace)).status?.results, undefined);
    await finish(again);
    await until('forged', reports('Measured', 'True'));
  });

  it('ends on suspend: the Job goes, and a new run begins when it is lifted', async () => {
    const job = await running('stopped');
    const { status: before } = await profiled('stopped', namespace);
    await change('stopped', { suspend: true });
    await until('stopped', reports('Suspended'));
    // Without a garbage collector a deletion in the foreground stays at its finalizer.
    await eventually(
      () => profiled('stopped', namespace).then(jobsOf),
      ([one]) => one === undefined || one.metadata.deletionTimestamp !== undefined,
    );
    await kubectl(['patch', 'job', job.metadata.name, '-n', namespace, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']).catch(
      () => '',
    );
    await change('stopped', { suspend: false });
    const next = await jobOf('stopped', 1);
    assert.notEqual(next.metadata.labels['modelwright.dev/run'], before?.run?.id);
    await finish(next);
    await until('stopped', reports('Measured', 'True'));
    const again = await profiled('stopped', namespace);
    await change('stopped', { runId: 'once-more' });
    const rerun = await eventually(
      () => jobsOf(again),
      (jobs) => jobs.some(({ metadata }) => metadata.labels['modelwright.dev/run'] !== next.metadata.labels['modelwright.dev/run']),
    );
    assert.equal(rerun.length, 2);
  });

  it('never has two runs at one target, and shows who waits', async () => {
    const first = await running('shared');
    await apply(aModelProfile('second', namespace, { target: { inferenceService: 'shared' } }));
    await apply(aModelProfile('third', namespace, { target: { modelDeployment: 'shared' } }));
    // The InferenceService is the ModelDeployment's: named directly it is refused, and does not wait.
    await until('second', reports('TargetOwned', 'False'));
    const queued = await until('third', reports('Queued'));
    assert.equal(queued.status?.progress?.queuePosition, 1);
    assert.match(queued.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '', /shared measures the same target/);
    assert.deepEqual(await jobsOf(queued), []);
    await finish(first);
    await jobOf('third', 1);
  });

  it('keeps to the number of runs at once', async () => {
    await platform({ benchmark: { maxConcurrentRuns: 1 } });
    try {
      for (const name of ['one', 'two', 'three']) await serving(name);
      // Whatever other tests left under way counts as well.
      const mark = auditMark();
      await apply(['one', 'two', 'three'].map((name) => aModelProfile(name, namespace, { target: { modelDeployment: name } })));
      await sleep(3000);
      assert.ok((await jobWrites(mark, 'create')).length <= 1);
      const states = await Promise.all(['one', 'two', 'three'].map((name) => profiled(name, namespace)));
      assert.ok(states.filter(({ status }) => status?.progress?.queuePosition !== undefined).length >= 2);
    } finally {
      await platform({ benchmark: { maxConcurrentRuns: 20 } });
    }
    for (const name of ['one', 'two', 'three']) await finish(await jobOf(name, 1));
    for (const name of ['one', 'two', 'three']) await until(name, reports('Measured', 'True'));
  });

  it('loads a URL only as far as the platform allows', async () => {
    const target = (url: string) => ({ target: { url, modelName: 'm' } });
    await apply(aModelProfile('url', namespace, target('http://models.example.com:8000')));
    const refused = await until('url', reports('TargetHostNotAllowed', 'False'));
    assert.ok(refused.status?.conditions?.some(({ type, status }) => type === 'Stalled' && status === 'True'));
    await platform({ benchmark: { maxConcurrentRuns: 20 }, policy: { targetHosts: ['models.example.com'] } });
    const job = await jobOf('url', 1);
    const [{ args = [] } = {}] = job.spec.template.spec.containers;
    assert.equal(args[args.indexOf('--allow-addresses') + 1], 'public,private');
    await apply(aModelProfile('metadata', namespace, target('http://169.254.169.254/latest')));
    await until('metadata', reports('TargetHostNotAllowed', 'False'));
    assert.deepEqual(await jobsOf(await profiled('metadata', namespace)), []);
  });

  it('is waited for nothing that is gone: metrics of a deleted profile go with it', async () => {
    await finish(await running('leaves'));
    await until('leaves', reports('Measured', 'True'));
    const series = () =>
      stage.operator
        .metrics('modelwright_profile_best_p99_seconds{namespace="')
        .then((lines) => lines.filter((line) => line.includes('profile="leaves"')));
    assert.equal((await series()).length, 1);
    await kubectl(['delete', 'modelprofile', 'leaves', '-n', namespace]);
    await eventually(series, ({ length }) => length === 0);
  });

  it('says when its Job is refused, and goes on when it no longer is', async () => {
    await serving('refused');
    // Four bytes each: more than the annotations of a pod may hold.
    const json = JSON.stringify('\u{1F600}'.repeat(65_530));
    await apply(aModelProfile('refused', namespace, { target: { modelDeployment: 'refused' }, payload: { json } }));
    const { status } = await until('refused', reports('JobRefused', 'False'));
    assert.match(status?.conditions?.find(({ type }) => type === 'Stalled')?.message ?? '', /annotations: Too long/);
    assert.equal(status?.run?.state, 'Waiting');
    await change('refused', { payload: { json: '{"inputs": []}' } });
    await jobOf('refused', 1);
  });

  it('has no say over other namespaces', async () => {
    const refused = (spec: object) =>
      kubectl(['apply', '--server-side', '--dry-run=server', '-f', '-'], { input: aModelProfile('elsewhere', namespace, spec) }).then(
        () => '',
        (error: Error) => error.message,
      );
    assert.match(await refused({ target: { modelDeployment: 'iris', namespace: 'victims' } }), /field not declared in schema/);
    assert.match(await refused({ target: { modelDeployment: 'victims/iris' } }), /spec\.target\.modelDeployment.*should match/);
    assert.match(await refused({ target: { inferenceService: 'iris.victims.svc:80/x' } }), /spec\.target\.inferenceService.*should match/);
    assert.match(
      await refused({ target: { modelDeployment: 'iris', tokenSecretRef: { name: 's', key: 'k', namespace: 'victims' } } }),
      /field not declared in schema/,
    );
  });

  it('leaves nothing but sound lines in the log of its operator', () => {
    assert.deepEqual(stage.operator.errors(), []);
  });
});
