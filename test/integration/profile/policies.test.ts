/**
 * The policies of a profile against a real API server, with the operator in a process of its own under the permissions of manifests/operator:
 * waiting for idle GPUs by a DCGM exporter of known truth, schedules, regressions, stale results, reuse. KServe, Job controller and kubelet are
 * played.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import type { CompactPoint } from '../../../src/load/point-code.ts';
import { apply, eventually, kubectl, list } from '../../support/cluster.ts';
import { type FakeExporter, type FakeGpu, startDcgmExporter } from '../../support/dcgm-exporter.ts';
import { installInferenceServices, playStatus, servingStatus } from '../deployment/light-kserve.ts';
import { aModel, deployed, says } from '../deployment/objects.ts';
import { ownControlPlane, Stage } from '../deployment/stage.ts';
import { completeJob, endPod, playPod } from './job-controller.ts';
import { aModelProfile, type Job, jobsOf, messageFor, type Profiled, profiled, profileEvents, reports } from './objects.ts';

const exporters = 'gpu-operator';

describe('the policies of a ModelProfile', () => {
  let plane: ControlPlane | undefined;
  let stage: Stage;
  let namespace: string;
  let exporter: FakeExporter;

  before(async () => {
    plane = await ownControlPlane();
    await installInferenceServices();
    stage = await Stage.start('policies');
    namespace = stage.namespace;
    exporter = await startDcgmExporter([], { address: '127.0.0.71' });
    await apply({
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ServingPlatform',
      metadata: { name: 'default' },
      spec: { benchmark: { maxConcurrentRuns: 20, dcgmExporter: { port: exporter.port } } },
    });
    await kubectl(['create', 'namespace', exporters]);
    await node('gpu-1', { 'nvidia.com/gpu.product': 'Tesla-T4', 'nvidia.com/cuda.driver-version.full': '550.54.15' });
    await node('gpu-2', { 'nvidia.com/gpu.product': 'Tesla-T4' });
    await pod('dcgm-1', exporters, { labels: { app: 'nvidia-dcgm-exporter' }, node: 'gpu-1', ip: exporter.address });
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
    await exporter?.[Symbol.asyncDispose]();
    await plane?.stop();
  });

  const until = (name: string, wanted: (profile: Profiled) => boolean) => eventually(() => profiled(name, namespace), wanted, 120);
  const change = (name: string, spec: object) =>
    kubectl(['patch', 'modelprofile', name, '-n', namespace, '--type=merge', '-p', JSON.stringify({ spec })]);
  const conditionOf = ({ status }: Profiled, type: string) => status?.conditions?.find((one) => one.type === type);
  const has = (type: string, status: string, reason?: string) => (profile: Profiled) => {
    const condition = conditionOf(profile, type);
    return condition?.status === status && (reason === undefined || condition.reason === reason);
  };
  const patchStatus = (kind: string, name: string, at: string | undefined, status: object) =>
    kubectl([
      'patch',
      kind,
      name,
      ...(at === undefined ? [] : ['-n', at]),
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status }),
    ]);

  async function node(name: string, labels: object): Promise<void> {
    await apply({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels } });
    // The API server taints a node that has not said that it is ready.
    await kubectl(['patch', 'node', name, '--type=merge', '-p', JSON.stringify({ spec: { taints: null } })]);
    await patchStatus('node', name, undefined, { allocatable: { 'nvidia.com/gpu': '2', cpu: '8', memory: '32Gi', pods: '110' } });
  }

  interface PodParts {
    readonly labels: Readonly<Record<string, string>>;
    readonly node: string;
    readonly ip: string;
    readonly gpus?: number;
  }
  async function pod(name: string, at: string, { labels, node: nodeName, ip, gpus }: PodParts): Promise<void> {
    const resources = gpus === undefined ? {} : { resources: { limits: { 'nvidia.com/gpu': String(gpus) } } };
    await apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: at, labels },
      spec: { nodeName, containers: [{ name: 'kserve-container', image: 'server:1', ...resources }] },
    });
    const containerStatuses = [
      { name: 'kserve-container', image: 'server:1', imageID: 'server@sha256:1', ready: true, restartCount: 0, state: { running: {} } },
    ];
    const conditions = [{ type: 'Ready', status: 'True' }];
    await patchStatus('pod', name, at, { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions, containerStatuses });
  }

  /** A model of this name that serves, by a pod on the node where one is named. */
  async function serving(name: string, on?: { readonly node: string; readonly gpus?: number }): Promise<void> {
    await apply(aModel(name, namespace));
    await eventually(
      () => deployed(name, namespace),
      ({ status }) => (status?.conditions ?? []).length > 0,
    );
    if (on !== undefined) {
      await pod(`${name}-0`, namespace, { labels: { 'serving.kserve.io/inferenceservice': name }, ip: '10.0.0.9', ...on });
    }
    await eventually(
      () =>
        playStatus(name, namespace, servingStatus(name, namespace)).then(
          () => true,
          () => false,
        ),
      Boolean,
    );
    await eventually(() => deployed(name, namespace), says('Ready', 'True'), 90);
  }

  const faster = (factor: number) => (point: CompactPoint) => ({
    ...point,
    throughputMilliPerSecond: Math.round(point.throughputMilliPerSecond * factor),
    throughputLowMilliPerSecond: Math.round((point.throughputLowMilliPerSecond ?? 0) * factor),
    throughputHighMilliPerSecond: Math.round((point.throughputHighMilliPerSecond ?? 0) * factor),
  });

  /** Lets the run that is under way end with figures that are `factor` times the usual. */
  async function finish(name: string, factor = 1): Promise<Profiled> {
    const running = await until(name, ({ status }) => status?.run?.state === 'Running' && (status.run.jobs ?? []).length > 0);
    const wanted = running.status?.run?.jobs?.at(-1);
    const job = (await jobsOf(running)).find(({ metadata }) => metadata.name === wanted) as Job;
    await endPod(await playPod(job, 0, namespace), namespace, messageFor(job, 0, faster(factor)));
    await completeJob(job, namespace);
    return until(name, ({ status }) => status?.run?.id === running.status?.run?.id && status?.run?.state === 'Complete');
  }

  describe('with an idle policy', () => {
    const idlePolicy = { stableSeconds: 4, waitAtMostSeconds: 600 };
    const own = (use: number, name: string): FakeGpu => ({
      uuid: 'GPU-1',
      namespace,
      pod: `${name}-0`,
      at: (n) => ({ utilization: use, used: 9000 + n, free: 5000 }),
    });
    const foreign: FakeGpu = { uuid: 'GPU-2', namespace: 'x', pod: 'y', at: () => ({ utilization: 100, used: 9000, free: 5000 }) };

    it('waits while the exporter tells that the GPU works, says whose it is, and begins when it has been idle', async () => {
      exporter.show([own(85, 'gpu'), foreign]);
      await serving('gpu', { node: 'gpu-1', gpus: 1 });
      await apply(aModelProfile('gpu', namespace, { target: { modelDeployment: 'gpu' }, idlePolicy }));
      const waiting = await until('gpu', has('Idle', 'False', 'Busy'));
      assert.equal(conditionOf(waiting, 'Ready')?.reason, 'WaitingForIdleGPUs');
      assert.deepEqual(waiting.status?.idle?.busy, [`GPU-1 on node gpu-1, of Pod ${namespace}/gpu-0: 85 % used, more than 5 %`]);
      assert.equal(waiting.status?.idle?.judgedBy, 'Utilization');
      assert.equal((await jobsOf(waiting)).length, 0);

      exporter.show([own(2, 'gpu'), foreign]);
      const begun = await until('gpu', ({ status }) => status?.run?.state === 'Running');
      assert.match(
        conditionOf(begun, 'Idle')?.message ?? '',
        /^The GPUs have been idle for 4 s, judged by the figures of the DCGM exporter$/,
      );
      const [job] = await eventually(
        () => jobsOf(begun),
        ({ length }) => length > 0,
      );
      const { args } = (job as Job).spec.template.spec.containers[0] as { args: readonly string[] };
      const given = (flag: string) => args.flatMap((arg, i) => (arg === flag ? [args[i + 1]] : []));
      assert.deepEqual(given('--dcgm-url'), [exporter.url]);
      assert.deepEqual(given('--gpu-label'), [`namespace=${namespace}`, 'pod=gpu-0']);
      const { status } = await finish('gpu');
      assert.deepEqual(
        [status?.provenance?.gpuUuids, status?.provenance?.gpuProduct, status?.provenance?.gpuDriver, status?.provenance?.nodes],
        [['GPU-1'], 'Tesla-T4', '550.54.15', ['gpu-1']],
      );
      assert.match(status?.gpuSource ?? '', /^none: DCGM exporter gpu-operator\/dcgm-1 on node gpu-1, for Pod gpu-0: it told nothing/);

      await kubectl(['label', 'node', 'gpu-1', '--overwrite', 'nvidia.com/cuda.driver-version.full=570.1.2']);
      const stale = await until('gpu', has('Stale', 'True', 'HardwareChanged'));
      assert.match(conditionOf(stale, 'Stale')?.message ?? '', /GPU driver 550\.54\.15 became 570\.1\.2/);
    });

    it('waits while the exporter does not answer, and gives up with that', async () => {
      exporter.hang(true);
      try {
        await serving('silent', { node: 'gpu-1', gpus: 1 });
        await apply(
          aModelProfile('silent', namespace, {
            target: { modelDeployment: 'silent' },
            idlePolicy: { stableSeconds: 2, waitAtMostSeconds: 12 },
          }),
        );
        const ended = await until('silent', reports('GPUsBusy', 'False'));
        assert.equal(ended.status?.run?.state, 'Failed');
        assert.match(
          conditionOf(ended, 'Stalled')?.message ?? '',
          /^Gave up after 12 s: GPUs of node gpu-1: their use is not known: exporter gpu-operator\/dcgm-1 at 127\.0\.0\.71:\d+ does not answer/,
        );
        assert.equal(ended.status.idle?.state, 'GaveUp');
      } finally {
        exporter.hang(false);
      }
    });

    it('judges by allocation where a node has no exporter, and says so', async () => {
      await serving('bare', { node: 'gpu-2', gpus: 1 });
      await apply(aModelProfile('bare', namespace, { target: { modelDeployment: 'bare' }, idlePolicy }));
      const begun = await until('bare', ({ status }) => status?.run?.state === 'Running');
      assert.match(
        conditionOf(begun, 'Idle')?.message ?? '',
        /judged by what Pods have asked for, since node gpu-2 has no Pod of a DCGM exporter/,
      );
      assert.equal(begun.status?.idle?.judgedBy, 'Allocation');
    });

    it('believes no Pod outside the namespaces of exporters', async () => {
      await node('gpu-3', {});
      await pod('dcgm-forged', namespace, { labels: { app: 'nvidia-dcgm-exporter' }, node: 'gpu-3', ip: exporter.address });
      await serving('forged', { node: 'gpu-3', gpus: 1 });
      await apply(aModelProfile('forged', namespace, { target: { modelDeployment: 'forged' }, idlePolicy }));
      const begun = await until('forged', ({ status }) => status?.run?.state === 'Running');
      assert.match(
        conditionOf(begun, 'Idle')?.message ?? '',
        /since Pod .*\/dcgm-forged on node gpu-3 is in a namespace that spec\.benchmark\.dcgmExporter\.namespaces/,
      );
    });

    it('begins at once for a model without GPU', async () => {
      await serving('cpu', { node: 'gpu-1' });
      await apply(aModelProfile('cpu', namespace, { target: { modelDeployment: 'cpu' }, idlePolicy: {} }));
      const begun = await until('cpu', ({ status }) => status?.run?.state === 'Running');
      assert.equal(conditionOf(begun, 'Idle')?.reason, 'NoGpu');
    });
  });

  it('another Pod on the GPU while it is measured makes the points invalid, names it, and they are measured again', async () => {
    const own = (use: number): FakeGpu => ({
      uuid: 'GPU-1',
      namespace,
      pod: 'tenant-0',
      at: (n) => ({ utilization: use, used: 9000 + n, free: 5000 }),
    });
    exporter.show([own(60)]);
    await serving('tenant', { node: 'gpu-1', gpus: 1 });
    await apply(aModelProfile('tenant', namespace, { target: { modelDeployment: 'tenant' } }));
    const begun = await until('tenant', ({ status }) => status?.run?.state === 'Running' && (status.run.jobs ?? []).length > 0);
    const [job] = (await eventually(
      () => jobsOf(begun),
      ({ length }) => length > 0,
    )) as [Job];
    const load = await playPod(job, 0, namespace);
    exporter.show([
      own(60),
      { uuid: 'GPU-1', namespace: 'other', pod: 'train-0', at: () => ({ utilization: 60, used: 9000, free: 5000 }) },
    ]);
    const { status } = await until('tenant', ({ status: now }) => (now?.run?.disturbances ?? []).length > 0);
    assert.deepEqual(status?.run?.disturbances, [{ job: job.metadata.name, index: 0, reason: 'OtherGpuTenant', pods: ['other/train-0'] }]);
    exporter.show([own(60)]);
    await endPod(load, namespace, messageFor(job, 0));
    await completeJob(job, namespace);
    const spoiled = await until('tenant', ({ status: now }) => (now?.run?.jobs ?? []).length === 2);
    assert.ok(spoiled.status?.results?.every(({ valid, invalidReasons }) => !valid && invalidReasons?.includes('OtherGpuTenant')));
    const done = await finish('tenant');
    const { results = [], run } = done.status ?? {};
    assert.ok(
      results.every(({ valid, repeats }) => valid && repeats === 1),
      JSON.stringify({ results, run }),
    );
  });

  it('a copy of a Dedicated profile is not made before a node of the product has idle GPUs', async () => {
    const spare = (use: number): FakeGpu => ({ uuid: 'GPU-9', at: () => ({ utilization: use, used: 100, free: 15_000 }) });
    await using own = await startDcgmExporter([spare(70)], { address: '127.0.0.72', port: exporter.port });
    await node('gpu-4', { 'nvidia.com/gpu.product': 'L4' });
    await pod('dcgm-4', exporters, { labels: { app: 'nvidia-dcgm-exporter' }, node: 'gpu-4', ip: own.address });
    await serving('copied');
    const sweep = { concurrency: [1], hardware: [{ name: 'l4', gpu: { count: 1, product: 'L4' } }] };
    const idlePolicy = { stableSeconds: 4, waitAtMostSeconds: 600 };
    await apply(aModelProfile('copied', namespace, { target: { modelDeployment: 'copied' }, mode: 'Dedicated', sweep, idlePolicy }));
    const copies = async () =>
      (await list<{ metadata: { name: string } }>('modeldeployment', namespace)).filter(({ metadata }) =>
        metadata.name.startsWith('copied-'),
      );
    const waiting = await until('copied', has('Idle', 'False', 'Busy'));
    assert.match(waiting.status?.hardware?.[0]?.message ?? '', /^Waits for idle GPUs: GPU-9 on node gpu-4: 70 % used, more than 5 %$/);
    assert.deepEqual([waiting.status?.idle?.hardware, (await copies()).length], ['l4', 0]);
    own.show([spare(0)]);
    await eventually(copies, ({ length }) => length === 1, 120);
    await kubectl(['delete', 'modelprofile', 'copied', '-n', namespace, '--wait=false']);
  });

  describe('with a baseline', () => {
    it('says that a run became slower, by condition, event and metric, and when it is over', async () => {
      await serving('slower');
      await apply(aModelProfile('slower', namespace, { target: { modelDeployment: 'slower' }, baseline: { run: 'Last' } }));
      assert.equal(conditionOf(await finish('slower'), 'Regressed')?.reason, 'BaselineMissing');
      await change('slower', { runId: 'two' });
      const worse = await finish('slower', 0.8);
      assert.deepEqual([conditionOf(worse, 'Regressed')?.status, conditionOf(worse, 'Regressed')?.reason], ['True', 'ThroughputFell']);
      assert.match(
        conditionOf(worse, 'Regressed')?.message ?? '',
        /^b2-c1 against b2-c1 of run r[0-9a-f]+: throughput 160\/s \(158 to 162\) after 200\/s \(198 to 202\), 20\.0 % less/,
      );
      assert.equal(worse.status?.history?.length, 2);
      const event = await eventually(
        () => profileEvents('slower', namespace),
        (told) => told.some(({ reason }) => reason === 'Regressed'),
      );
      assert.equal(event.find(({ reason }) => reason === 'Regressed')?.type, 'Warning');
      const series = () => stage.operator.metrics(`modelwright_profile_regressed{namespace="${namespace}",profile="slower"}`);
      await eventually(series, ([line]) => line?.endsWith(' 1') ?? false);
      await change('slower', { runId: 'three' });
      assert.equal(conditionOf(await finish('slower', 0.8), 'Regressed')?.status, 'False');
      await eventually(series, ([line]) => line?.endsWith(' 0') ?? false);
      await eventually(
        () => profileEvents('slower', namespace),
        (told) => told.some(({ reason }) => reason === 'RegressionOver'),
      );
    });

    it('is held against another profile and against fixed figures', async () => {
      const target = { modelDeployment: 'slower' };
      await apply(aModelProfile('other', namespace, { target, baseline: { profile: 'slower' } }));
      assert.equal(conditionOf(await finish('other', 0.5), 'Regressed')?.reason, 'ThroughputFell');
      await apply(aModelProfile('fixed', namespace, { target, baseline: { fixed: { p99Milliseconds: '5', samplesPerSecond: '150' } } }));
      const fixed = conditionOf(await finish('fixed'), 'Regressed');
      assert.deepEqual([fixed?.status, fixed?.reason], ['True', 'LatencyRose']);
    });
  });

  it('results become stale when the model does, and the message says what changed', async () => {
    await serving('aged');
    await apply(aModelProfile('aged', namespace, { target: { modelDeployment: 'aged' } }));
    assert.equal(conditionOf(await finish('aged'), 'Stale')?.reason, 'UpToDate');
    await kubectl([
      'patch',
      'modeldeployment',
      'aged',
      '-n',
      namespace,
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { source: { storageUri: 'gs://bucket/another' } } }),
    ]);
    await eventually(
      () =>
        playStatus('aged', namespace, { ...servingStatus('aged', namespace), observedGeneration: 2 }).then(
          () => deployed('aged', namespace),
          () => deployed('aged', namespace),
        ),
      says('Ready', 'True'),
      90,
    );
    const stale = await until('aged', has('Stale', 'True', 'ModelChanged'));
    assert.match(
      conditionOf(stale, 'Stale')?.message ?? '',
      /^Since the results were measured, storageUri gs:\/\/.* became gs:\/\/bucket\/another\. Change spec\.runId to measure again\.$/,
    );
    assert.equal(conditionOf(stale, 'Ready')?.status, 'True');
    await eventually(
      () => profileEvents('aged', namespace),
      (told) => told.some(({ reason }) => reason === 'Stale'),
    );
  });

  it('an identical run is taken over from another profile, and measured where that is forbidden', async () => {
    await serving('twice', { node: 'gpu-1' });
    const target = { modelDeployment: 'twice' };
    await apply(aModelProfile('twice', namespace, { target }));
    const first = await finish('twice');
    await apply(aModelProfile('twice-again', namespace, { target }));
    const second = await until('twice-again', reports('Measured', 'True'));
    assert.equal(second.status?.run?.reusedFrom, `twice/${first.status?.run?.id}`);
    assert.deepEqual(second.status.results, first.status?.results);
    assert.equal((await jobsOf(second)).length, 0);
    await apply(aModelProfile('twice-never', namespace, { target, reuse: 'Never' }));
    await finish('twice-never');
    assert.equal((await jobsOf(await profiled('twice-never', namespace))).length, 1);
  });

  describe('with a schedule', () => {
    it('that never comes is refused with the field and the remedy', async () => {
      await serving('timed');
      await apply(aModelProfile('never', namespace, { target: { modelDeployment: 'timed' }, schedule: { cron: '0 0 30 2 *' } }));
      const refused = await until('never', has('Stalled', 'True', 'ScheduleInvalid'));
      assert.match(
        conditionOf(refused, 'Ready')?.message ?? '',
        /^spec\.schedule\.cron "0 0 30 2 \*" never comes: no month that it names has such a day/,
      );
    });

    it('begins its runs at their times and measures each', async () => {
      await apply(
        aModelProfile('minutely', namespace, {
          target: { modelDeployment: 'timed' },
          schedule: { cron: '* * * * *', timeZone: 'Europe/Berlin' },
        }),
      );
      const waiting = await until('minutely', ({ status }) => status?.schedule?.nextTime !== undefined);
      assert.equal(waiting.status?.schedule?.schedule, '* * * * * Europe/Berlin');
      const ids = [];
      for (let i = 0; i < 2; i++) {
        const { status } = await finish('minutely');
        assert.equal(status?.run?.trigger, 'Scheduled');
        assert.equal(status?.run?.reusedFrom, undefined);
        ids.push(status?.run?.id);
      }
      assert.notEqual(ids[0], ids[1]);
      await change('minutely', { suspend: true });
      const stopped = await until('minutely', ({ status }) => status?.schedule?.nextTime === undefined);
      assert.ok((stopped.status?.history?.length ?? 0) >= 2);
    });
  });
});
