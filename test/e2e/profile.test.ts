/** A ModelProfile whose load pods run on the node beside the model that they measure. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { ModelProfile } from '../../src/api/model-profile/index.ts';
import { apply, controlPlane, eventually, get, kubectl, list } from '../support/cluster.ts';
import { startGpus, type Tell } from './support/gpus.ts';
import { deploy, predictors, untilReady } from './support/model.ts';
import { makeDoubler } from './support/triton-model.ts';
import { digestOf, modelsNamespace, push, useModels } from './support/world.ts';

interface LoadPod {
  readonly metadata: { readonly name: string; readonly ownerReferences?: readonly { readonly kind: string }[] };
  readonly spec: {
    readonly nodeName?: string;
    readonly automountServiceAccountToken?: boolean;
    readonly containers: readonly { readonly resources: { readonly limits?: { readonly cpu?: string } } }[];
  };
  readonly status: {
    readonly containerStatuses?: readonly {
      readonly imageID: string;
      readonly state: { readonly terminated?: { readonly message?: string } };
    }[];
  };
}

describe('a profile of a model that serves', () => {
  const models = useModels();
  before(async () => {
    await deploy(models.namespace, 'iris', { storageUri: await push(models.sources.SKLearn) });
    await untilReady(models.namespace, 'iris');
  });

  it('is measured by pods of a Job, whose results arrive in its status', async () => {
    await apply({
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ModelProfile',
      metadata: { name: 'iris', namespace: models.namespace },
      spec: {
        target: { modelDeployment: 'iris' },
        placement: 'SameNode',
        payload: { json: '{"instances": [[5.1, 3.5, 1.4, 0.2]]}' },
        sweep: { concurrency: [1, 2] },
        load: { warmupSeconds: 1, durationSeconds: 5 },
      },
    });
    const { status } = await eventually(
      () => get<ModelProfile>('modelprofile', 'iris', models.namespace),
      (profile) => ['Complete', 'Failed', 'Cancelled'].includes(profile.status?.run?.state ?? ''),
      420,
    );
    assert.equal(status?.run?.state, 'Complete', JSON.stringify(status));
    assert.deepEqual(status?.results?.map(({ concurrency }) => concurrency).sort(), [1, 2]);
    for (const result of status?.results ?? []) {
      assert.ok(result.requests > 0, JSON.stringify(result));
      assert.equal(result.errors, 0, JSON.stringify(result));
      // On a busy machine a point may be marked as not to be believed; then it says why.
      assert.ok(result.valid || (result.invalidReasons?.length ?? 0) > 0, JSON.stringify(result));
    }
    // Which is best and why, or why none is: in the status, and in a sentence for people.
    const said = status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
    const isFound = status?.results?.some(({ valid }) => valid) === true;
    assert.match(said, isFound ? /^2 points measured.*; best is .+: .+/ : /^2 points measured, 2 of them not valid; .+/);
    assert.equal(status?.best?.reason !== undefined, isFound, JSON.stringify(status?.best));
  });

  it('has load pods of the operator’s image, on the model’s node, with the core that the platform gives them and no token', async () => {
    const pods = (await list<LoadPod>('pods', models.namespace)).filter(({ metadata }) => metadata.ownerReferences?.[0]?.kind === 'Job');
    assert.ok(pods.length > 0);
    for (const { spec, status } of pods) {
      assert.equal(spec.automountServiceAccountToken, false);
      assert.deepEqual([spec.nodeName, spec.containers[0]?.resources.limits?.cpu], [controlPlane().record.node?.name, '1']);
      assert.ok(status.containerStatuses?.[0]?.imageID.endsWith(digestOf('modelwright')));
      assert.ok((status.containerStatuses?.[0]?.state.terminated?.message?.length ?? 0) > 0);
    }
  });
});

describe('a profile of a model with a GPU that waits for it to be idle', () => {
  let folder: string;
  let namespace: Awaited<ReturnType<typeof modelsNamespace>>;
  let tell: Tell;
  let pod: string;
  before(async () => {
    folder = await makeDoubler();
    namespace = await modelsNamespace();
    tell = await startGpus(controlPlane(), 2);
    await deploy(namespace.name, 'double', { storageUri: await push(folder), runtime: 'Triton', memory: '768Mi', gpus: 1 });
    await untilReady(namespace.name, 'double');
    pod = (await predictors(namespace.name, 'double'))[0]?.metadata.name ?? '';
  });
  after(async () => {
    await namespace?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const profile = () => get<ModelProfile>('modelprofile', 'double', namespace.name);
  const idle = ({ status }: ModelProfile) => status?.conditions?.find(({ type }) => type === 'Idle');
  /** The model's own GPU works this much, at one question after the other; that of somebody else always. */
  const works = (...percent: number[]) =>
    tell([
      {
        uuid: 'GPU-fake-0',
        pod,
        namespace: namespace.name,
        tells: percent.map((utilization, i) => ({ utilization, used: 4000 + i, free: 12_000 - i, power: 50 })),
      },
      { uuid: 'GPU-fake-1', pod: 'other', namespace: 'others', tells: [{ utilization: 100, used: 1, free: 1 }] },
    ]);

  it('waits while the exporter tells that it works, and says by how much', async () => {
    await works(85);
    await apply({
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ModelProfile',
      metadata: { name: 'double', namespace: namespace.name },
      spec: {
        target: { modelDeployment: 'double' },
        placement: 'SameNode',
        idlePolicy: { stableSeconds: 3, waitAtMostSeconds: 600 },
        payload: { json: '{"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}]}' },
        sweep: { concurrency: [1] },
        load: { warmupSeconds: 1, durationSeconds: 6 },
      },
    });
    const waiting = await eventually(profile, (seen) => idle(seen)?.reason === 'Busy', 120);
    assert.deepEqual(waiting.status?.idle?.busy, [
      `GPU-fake-0 on node ${controlPlane().record.node?.name}, of Pod ${namespace.name}/${pod}: 85 % used, more than 5 %`,
    ]);
    assert.deepEqual(await list('jobs', namespace.name), []);
  });

  it('begins when it is idle, and has what the exporter told in the columns of its results', async () => {
    // No pod more: that of the Job does not come before the exporter tells what it is to measure.
    const full = {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'full', namespace: namespace.name },
      spec: { hard: { pods: '0' } },
    };
    await apply(full);
    await works(0, 1);
    await eventually(profile, ({ status }) => (status?.run?.jobs ?? []).length > 0, 120);
    await works(40, 60);
    await kubectl(['delete', 'resourcequota', 'full', '-n', namespace.name]);
    const { status } = await eventually(
      profile,
      ({ status }) => ['Complete', 'Failed', 'Cancelled'].includes(status?.run?.state ?? ''),
      420,
    );
    assert.equal(status?.run?.state, 'Complete', JSON.stringify(status));
    assert.deepEqual(
      [status?.provenance?.gpuUuids, status?.provenance?.gpuProduct, status?.provenance?.gpuDriver],
      [['GPU-fake-0'], 'Fake-GPU', '1.2.3'],
    );
    assert.match(status?.gpuSource ?? '', /^DCGM exporter gpu-operator\/fake-dcgm-exporter/);
    const [{ gpu } = { gpu: undefined }] = status?.results ?? [];
    assert.ok(Number(gpu?.utilizationPercent) >= 40 && Number(gpu?.utilizationPercent) <= 60, JSON.stringify(status?.results));
    assert.deepEqual([Number(gpu?.utilizationMaxPercent), gpu?.memoryTotalMebibytes, Number(gpu?.powerWatts)], [60, 16_000, 50]);
  });
});
