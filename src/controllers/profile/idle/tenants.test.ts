import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GpuReading } from '../../../load/metrics/gpu-reading.ts';
import type { Run } from '../decision.ts';
import { disturbed } from '../disturbance.ts';
import { renderJob } from '../job/job.ts';
import { chunksOf } from '../plan/chunks.ts';
import { jobPlanOf } from '../plan/job-plan.ts';
import { missingTasks } from '../plan/missing.ts';
import { tasksOf } from '../plan/tasks.ts';
import { podsState } from '../target/target-pods.ts';
import { aLeg, aPod, aProfile, aTarget, aTargetPod, noon, observed, stored } from '../testing/objects.ts';
import type { GpuNode } from './judge.ts';
import { tenantsOf } from './tenants.ts';

const own = new Map([['gpu-1', ['models/iris-0']]]);
const gpu = (id: string, ...pods: string[]): GpuReading => ({ id, product: null, utilizationPercent: 50, memoryUsedPercent: 50, pods });
const node = (change: Partial<GpuNode> = {}): GpuNode => ({
  name: 'gpu-1',
  exporter: { kind: 'None', why: 'no exporter' },
  allocatable: 4,
  shared: false,
  holders: [
    { pod: 'models/iris-0', gpus: 1 },
    { pod: 'other/train-0', gpus: 1 },
  ],
  ...change,
});
const read = (...gpus: GpuReading[]): GpuNode['exporter'] => ({ kind: 'Read', pod: 'x', url: 'http://x', gpus });

describe('other Pods on the GPUs of a model', () => {
  it('are none where each Pod has its GPU to itself', () => {
    assert.deepEqual(tenantsOf(own, [node()]), []);
    assert.deepEqual(tenantsOf(own, [node({ exporter: read(gpu('GPU-1', 'models/iris-0'), gpu('GPU-2', 'other/train-0')) })]), []);
  });

  it('are those that the exporter names on the same GPU', () => {
    const exporter = read(gpu('GPU-1', 'models/iris-0', 'other/train-0'), gpu('GPU-2', 'other/else-0'));
    assert.deepEqual(tenantsOf(own, [node({ exporter })]), ['other/train-0']);
  });

  it('are none on another slice of it', () => {
    assert.deepEqual(tenantsOf(own, [node({ exporter: read(gpu('GPU-1/3', 'models/iris-0'), gpu('GPU-1/4', 'other/train-0')) })]), []);
    assert.deepEqual(tenantsOf(own, [node({ exporter: read(gpu('GPU-1/3', 'models/iris-0', 'other/train-0')) })]), ['other/train-0']);
  });

  it('are whoever asked for one where GPUs are shared, less those that are seen elsewhere', () => {
    assert.deepEqual(tenantsOf(own, [node({ shared: true })]), ['other/train-0']);
    const elsewhere = read(gpu('GPU-1', 'models/iris-0'), gpu('GPU-2', 'other/train-0'));
    assert.deepEqual(tenantsOf(own, [node({ shared: true, exporter: elsewhere })]), []);
    const unnamed = read(gpu('GPU-1', 'models/iris-0'));
    assert.deepEqual(tenantsOf(own, [node({ shared: true, exporter: unnamed })]), ['other/train-0']);
    assert.deepEqual(tenantsOf(new Map(), [node({ shared: true })]), []);
  });
});

describe('a Pod that comes to the GPU while it is measured', () => {
  const profile = aProfile();
  const tasks = tasksOf(profile.spec);
  const chunks = chunksOf(tasks);
  const settings = { image: 'x', cpus: 2, maxConcurrentRuns: 1 };
  const job = stored(
    renderJob({
      profile,
      run: 'r0123456789a',
      attempt: 0,
      target: aTarget(),
      chunks,
      plan: jobPlanOf(chunks, []),
      settings,
      deadlineSeconds: 60,
    }),
  );
  const legs = [aLeg([aTargetPod({ gpus: 1 })])];
  const run: Run = {
    id: 'r0123456789a',
    state: 'Running',
    specHash: 'x',
    queuedTime: '2026-11-21T12:00:00Z',
    targetState: podsState(legs[0]?.pods ?? []),
  };
  const look = (before: Run, pods: readonly string[], at = noon + 5000) =>
    disturbed(before, [job], [], { ...observed(profile, { legs, pods: [aPod(job, 0)] }), gpu: { holds: [], tenants: { pods, at } } });

  it('marks what is under way, and says which it is', () => {
    assert.deepEqual(look(run, ['other/train-0']).disturbances, [
      { job: job.metadata.name, index: 0, reason: 'OtherGpuTenant', pods: ['other/train-0'] },
    ]);
    assert.equal(look(run, []).disturbances, undefined);
    assert.equal(look(run, ['other/train-0'], noon + 999).disturbances, undefined, 'seen before the load pod was there');
  });

  it('is none of those that were there when the run began', () => {
    const live: Run = { ...run, gpuTenants: ['other/train-0'] };
    assert.equal(look(live, ['other/train-0']).disturbances, undefined);
    assert.deepEqual(look(live, ['other/late-0', 'other/train-0']).disturbances?.[0]?.pods, ['other/late-0']);
  });

  it('has its points repeated within the budget, and not beyond', () => {
    const spoiled = (repeats: number) =>
      tasks.map(({ id, batchSize }) => ({
        id,
        batchSize,
        requests: 1,
        errors: 0,
        requestsPerSecondMeasured: '1',
        samplesPerSecond: '1',
        valid: false,
        invalidReasons: ['OtherGpuTenant'],
        repeats,
        completedAt: '2026-11-21T12:00:40Z',
      }));
    assert.equal(missingTasks(tasks, spoiled(0), 1).length, tasks.length);
    assert.equal(missingTasks(tasks, spoiled(1), 1).length, 0);
  });
});
