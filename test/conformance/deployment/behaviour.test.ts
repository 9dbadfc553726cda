/** What the operator promises its users, on the real KServe and Knative with fake nodes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  aModel,
  conditionOf,
  deployed,
  eventsOf,
  type Service,
  says,
  serviceIfAny,
  serviceOf,
} from '../../integration/deployment/objects.ts';
import { operatorUser } from '../../integration/deployment/operator-process.ts';
import { Stage } from '../../integration/deployment/stage.ts';
import { type AuditEvent, auditMark, auditSince, isWrite } from '../../support/audit.ts';
import { apply, eventually, get, kubectl } from '../../support/cluster.ts';

describe('the operator with KServe and Knative', () => {
  let stage: Stage;
  let namespace: string;

  before(async () => {
    stage = await Stage.start('behaviour');
    namespace = stage.namespace;
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const make = (name: string, spec: object = {}) => apply(aModel(name, namespace, spec));
  const until = (name: string, type: string, status: string, reason?: string) =>
    eventually(() => deployed(name, namespace), says(type, status, reason), 180);
  const change = (name: string, spec: object) =>
    kubectl(['patch', 'modeldeployment', name, '-n', namespace, '--type=merge', '-p', JSON.stringify({ spec })]);
  const patchService = (name: string, patch: object) =>
    kubectl(['patch', 'inferenceservice', name, '-n', namespace, '--type=merge', '-p', JSON.stringify(patch)]);

  async function serving(name: string, spec: object = {}): Promise<void> {
    await make(name, spec);
    await until(name, 'Ready', 'True');
  }

  it('writes nothing at rest for a hundred models, with KServe’s own defaults in play', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `rest-${index}`);
    await apply(names.map((name) => aModel(name, namespace, { resources: { requests: { cpu: '10m', memory: '1Mi' } } })));
    for (const name of names) await eventually(() => deployed(name, namespace), says('Ready', 'True'), 600);
    await sleep(8000);
    const mark = auditMark();
    await sleep(30_000);
    assert.deepEqual(await operatorWrites(mark, namespace), []);

    // A restart reads everything anew, and finds everything as it should be.
    const before = await Promise.all(names.slice(0, 5).map((name) => serviceOf(name, namespace)));
    const restart = auditMark();
    await stage.restart();
    await sleep(10_000);
    assert.deepEqual(
      (await operatorWrites(restart, namespace)).filter((write) => write.includes('inferenceservices')),
      [],
    );
    const after = await Promise.all(names.slice(0, 5).map((name) => serviceOf(name, namespace)));
    assert.deepEqual(after.map(generationOf), before.map(generationOf));
    await kubectl(['delete', 'modeldeployment', '-n', namespace, ...names]);
  });

  it('puts back what it owns, says so, and leaves alone what it does not own', async () => {
    await serving('drifts', { scaling: { minReplicas: 1, maxReplicas: 3 } });
    await patchService('drifts', { spec: { predictor: { maxReplicas: 9, timeout: 120 } } });
    const service = await eventually(
      () => serviceOf('drifts', namespace),
      ({ spec }) => spec.predictor['maxReplicas'] === 3,
    );
    assert.equal(service.spec.predictor['timeout'], 120);
    const told = await eventually(
      () => eventsOf('drifts', namespace),
      (events) => events.some(({ reason }) => reason === 'DriftCorrected'),
    );
    assert.match(told.find(({ reason }) => reason === 'DriftCorrected')?.message ?? '', /put back: spec\.predictor\.maxReplicas/);
  });

  it('leaves a foreign InferenceService alone, also when the ModelDeployment of its name is deleted', async () => {
    await apply({
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: { name: 'theirs', namespace },
      spec: { predictor: { model: { modelFormat: { name: 'sklearn' }, storageUri: 'gs://bucket/theirs' } } },
    });
    const before = await serviceOf('theirs', namespace);
    await make('theirs');
    await until('theirs', 'Stalled', 'True', 'InferenceServiceNotOurs');
    await kubectl(['delete', 'modeldeployment', 'theirs', '-n', namespace]);
    await sleep(2000);
    assert.deepEqual(generationOf(await serviceOf('theirs', namespace)), generationOf(before));
  });

  for (const deploymentMode of ['Standard', 'Knative']) {
    const mode = deploymentMode.toLowerCase();

    it(`stops a model on request and lets it serve again, in ${deploymentMode} mode`, async () => {
      const name = `suspends-${mode}`;
      await serving(name, { deploymentMode });
      await change(name, { suspend: true });
      await until(name, 'Ready', 'False', 'Suspended');
      await eventually(
        () => podCount(name),
        (count) => count === 0,
        180,
      );
      await change(name, { suspend: false });
      await until(name, 'Ready', 'True');
    });

    it(`rolls a change of the spec forward, in ${deploymentMode} mode`, async () => {
      const name = `rolls-${mode}`;
      await serving(name, { deploymentMode });
      await change(name, { source: { storageUri: 'gs://bucket/iris-2' } });
      const model = await until(name, 'Ready', 'True');
      assert.equal(model.status?.observedGeneration, 2);
      assert.equal((await serviceOf(name, namespace)).spec.predictor.model['storageUri'], 'gs://bucket/iris-2');
    });
  }

  it('passes a canary’s share of the traffic on to KServe', async () => {
    await serving('canary', { deploymentMode: 'Knative' });
    await change('canary', { source: { storageUri: 'gs://bucket/iris-2' }, rollout: { canaryTrafficPercent: 10 } });
    interface WithTraffic {
      readonly status?: { readonly components?: { readonly predictor?: { readonly traffic?: readonly { readonly percent?: number }[] } } };
    }
    const service = await eventually(
      () => get<WithTraffic>('inferenceservice', 'canary', namespace),
      ({ status }) => (status?.components?.predictor?.traffic ?? []).length > 1,
      180,
    );
    assert.deepEqual(
      service.status?.components?.predictor?.traffic?.map(({ percent }) => percent).toSorted((a = 0, b = 0) => a - b),
      [10, 90],
    );
  });

  it('explains a GPU that cannot be placed, and recovers when the request is lowered', async () => {
    await make('greedy', { runtime: { type: 'Triton' }, gpu: { count: 8 } });
    const model = await until('greedy', 'Ready', 'False', 'Unschedulable');
    assert.match(conditionOf(model, 'Ready')?.message ?? '', /nvidia\.com\/gpu/);
    // An autoscaler may bring a node that has room.
    assert.equal(conditionOf(model, 'Reconciling')?.status, 'True');
    assert.equal(conditionOf(model, 'Stalled'), undefined);
    assert.equal(model.status?.lastError?.stage, 'Scheduling');
    const told = await eventually(
      () => eventsOf('greedy', namespace),
      (events) => events.some(({ type }) => type === 'Warning'),
    );
    assert.equal(told.filter(({ type }) => type === 'Warning').length, 1);
    await change('greedy', { gpu: { count: 1 } });
    const recovered = await until('greedy', 'Ready', 'True');
    assert.equal(recovered.status?.lastError, undefined);
    await kubectl(['delete', 'modeldeployment', 'greedy', '-n', namespace]);
  });

  it('takes away what it made, when the ModelDeployment is deleted in the foreground', async () => {
    await serving('goes');
    await kubectl(['delete', 'modeldeployment', 'goes', '-n', namespace, '--cascade=foreground', '--timeout=120s']);
    assert.equal(await serviceIfAny('goes', namespace), undefined);
    await eventually(
      () => podCount('goes'),
      (count) => count === 0,
      120,
    );
  });

  it('wrote no error to its log', () => assert.deepEqual(stage.operator.errors(), []));

  async function podCount(name: string): Promise<number> {
    const output = await kubectl(['get', 'pods', '-n', namespace, '-l', `serving.kserve.io/inferenceservice=${name}`, '-o', 'name']);
    return output.split('\n').filter(Boolean).length;
  }
});

/** This operator's own writes since the mark: `patch /apis/…`. Other test files have operators of their own, for other namespaces. */
async function operatorWrites(mark: number, namespace: string): Promise<string[]> {
  const own = (event: AuditEvent) => isWrite(event) && event.user.username === operatorUser && event.objectRef?.namespace === namespace;
  return (await auditSince(mark, own)).map(({ verb, requestURI }) => `${verb} ${requestURI}`);
}

function generationOf({ metadata, spec }: Service): unknown {
  return [metadata.uid, spec];
}
