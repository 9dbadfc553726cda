/**
 * A run with the real Job controller, scheduler and garbage collector. The nodes are fake: kwok plays the kubelets and writes the termination
 * messages that a test asks for. The model server is a bare pod with KServe's label, so that a test may restart, add and change it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { start } from '../../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { installInferenceServices, playStatus, servingStatus } from '../../integration/deployment/light-kserve.ts';
import { operatorUser } from '../../integration/deployment/operator-process.ts';
import { Stage } from '../../integration/deployment/stage.ts';
import {
  aModelProfile,
  type Job,
  jobsOf,
  messageFor,
  type Profiled,
  profiled,
  profileEvents,
  reports,
} from '../../integration/profile/objects.ts';
import { auditMark, auditSince } from '../../support/audit.ts';
import { apply, eventually, get, kubectl } from '../../support/cluster.ts';
import { AUDIT_LOG_VARIABLE, KUBECONFIG_VARIABLE, KUBECTL_VARIABLE, NAME_VARIABLE } from '../../support/environment.ts';
import { end, podsOfJob, runningPod } from './kubelet.ts';

const twoIndexes = { sweep: { batchSizes: [1, 2], concurrency: [1, 2, 3, 4, 5] } };

describe('a run with the real Job controller', () => {
  let plane: ControlPlane | undefined;
  let stage: Stage;
  let namespace: string;

  before(async () => {
    plane = await start({ nodes: 'fake' });
    Object.assign(process.env, {
      [KUBECONFIG_VARIABLE]: plane.kubeconfig,
      [AUDIT_LOG_VARIABLE]: plane.auditLog,
      [KUBECTL_VARIABLE]: plane.record.kubectl,
      [NAME_VARIABLE]: plane.name,
    });
    await installInferenceServices();
    stage = await Stage.start('run');
    namespace = stage.namespace;
    await platform({ maxConcurrentRuns: 50 });
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
    await plane?.stop();
  });

  const platform = (benchmark: object) =>
    apply({ apiVersion: 'modelwright.dev/v1alpha1', kind: 'ServingPlatform', metadata: { name: 'default' }, spec: { benchmark } });
  const until = (name: string, wanted: (profile: Profiled) => boolean, seconds = 180) =>
    eventually(() => profiled(name, namespace), wanted, seconds);
  const change = (name: string, spec: object) =>
    kubectl(['patch', 'modelprofile', name, '-n', namespace, '--type=merge', '-p', JSON.stringify({ spec })]);
  const told = async (name: string, reason: string) => {
    const events = await eventually(
      () => profileEvents(name, namespace),
      (all) => all.some((event) => event.reason === reason),
    );
    return events.find((event) => event.reason === reason)?.message ?? '';
  };

  /** A pod that serves for the InferenceService of this name. */
  const server = (service: string, name = `${service}-server`, image = 'server:1') =>
    apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: { 'serving.kserve.io/inferenceservice': service } },
      spec: { containers: [{ name: 'kserve-container', image }] },
    });

  /** An InferenceService that somebody else made, with one pod that serves. */
  async function serving(name: string): Promise<void> {
    await apply({ apiVersion: 'serving.kserve.io/v1beta1', kind: 'InferenceService', metadata: { name, namespace }, spec: {} });
    await server(name);
    await kubectl(['wait', '--for=condition=Ready', '--timeout=120s', `pod/${name}-server`, '-n', namespace]);
    await playStatus(name, namespace, servingStatus(name, namespace));
  }

  async function running(name: string, spec: object = {}): Promise<Job> {
    await serving(name);
    await apply(aModelProfile(name, namespace, { target: { inferenceService: name }, ...spec }));
    return jobOf(name, 1);
  }

  /** The `count`-th Job of a profile, once it is there. */
  async function jobOf(name: string, count: number): Promise<Job> {
    const profile = await profiled(name, namespace);
    const jobs = await eventually(
      () => jobsOf(profile),
      (found) => found.length >= count,
      120,
    );
    return jobs[count - 1] as Job;
  }

  /** An index runs and tells what it should. */
  async function tell(job: Job, index: number, message = messageFor(job, index)): Promise<void> {
    await end(await runningPod(job, index, namespace), namespace, message);
  }

  const measured = (name: string) => until(name, reports('Measured', 'True'));

  it('goes through its indexes one after the other, shows each as it ends, and leaves a complete Job', async () => {
    const job = await running('whole', twoIndexes);
    await tell(job, 0);
    const half = await until('whole', ({ status }) => status?.progress?.done === 5);
    assert.equal(half.status?.progress?.summary, '5/10');
    assert.ok((half.status?.progress?.etaSeconds ?? 0) > 0);
    assert.equal(half.status?.best?.batchSize, 1);
    await tell(job, 1);
    const { status } = await measured('whole');
    assert.equal(status?.results?.length, 10);
    assert.equal(status?.best?.batchSize, 2);
    await kubectl(['wait', '--for=condition=Complete', '--timeout=60s', `job/${job.metadata.name}`, '-n', namespace]);
    assert.match(await told('whole', 'RunStarted'), /Measures inferenceservice\/whole: 10 points, about 6 min/);
  });

  it('has pods that pod security “restricted” admits', async () => {
    await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
    try {
      const pod = await runningPod(await runningOnRestricted(), 0, namespace);
      assert.equal(
        (await get<{ spec: { automountServiceAccountToken: boolean } }>('pod', pod.metadata.name, namespace)).spec
          .automountServiceAccountToken,
        false,
      );
    } finally {
      await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce-']);
    }
  });

  /** Servers of the tests are not restricted themselves: this one is there before. */
  async function runningOnRestricted(): Promise<Job> {
    await apply(aModelProfile('restricted', namespace, { target: { inferenceService: 'whole' } }));
    return jobOf('restricted', 1);
  }

  it('lets Kubernetes move an evicted pod, without another Job', async () => {
    const job = await running('evicted');
    const pod = await runningPod(job, 0, namespace);
    await evict(pod.metadata.name);
    await end(await runningPod(job, 0, namespace, pod), namespace, messageFor(job, 0));
    await measured('evicted');
    assert.equal((await jobsOf(await profiled('evicted', namespace))).length, 1);
  });

  async function evict(name: string): Promise<void> {
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
    await kubectl(['create', '--raw', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, '-f', '-'], { input: body });
  }

  it('measures again only what a pod took with it that somebody deleted', async () => {
    const job = await running('deleted-pod', twoIndexes);
    await tell(job, 0);
    await until('deleted-pod', ({ status }) => status?.progress?.done === 5);
    const pod = await runningPod(job, 1, namespace);
    await kubectl(['delete', 'pod', pod.metadata.name, '-n', namespace, '--wait=false']);
    const second = await jobOf('deleted-pod', 2);
    assert.equal(second.spec.completions, 1);
    await tell(second, 0);
    assert.equal((await measured('deleted-pod')).status?.results?.length, 10);
  });

  it('makes another Job for one that was deleted by hand', async () => {
    const job = await running('deleted-job', twoIndexes);
    await tell(job, 0);
    await until('deleted-job', ({ status }) => status?.progress?.done === 5);
    await runningPod(job, 1, namespace);
    await kubectl(['delete', 'job', job.metadata.name, '-n', namespace]);
    const second = await eventually(
      async () => jobsOf(await profiled('deleted-job', namespace)),
      (jobs) => jobs.some(({ metadata }) => metadata.name !== job.metadata.name),
      120,
    );
    const next = second.find(({ metadata }) => metadata.name !== job.metadata.name) as Job;
    assert.equal(next.spec.completions, 1);
    await tell(next, 0);
    assert.equal((await measured('deleted-job')).status?.results?.length, 10);
  });

  const refused: readonly [string, (job: Job) => string, RegExp][] = [
    ['truncated', (job) => messageFor(job, 0).slice(0, -30), /cut off or altered/],
    ['forged', (job) => messageFor(job, 0).replace(/,c,(\w+),/, ',c,zz,'), /cut off or altered/],
    [
      'wrong-run',
      (job) => messageFor({ ...job, metadata: { ...job.metadata, labels: { 'modelwright.dev/run': 'r00000000000' } } }, 0),
      /belongs to run/,
    ],
    ['silent', () => '', /the message is empty/],
  ];
  for (const [name, message, why] of refused) {
    it(`refuses a message that is ${name}, and asks again`, async () => {
      const job = await running(name);
      await tell(job, 0, message(job));
      assert.match(await told(name, 'ResultRefused'), why);
      await tell(await jobOf(name, 2), 0);
      const { status } = await measured(name);
      assert.equal(status?.results?.length, 4);
      assert.equal(status?.run?.jobs?.length, 2);
    });
  }

  it('ends at once where the load generator says that it was given what it cannot use', async () => {
    const job = await running('usage');
    await end(await runningPod(job, 0, namespace), namespace, 'error: --payload /x is not JSON', 2);
    const { status } = await until('usage', reports('LoadRefused', 'False'));
    assert.match(status?.run?.message ?? '', /is not JSON/);
    assert.ok(status?.conditions?.some(({ type }) => type === 'Stalled'));
  });

  it('ends at once where the server refuses the payload, before another index sends it', async () => {
    const job = await running('payload', twoIndexes);
    await end(await runningPod(job, 0, namespace), namespace, 'error: x has shape [4], the model wants [3]', 6);
    const { status } = await until('payload', reports('PayloadRefused', 'False'));
    assert.match(status?.run?.message ?? '', /the model wants \[3\]/);
    await eventually(
      () => podsOfJob(job, namespace),
      (pods) => pods.every(({ metadata }) => metadata.labels['batch.kubernetes.io/job-completion-index'] === '0'),
      120,
    );
    assert.equal(status?.run?.jobs?.length, 1);
  });

  it('gives up what a lost node had, and measures it elsewhere', async () => {
    // Not where the model runs: that is to be lost by nobody.
    const job = await running('lost-node', { ...twoIndexes, placement: 'OtherNode' });
    await tell(job, 0);
    await until('lost-node', ({ status }) => status?.progress?.done === 5);
    const pod = await runningPod(job, 1, namespace);
    // Neither kwok nor anybody else speaks for this node any more.
    await kubectl(['delete', 'node', pod.spec.nodeName ?? '']);
    try {
      // Kubernetes may be faster to end the pod than the operator to give it up; what comes next is a pod of the same Job or of another.
      const next = await eventually(
        async () => {
          const jobs = await jobsOf(await profiled('lost-node', namespace));
          const pods = await Promise.all(
            jobs.map(async (one) => (await podsOfJob(one, namespace)).map((found) => ({ job: one, pod: found }))),
          );
          return pods.flat().find(({ pod: { metadata, status } }) => status?.phase === 'Running' && metadata.uid !== pod.metadata.uid);
        },
        (found) => found !== undefined,
        240,
      );
      assert.ok(next);
      const index = Number(next.pod.metadata.labels['batch.kubernetes.io/job-completion-index']);
      await end(next.pod, namespace, messageFor(next.job, index));
      assert.equal((await measured('lost-node')).status?.results?.length, 10);
    } finally {
      await kubectl(['apply', '--server-side', '--force-conflicts', '-f', 'hack/controlplane/kwok/nodes.yaml']);
      await kubectl(['wait', '--for=condition=Ready', '--timeout=60s', 'nodes', '--all']);
    }
  });

  it('gives up a node that is there and says nothing any more, and measures elsewhere', async () => {
    // Not where the model runs: that is to be lost by nobody.
    const job = await running('silent-node', { placement: 'OtherNode' });
    const pod = await runningPod(job, 0, namespace);
    const node = pod.spec.nodeName ?? '';
    // kwok leaves it alone from here on, as a machine whose kubelet has died.
    await kubectl(['label', 'node', node, 'modelwright.dev/fake-node-']);
    try {
      const since = new Date(Date.now() - 180_000).toISOString().replace(/\.\d+Z$/, 'Z');
      const silent = { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' };
      const conditions = [{ ...silent, lastHeartbeatTime: since, lastTransitionTime: since }];
      await kubectl(['patch', 'node', node, '--subresource=status', '-p', JSON.stringify({ status: { conditions } })]);
      const jobs = await eventually(
        async () => jobsOf(await profiled('silent-node', namespace)),
        (found) => found.some(({ metadata }) => metadata.name !== job.metadata.name),
        180,
      );
      const next = jobs.find(({ metadata }) => metadata.name !== job.metadata.name) as Job;
      const other = await runningPod(next, 0, namespace);
      assert.notEqual(other.spec.nodeName, node);
      await end(other, namespace, messageFor(next, 0));
      const { status } = await measured('silent-node');
      assert.deepEqual([status?.run?.jobs?.length, status?.results?.length], [2, 4]);
      assert.ok(
        status?.results?.every(({ repeats }) => repeats === undefined),
        'what was lost was not measured, and is no repeat',
      );
    } finally {
      await kubectl(['label', 'node', node, 'modelwright.dev/fake-node=true', '--overwrite']);
      await kubectl(['delete', 'pod', pod.metadata.name, '-n', namespace, '--ignore-not-found', '--force', '--grace-period=0']);
      await kubectl(['wait', '--for=condition=Ready', '--timeout=120s', 'nodes', '--all']);
    }
  });

  it('ends at the first point that is slower than the service can bear, and sends no more', async () => {
    const job = await running('guarded', { ...twoIndexes, live: { stopAboveP99Milliseconds: 30 } });
    // p99 of the played points is 9 ms for each request at once.
    await tell(job, 0);
    const { status } = await until('guarded', reports('GuardTripped', 'False'));
    assert.match(status?.run?.message ?? '', /p99 of b1-c4 was 36 ms, above spec\.live\.stopAboveP99Milliseconds 30; the run was ended/);
    assert.equal(status?.results?.length, 5, 'what was measured stays');
    await eventually(
      () => podsOfJob(job, namespace),
      (pods) => pods.length === 0,
      120,
    );
    assert.equal(status?.run?.jobs?.length, 1);
  });

  it('ends when the service is restarted under it, and leaves a service alone that nobody asked to guard', async () => {
    const job = await running('guarded-restart', { live: {} });
    await runningPod(job, 0, namespace);
    const restart = [{ op: 'replace', path: '/status/containerStatuses/0/restartCount', value: 1 }];
    const server = ['pod', 'guarded-restart-server', '-n', namespace];
    await kubectl(['patch', ...server, '--subresource=status', '--type=json', '-p', JSON.stringify(restart)]);
    const { status } = await until('guarded-restart', reports('GuardTripped', 'False'));
    assert.match(status?.run?.message ?? '', /The target was restarted while it was measured; the run was ended/);
  });

  it('says why a load pod finds no node', async () => {
    await platform({ maxConcurrentRuns: 50, cpus: 64 });
    try {
      await running('too-big');
      const { status } = await until('too-big', reports('LoadPodUnschedulable'));
      assert.match(status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '', /0\/3 nodes are available.*Insufficient cpu/);
    } finally {
      await platform({ maxConcurrentRuns: 50 });
      await kubectl(['delete', 'modelprofile', 'too-big', '-n', namespace, '--ignore-not-found']);
    }
  });

  it('ends with its budget, and Kubernetes ends the pod', async () => {
    const job = await running('deadline', { budget: { maxDurationSeconds: 60 } });
    const pod = await runningPod(job, 0, namespace);
    const { status } = await until('deadline', reports('BudgetExhausted', 'False'));
    assert.match(status?.run?.message ?? '', /4 of 4 points were not measured within 60 s/);
    await eventually(
      () => podsOfJob(job, namespace),
      (pods) => pods.every(({ metadata }) => metadata.uid !== pod.metadata.uid),
      120,
    );
  });

  it('makes nothing twice when the operator is killed in its middle, and takes what came in meanwhile', async () => {
    const mark = auditMark();
    const job = await running('crash', twoIndexes);
    stage.operator.kill('SIGKILL');
    await tell(job, 0);
    await tell(job, 1);
    await kubectl(['wait', '--for=condition=Complete', '--timeout=120s', `job/${job.metadata.name}`, '-n', namespace]);
    await stage.restart();
    assert.equal((await measured('crash')).status?.results?.length, 10);
    const made = await auditSince(
      mark,
      ({ verb, user, objectRef }) => verb === 'create' && objectRef?.resource === 'jobs' && user.username === operatorUser,
    );
    assert.equal(made.filter(({ objectRef }) => objectRef?.namespace === namespace).length, 1);
  });

  it('marks points invalid while which the server was restarted or another copy came, and repeats them', async () => {
    const job = await running('disturbed');
    const pod = await runningPod(job, 0, namespace);
    await server('disturbed', 'disturbed-second');
    await until('disturbed', ({ status }) => (status?.run?.disturbances?.length ?? 0) > 0);
    await end(pod, namespace, messageFor(job, 0));
    const again = await jobOf('disturbed', 2);
    const { status } = await profiled('disturbed', namespace);
    assert.ok(status?.results?.every(({ valid, invalidReasons }) => !valid && invalidReasons?.includes('TargetRescaled')));
    await tell(again, 0);
    const done = await measured('disturbed');
    assert.ok(done.status?.results?.every(({ valid, repeats }) => valid && repeats === 1));
  });

  it('measures a target for one profile after the other, in the order in which they asked, and shows each its place', async () => {
    await serving('shared');
    // What one has measured would do for the others.
    const spec = { target: { inferenceService: 'shared' }, reuse: 'Never' };
    const place = (position: number | undefined) => (profile: Profiled) => profile.status?.progress?.queuePosition === position;
    const names = ['shared-a', 'shared-b', 'shared-c'];
    await apply(aModelProfile('shared-a', namespace, spec));
    const jobs = [await jobOf('shared-a', 1)];
    await apply(aModelProfile('shared-b', namespace, spec));
    await until('shared-b', place(1));
    await apply(aModelProfile('shared-c', namespace, spec));
    const last = await until('shared-c', place(2));
    const ready = last.status?.conditions?.find(({ type }) => type === 'Ready');
    assert.equal(ready?.reason, 'Queued');
    assert.match(
      ready?.message ?? '',
      new RegExp(`^Waits for its turn, 2 runs ahead: ModelProfile ${namespace}/shared-a measures the same target`),
    );
    assert.match(await kubectl(['get', 'modelprofile', 'shared-b', '-n', namespace]), /inferenceservice\/shared .*Queued/);
    for (const [i, name] of names.entries()) {
      // The others have not so much as a Job.
      for (const other of names.slice(i + 1)) assert.deepEqual(await jobsOf(await profiled(other, namespace)), []);
      await tell(jobs[i] as Job, 0);
      await measured(name);
      const next = names[i + 1];
      if (next === undefined) break;
      jobs.push(await jobOf(next, 1));
      const after = names[i + 2];
      if (after !== undefined) await until(after, place(1));
    }
    const runs = await Promise.all(names.map(async (name) => (await profiled(name, namespace)).status));
    for (const [i, status] of runs.entries()) {
      const { startTime = '', completionTime = '' } = status?.run ?? {};
      assert.ok(startTime !== '' && startTime <= completionTime);
      const before = runs[i - 1]?.run?.completionTime ?? '';
      assert.ok(startTime >= before, `${names[i]} began at ${startTime}, when the run before it went on until ${before}`);
      assert.equal(status?.progress?.queuePosition, undefined);
    }
  });

  it('ends when its spec changes, and measures the new one when the pods of the old are gone', async () => {
    const job = await running('changed');
    await runningPod(job, 0, namespace);
    await change('changed', { sweep: { batchSizes: [4], concurrency: [1] } });
    const next = await eventually(
      async () => jobsOf(await profiled('changed', namespace)),
      (jobs) => jobs.some(({ metadata }) => metadata.name !== job.metadata.name),
      120,
    );
    assert.deepEqual(await podsOfJob(job, namespace), []);
    const [other] = next.filter(({ metadata }) => metadata.name !== job.metadata.name);
    await tell(other as Job, 0);
    assert.deepEqual(
      (await measured('changed')).status?.results?.map(({ id }) => id),
      ['b4-c1'],
    );
  });

  it('stops on suspend, and its pods with it', async () => {
    const job = await running('suspended');
    await runningPod(job, 0, namespace);
    await change('suspended', { suspend: true });
    await until('suspended', reports('Suspended', 'False'));
    await eventually(
      () => podsOfJob(job, namespace),
      (pods) => pods.length === 0,
      120,
    );
    await eventually(
      async () => jobsOf(await profiled('suspended', namespace)),
      (jobs) => jobs.length === 0,
      120,
    );
  });

  it('takes its Jobs and pods along when it is deleted', async () => {
    const job = await running('removed');
    await runningPod(job, 0, namespace);
    const before = await profiled('removed', namespace);
    await kubectl(['delete', 'modelprofile', 'removed', '-n', namespace, '--cascade=foreground']);
    assert.deepEqual(await jobsOf(before), []);
    assert.deepEqual(await podsOfJob(job, namespace), []);
  });

  it('leaves nothing but sound lines in the log of its operator', () => {
    assert.deepEqual(stage.operator.errors(), []);
  });
});
