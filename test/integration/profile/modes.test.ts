/** Copies and promotion gates against a real API server: what can be decided and refused without a KServe behind it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import type { ModelDeployment } from '../../../src/api/model-deployment/index.ts';
import { auditMark, auditSince, isWrite } from '../../support/audit.ts';
import { apply, eventually, get, kubectl, list } from '../../support/cluster.ts';
import { installInferenceServices, playStatus, servingStatus } from '../deployment/light-kserve.ts';
import { aModel, deployed, says, serviceIfAny, serviceOf } from '../deployment/objects.ts';
import { operatorUser } from '../deployment/operator-process.ts';
import { ownControlPlane, Stage } from '../deployment/stage.ts';
import { aModelProfile, type Profiled, profiled, reports } from './objects.ts';

describe('copies and candidates', () => {
  let plane: ControlPlane | undefined;
  let stage: Stage;
  let namespace: string;

  before(async () => {
    plane = await ownControlPlane();
    await installInferenceServices();
    await apply([node('worker', {}), node('gpu', { 'nvidia.com/gpu.product': 'Tesla-T4' })]);
    await offer('worker', { cpu: '8' });
    await offer('gpu', { cpu: '8', 'nvidia.com/gpu': '1' });
    stage = await Stage.start('modes');
    namespace = stage.namespace;
    await apply({
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ServingPlatform',
      metadata: { name: 'default' },
      spec: { benchmark: { maxConcurrentRuns: 20 } },
    });
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
    await plane?.stop();
  });

  const until = (name: string, wanted: (profile: Profiled) => boolean) => eventually(() => profiled(name, namespace), wanted, 120);
  const untilDeployed = (name: string, type: string, status: string, reason?: string) =>
    eventually(() => deployed(name, namespace), says(type, status, reason), 120);
  const dedicated = (name: string, model: string, sweep: object) =>
    apply(aModelProfile(name, namespace, { target: { modelDeployment: model }, mode: 'Dedicated', sweep: { concurrency: [1], ...sweep } }));
  const states = ({ status }: Profiled) => (status?.hardware ?? []).map(({ name, state }) => `${name} ${state}`);
  const remove = (kind: string, name: string) => kubectl(['delete', kind, name, '-n', namespace, '--ignore-not-found']);
  async function temporaries(): Promise<ModelDeployment[]> {
    const all = await list<ModelDeployment>('modeldeployments', namespace);
    return all.filter(({ metadata }) => metadata.labels?.['modelwright.dev/temporary'] !== undefined);
  }

  /** Makes a model and plays KServe until it serves. */
  async function serving(name: string, spec: object = {}): Promise<void> {
    await apply(aModel(name, namespace, spec));
    await eventually(() => serviceIfAny(name, namespace), Boolean);
    await playStatus(name, namespace, servingStatus(name, namespace));
    await untilDeployed(name, 'Ready', 'True');
  }

  it('goes on with the next entry when the API server refuses a copy, and says what it said', async () => {
    await serving('binary', { runtime: { type: 'SKLearn', protocol: 'V2' } });
    try {
      await dedicated('refused', 'binary', { hardware: [{ name: 'batched', batching: { maxBatchSize: 8 } }, { name: 'plain' }] });
      const profile = await until(
        'refused',
        (one) => states(one).join() === 'batched Failed,plain Preparing' && one.status?.hardware?.[1]?.modelDeployment !== undefined,
      );
      assert.match(profile.status?.hardware?.[0]?.message ?? '', /^The API server refused the copy: .*spec\.batching needs protocol V1/);
      const [copy, ...others] = await temporaries();
      assert.deepEqual(others, []);
      assert.match(copy?.metadata.annotations?.['modelwright.dev/deadline'] ?? '', /^20\d\d-/);
    } finally {
      await remove('modelprofile', 'refused');
      for (const { metadata } of await temporaries()) await remove('modeldeployment', metadata.name);
    }
  });

  it('takes each GPU product of the cluster', async () => {
    await serving('auto');
    try {
      await dedicated('auto', 'auto', { hardwareSelection: 'Auto' });
      const profile = await until('auto', (one) => states(one).length > 0);
      assert.deepEqual(states(profile), ['tesla-t4 Preparing']);
      const [copy] = await eventually(temporaries, (copies) => copies.length > 0);
      assert.deepEqual(copy?.spec.gpu, { count: 1, product: 'Tesla-T4', resourceName: 'nvidia.com/gpu' });
    } finally {
      await remove('modelprofile', 'auto');
      for (const { metadata } of await temporaries()) await remove('modeldeployment', metadata.name);
    }
  });

  it('says which hardware there is not', async () => {
    await serving('lacking');
    try {
      await dedicated('lacking', 'lacking', { hardware: [{ name: 'many', gpu: { count: 4, product: 'Tesla-T4' } }] });
      const lacking = await until('lacking', reports('HardwareUnavailable'));
      assert.match(
        lacking.status?.run?.message ?? '',
        /many \(No node with nvidia\.com\/gpu\.product=Tesla-T4 offers 4 nvidia\.com\/gpu; the most that one offers is 1\)/,
      );
      assert.deepEqual(await temporaries(), []);
    } finally {
      await remove('modelprofile', 'lacking');
    }
  });

  it('writes nothing while a copy is waited for', async () => {
    await serving('quiet');
    try {
      await dedicated('quiet', 'quiet', { hardware: [{ name: 'cpu', gpu: { count: 0 } }] });
      await until('quiet', (one) => one.status?.hardware?.[0]?.modelDeployment !== undefined);
      await new Promise((done) => setTimeout(done, 8000));
      const mark = auditMark();
      await new Promise((done) => setTimeout(done, 5000));
      const writes = await auditSince(
        mark,
        (event) => isWrite(event) && event.user.username === operatorUser && event.objectRef?.namespace === namespace,
      );
      assert.deepEqual(
        writes.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
        [],
      );
    } finally {
      await remove('modelprofile', 'quiet');
      for (const { metadata } of await temporaries()) await remove('modeldeployment', metadata.name);
    }
  });

  describe('a gate', () => {
    const gate = { rollout: { gate: { profile: 'strict' } } };
    const objective = { latency: [{ percentile: 'p99', maxMilliseconds: 100 }] };

    it('that is set on a model that serves trusts it, says what it lacks, and holds the next one back', async () => {
      await serving('gated');
      const change = (spec: object) =>
        kubectl(['patch', 'modeldeployment', 'gated', '-n', namespace, '--type=merge', '-p', JSON.stringify({ spec })]);
      await change(gate);
      await untilDeployed('gated', 'Promoted', 'True', 'AlreadyServing');
      const before = await serviceOf('gated', namespace);

      await change({ source: { storageUri: 'gs://bucket/other' }, scaling: { minReplicas: 2, maxReplicas: 2 } });
      await untilDeployed('gated', 'Promoted', 'False', 'GateProfileNotFound');
      await apply(aModelProfile('strict', namespace, { target: { modelDeployment: 'gated' }, suspend: true }));
      await untilDeployed('gated', 'Promoted', 'False', 'GateProfileWithoutObjective');
      await kubectl(['patch', 'modelprofile', 'strict', '-n', namespace, '--type=merge', '-p', JSON.stringify({ spec: { objective } })]);
      await untilDeployed('gated', 'Promoted', 'Unknown', 'CandidatePreparing');

      const [shadow] = await eventually(temporaries, (found) => found.length > 0);
      assert.equal(shadow?.spec.source.storageUri, 'gs://bucket/other');
      const held = await serviceOf('gated', namespace);
      assert.equal(held.spec.predictor.model['storageUri'], before.spec.predictor.model['storageUri']);
      assert.equal(held.spec.predictor['minReplicas'], 2);

      // Its shadow serves: the profile that measures it is made, and no other.
      const name = shadow?.metadata.name ?? '';
      await eventually(() => serviceIfAny(name, namespace), Boolean);
      await playStatus(name, namespace, servingStatus(name, namespace));
      const profile = await eventually(
        () => get<Profiled>('modelprofile', name, namespace).catch(() => undefined),
        (found) => found !== undefined,
      );
      assert.deepEqual(profile?.spec.target, { modelDeployment: name });
      assert.equal(profile?.spec.suspend, undefined);

      // Around the gate is one field, and nothing of the candidate stays.
      await change({ rollout: null });
      await eventually(
        () => serviceOf('gated', namespace),
        ({ spec }) => spec.predictor.model['storageUri'] === 'gs://bucket/other',
      );
      await eventually(temporaries, (left) => left.length === 0);
      const model = await deployed('gated', namespace);
      assert.equal(
        model.status?.conditions?.find(({ type }) => type === 'Promoted'),
        undefined,
      );
    });
  });
});

function node(name: string, labels: object): object {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } };
}

async function offer(name: string, allocatable: object): Promise<void> {
  const status = { allocatable, capacity: allocatable };
  await kubectl(['patch', 'node', name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]);
  // A new node is tainted until its kubelet reports.
  await kubectl(['taint', 'node', name, 'node.kubernetes.io/not-ready:NoSchedule-']).catch(() => undefined);
}
