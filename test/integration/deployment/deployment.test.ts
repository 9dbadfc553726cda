/** What the operator does about ModelDeployments, on a real API server. KServe's part, the status of InferenceServices, is played by hand. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { auditMark, auditSince, isWrite } from '../../support/audit.ts';
import { apply, eventually, kubectl } from '../../support/cluster.ts';
import { installInferenceServices, playStatus, servingStatus } from './light-kserve.ts';
import { aModel, conditionOf, deployed, eventsOf, managersOf, says, serviceIfAny, serviceOf } from './objects.ts';
import { operatorUser } from './operator-process.ts';
import { Stage } from './stage.ts';

describe('the operator', () => {
  let stage: Stage;
  let namespace: string;

  before(async () => {
    await installInferenceServices();
    stage = await Stage.start('deployment');
    namespace = stage.namespace;
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const make = (name: string, spec: object = {}) => apply(aModel(name, namespace, spec));
  const until = (name: string, type: string, status: string, reason?: string) =>
    eventually(() => deployed(name, namespace), says(type, status, reason));

  /** Makes a model and plays KServe until it serves. */
  async function serving(name: string, spec: object = {}): Promise<void> {
    await make(name, spec);
    await eventually(
      () => serviceIfAny(name, namespace),
      (service) => service !== undefined,
    );
    await playStatus(name, namespace, servingStatus(name, namespace));
    await until(name, 'Ready', 'True');
  }

  it('makes an InferenceService that the ModelDeployment owns, by server-side apply', async () => {
    await make('made');
    const model = await until('made', 'Reconciling', 'True');
    const { metadata, spec } = await serviceOf('made', namespace);
    assert.deepEqual(
      metadata.ownerReferences?.map(({ uid, controller }) => [uid, controller]),
      [[model.metadata.uid, true]],
    );
    assert.deepEqual(await managersOf('inferenceservice', 'made', namespace), ['modelwright Apply']);
    assert.equal(spec.predictor.model['storageUri'], 'gs://bucket/iris');
    assert.equal(model.status?.deploymentMode, 'Standard');
  });

  it('passes on that a model serves: condition, address, first time of serving, one event', async () => {
    await serving('serves');
    const model = await deployed('serves', namespace);
    assert.equal(model.status?.addresses?.external?.url, `http://serves-${namespace}.example.com`);
    assert.match(model.status?.firstReadyTime ?? '', /^\d{4}-/);
    assert.equal(conditionOf(model, 'Reconciling'), undefined);
    assert.equal(conditionOf(model, 'Stalled'), undefined);
    const told = await eventually(
      () => eventsOf('serves', namespace),
      (events) => events.some(({ reason }) => reason === 'Ready'),
    );
    assert.deepEqual(told.map(({ reason }) => reason).sort(), ['InferenceServiceCreated', 'Ready']);
  });

  it('writes nothing at rest, though time passes and KServe repeats itself', async () => {
    await serving('rests');
    // KServe's write that changes nothing below is a change of the object all the same.
    await new Promise((done) => setTimeout(done, 6000));
    const mark = auditMark();
    await playStatus('rests', namespace, { noise: 1 });
    await playStatus('rests', namespace, { noise: 2 });
    await new Promise((done) => setTimeout(done, 3000));
    const writes = await auditSince(
      mark,
      (event) => isWrite(event) && event.user.username === operatorUser && event.objectRef?.namespace === namespace,
    );
    assert.deepEqual(
      writes.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
      [],
    );
  });

  it('puts back a field of ours that somebody changed, says so, and leaves theirs alone', async () => {
    await serving('drifts', { scaling: { minReplicas: 1, maxReplicas: 3 } });
    await kubectl(['label', 'inferenceservice', 'drifts', '-n', namespace, 'team=vision']);
    const patch = { spec: { predictor: { maxReplicas: 9, timeout: 120 } } };
    await kubectl(['patch', 'inferenceservice', 'drifts', '-n', namespace, '--type=merge', '-p', JSON.stringify(patch)]);
    const service = await eventually(
      () => serviceOf('drifts', namespace),
      ({ spec }) => spec.predictor['maxReplicas'] === 3,
    );
    assert.equal(service.spec.predictor['timeout'], 120);
    assert.equal(service.metadata.labels?.['team'], 'vision');
    const told = await eventually(
      () => eventsOf('drifts', namespace),
      (events) => events.some(({ reason }) => reason === 'DriftCorrected'),
    );
    assert.match(told.find(({ reason }) => reason === 'DriftCorrected')?.message ?? '', /spec\.predictor\.maxReplicas/);
  });

  it('does not race with somebody who wants one of its fields for themselves', async () => {
    await serving('fought', { scaling: { minReplicas: 1, maxReplicas: 3 } });
    const mark = auditMark();
    const until = Date.now() + 5000;
    while (Date.now() < until) {
      const patch = { spec: { predictor: { maxReplicas: 9 } } };
      await kubectl(['patch', 'inferenceservice', 'fought', '-n', namespace, '--type=merge', '-p', JSON.stringify(patch)]);
    }
    const writes = await auditSince(
      mark,
      (event) =>
        isWrite(event) &&
        event.user.username === operatorUser &&
        event.objectRef?.namespace === namespace &&
        event.objectRef.resource === 'inferenceservices',
    );
    assert.ok(writes.length >= 1 && writes.length <= 4, `${writes.length} writes in 5 s`);
    await eventually(
      () => serviceOf('fought', namespace),
      ({ spec }) => spec.predictor['maxReplicas'] === 3,
    );
  });

  it('makes an InferenceService again that somebody deleted', async () => {
    await serving('deleted');
    const { metadata } = await serviceOf('deleted', namespace);
    await kubectl(['delete', 'inferenceservice', 'deleted', '-n', namespace]);
    await eventually(
      () => serviceIfAny('deleted', namespace),
      (service) => service !== undefined && service.metadata.uid !== metadata.uid,
    );
  });

  it('rolls a change of the spec forward, and is not ready by what the status said before', async () => {
    await serving('rolls');
    await kubectl([
      'patch',
      'modeldeployment',
      'rolls',
      '-n',
      namespace,
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { source: { storageUri: 'gs://bucket/iris-2' } } }),
    ]);
    await until('rolls', 'Reconciling', 'True');
    assert.equal((await serviceOf('rolls', namespace)).spec.predictor.model['storageUri'], 'gs://bucket/iris-2');
  });

  it('leaves an InferenceService alone that it did not make, until its owner lets it be taken over', async () => {
    const foreign = {
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: { name: 'theirs', namespace },
      spec: { predictor: { model: { modelFormat: { name: 'sklearn' }, storageUri: 'gs://bucket/theirs' } } },
    };
    await apply(foreign);
    const before = await serviceOf('theirs', namespace);
    await make('theirs');
    const model = await until('theirs', 'Stalled', 'True', 'InferenceServiceNotOurs');
    assert.match(conditionOf(model, 'Ready')?.message ?? '', /kubectl annotate inferenceservice theirs modelwright\.dev\/adopt=true/);
    assert.equal((await serviceOf('theirs', namespace)).metadata.resourceVersion, before.metadata.resourceVersion);

    await kubectl(['delete', 'modeldeployment', 'theirs', '-n', namespace]);
    assert.equal((await serviceOf('theirs', namespace)).metadata.uid, before.metadata.uid);

    await make('theirs');
    await until('theirs', 'Stalled', 'True', 'InferenceServiceNotOurs');
    await kubectl(['annotate', 'inferenceservice', 'theirs', '-n', namespace, 'modelwright.dev/adopt=true']);
    const adopted = await eventually(
      () => serviceOf('theirs', namespace),
      ({ metadata }) => metadata.ownerReferences !== undefined,
    );
    assert.equal(adopted.metadata.uid, before.metadata.uid);
    assert.equal(adopted.spec.predictor.model['storageUri'], 'gs://bucket/iris');
  });

  it('withholds the later of two deployments of the same model, until the first is gone', async () => {
    const model = { architecture: 'svm', framework: 'SKLearn', task: 'classification', dataset: 'iris', version: 1 };
    await make('twin-a', { model });
    await until('twin-a', 'IdentityUnique', 'True');
    await new Promise((done) => setTimeout(done, 1100));
    await make('twin-b', { model });
    const later = await until('twin-b', 'IdentityUnique', 'False', 'IdentityTaken');
    assert.match(conditionOf(later, 'Ready')?.message ?? '', /ModelDeployment twin-a is the same model/);
    assert.equal(await serviceIfAny('twin-b', namespace), undefined);
    assert.notEqual(await serviceIfAny('twin-a', namespace), undefined);

    await kubectl(['delete', 'modeldeployment', 'twin-a', '-n', namespace]);
    await until('twin-b', 'IdentityUnique', 'True');
    await eventually(
      () => serviceIfAny('twin-b', namespace),
      (service) => service !== undefined,
    );
  });

  it('refuses what the policy does not allow, in a sentence that names field and remedy', async () => {
    await make('policed', { serviceAccountName: 'builder' });
    const model = await until('policed', 'Stalled', 'True', 'ServiceAccountNotAllowed');
    assert.match(conditionOf(model, 'Ready')?.message ?? '', /^spec\.serviceAccountName: .*"builder".*; leave the field out, or ask/);
    assert.equal(await serviceIfAny('policed', namespace), undefined);
    await kubectl([
      'patch',
      'modeldeployment',
      'policed',
      '-n',
      namespace,
      '--type=json',
      '-p',
      '[{"op":"remove","path":"/spec/serviceAccountName"}]',
    ]);
    await until('policed', 'Reconciling', 'True');
  });

  it('stops a model that it may no longer write, by taking its InferenceService away, and serves it again when it may', async () => {
    await serving('stopped');
    await apply(aModel('stopped', namespace, { serviceAccountName: 'powerful' }));
    await until('stopped', 'Stalled', 'True');
    assert.ok(await serviceIfAny('stopped', namespace), 'a model that serves is left alone meanwhile');
    await apply(aModel('stopped', namespace, { serviceAccountName: 'powerful', suspend: true }));
    await eventually(
      () => serviceIfAny('stopped', namespace),
      (service) => service === undefined,
    );
    await eventually(
      () => eventsOf('stopped', namespace),
      (events) => events.some(({ reason }) => reason === 'InferenceServiceDeleted'),
    );
    await serving('stopped', { serviceAccountName: 'default', suspend: false });
  });

  it('says in whose words an InferenceService was refused, and does not ask again and again', async () => {
    const name = `refuse-${namespace}`;
    const match = {
      resourceRules: [{ apiGroups: ['serving.kserve.io'], apiVersions: ['*'], operations: ['CREATE'], resources: ['inferenceservices'] }],
    };
    await apply([
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicy',
        metadata: { name },
        spec: {
          matchConstraints: match,
          validations: [{ expression: "object.metadata.name != 'refused'", message: 'no more models this week' }],
        },
      },
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicyBinding',
        metadata: { name },
        spec: {
          policyName: name,
          validationActions: ['Deny'],
          matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } },
        },
      },
    ]);
    const probe = { apiVersion: 'serving.kserve.io/v1beta1', kind: 'InferenceService', metadata: { name: 'refused', namespace }, spec: {} };
    await eventually(
      () => kubectl(['create', '--dry-run=server', '-f', '-'], { input: probe }).catch(String),
      (answer) => answer.includes('no more models'),
    );
    await make('refused');
    const model = await until('refused', 'Stalled', 'True', 'InferenceServiceRefused');
    assert.match(conditionOf(model, 'Ready')?.message ?? '', /refused the InferenceService: .*no more models this week/);
    const mark = auditMark();
    await new Promise((done) => setTimeout(done, 3000));
    const asked = await auditSince(mark, (event) => event.user.username === operatorUser && event.objectRef?.name === 'refused');
    assert.equal(asked.length, 0);
    await kubectl(['delete', `validatingadmissionpolicybinding/${name}`, `validatingadmissionpolicy/${name}`]);
  });

  it('counts: deployments by runtime and readiness, time to ready, drift, failures by stage', async () => {
    const metrics = (await stage.operator.metrics('modelwright_')).join('\n');
    assert.match(metrics, /^modelwright_deployments\{runtime="SKLearn",ready="True"\} [1-9]/m);
    assert.match(metrics, /^modelwright_deployment_time_to_ready_seconds_count\{runtime="SKLearn",mode="Standard"\} [1-9]/m);
    assert.match(metrics, /^modelwright_deployment_drift_total\{runtime="SKLearn"\} [1-9]/m);
    assert.match(metrics, /^modelwright_deployment_failures_total\{stage="InferenceService",reason="InferenceServiceNotOurs"\} [1-9]/m);
  });

  it('does not make an InferenceService anew for a ModelDeployment that is deleted', async () => {
    await serving('leaves');
    await kubectl(['delete', 'modeldeployment', 'leaves', '-n', namespace]);
    await kubectl(['delete', 'inferenceservice', 'leaves', '-n', namespace]);
    await new Promise((done) => setTimeout(done, 2000));
    assert.equal(await serviceIfAny('leaves', namespace), undefined);
  });

  it('has written no error to its log through all of this', () => assert.deepEqual(stage.operator.errors(), []));
});
