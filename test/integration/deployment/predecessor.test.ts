/** A ModelDeployment that is made anew under its name while what its predecessor made is still there, on an API server whose garbage nobody collects. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { type AuditEvent, auditMark, auditSince } from '../../support/audit.ts';
import { apply, applyCrds, eventually, get, kubectl } from '../../support/cluster.ts';
import { installInferenceServices, playStatus, servingStatus } from './light-kserve.ts';
import { aModel, conditionOf, type Deployed, deployed, eventsOf, says, serviceIfAny, serviceOf } from './objects.ts';
import { OperatorProcess, operatorUser } from './operator-process.ts';
import { ownControlPlane } from './stage.ts';

const namespace = 'predecessor';
const servedModel = async (name: string) => (await serviceIfAny(name, namespace))?.spec.predictor.model['storageUri'];

describe('what an earlier deployment of the same name has left, where nobody collects garbage', () => {
  let plane: ControlPlane;
  let operator: OperatorProcess;

  before(async () => {
    plane = await ownControlPlane();
    await applyCrds();
    await installInferenceServices();
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    operator = await OperatorProcess.start([namespace]);
  });
  after(async () => {
    await operator?.[Symbol.asyncDispose]();
    await plane?.stop();
  });

  const isDeletion = ({ verb, user, objectRef }: AuditEvent) =>
    verb === 'delete' && user.username === operatorUser && objectRef?.resource === 'inferenceservices';
  const until = (name: string, status: string, reason: string): Promise<Deployed> =>
    eventually(() => deployed(name, namespace), says('Ready', status, reason));

  /** An InferenceService as an earlier ModelDeployment would have left it. */
  function leftover(name: string, owner: object, ...others: object[]) {
    const reference = { apiVersion: 'modelwright.dev/v1alpha1', kind: 'ModelDeployment', name, uid: 'gone-0', controller: true, ...owner };
    return apply({
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: { name, namespace, ownerReferences: [reference, ...others] },
      spec: { predictor: { model: { modelFormat: { name: 'sklearn' }, storageUri: 'gs://bucket/old' } } },
    });
  }

  it('makes way for the new one, by one delete that names what was read', async () => {
    await apply(aModel('again', namespace));
    await eventually(
      () => serviceIfAny('again', namespace),
      (service) => service !== undefined,
    );
    await playStatus('again', namespace, servingStatus('again', namespace));
    await eventually(() => deployed('again', namespace), says('Ready', 'True'));
    const old = await serviceOf('again', namespace);

    const mark = auditMark(plane.auditLog);
    await kubectl(['delete', 'modeldeployment', 'again', '-n', namespace]);
    await apply(aModel('again', namespace, { source: { storageUri: 'gs://bucket/new' } }));
    await eventually(
      () => servedModel('again'),
      (model) => model === 'gs://bucket/new',
    );
    const [service, model] = [await serviceOf('again', namespace), await deployed('again', namespace)];
    assert.notEqual(service.metadata.uid, old.metadata.uid);
    assert.deepEqual(
      service.metadata.ownerReferences?.map(({ uid }) => uid),
      [model.metadata.uid],
    );
    const deletes = (await auditSince(mark, isDeletion, plane.auditLog)).map(({ requestObject, responseStatus }) => ({
      preconditions: requestObject?.['preconditions'],
      code: responseStatus?.code,
    }));
    assert.deepEqual(deletes, [{ preconditions: { uid: old.metadata.uid, resourceVersion: old.metadata.resourceVersion }, code: 200 }]);
    const told = await eventually(
      () => eventsOf('again', namespace),
      (events) => events.some(({ message }) => message.includes('of an earlier ModelDeployment of this name')),
    );
    assert.ok(told.every(({ type }) => type === 'Normal'));
  });

  it('is waited for, and not deleted twice, while its finalizers keep it', async () => {
    await leftover('kept', {});
    const finalizers = (value: readonly string[] | null) =>
      kubectl(['patch', 'isvc', 'kept', '-n', namespace, '--type=merge', '-p', JSON.stringify({ metadata: { finalizers: value } })]);
    await finalizers(['kserve.test/hold']);
    const mark = auditMark(plane.auditLog);
    await apply(aModel('kept', namespace));
    await until('kept', 'Unknown', 'PredecessorLeaving');
    await eventually(
      () => get<{ metadata: { deletionTimestamp?: string } }>('inferenceservice', 'kept', namespace),
      ({ metadata }) => metadata.deletionTimestamp !== undefined,
    );
    await new Promise((done) => setTimeout(done, 2500));
    await finalizers(null);
    await eventually(
      () => servedModel('kept'),
      (model) => model === 'gs://bucket/iris',
    );
    assert.equal((await auditSince(mark, isDeletion, plane.auditLog)).length, 1);
  });

  it('is left to its other owners', async () => {
    const settings = await apply<{ metadata: { uid: string } }>({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings', namespace },
    });
    await leftover('shared', {}, { apiVersion: 'v1', kind: 'ConfigMap', name: 'settings', uid: settings.metadata.uid });
    const mark = auditMark(plane.auditLog);
    await apply(aModel('shared', namespace));
    await until('shared', 'Unknown', 'PredecessorLeaving');
    await new Promise((done) => setTimeout(done, 2500));
    assert.equal(await servedModel('shared'), 'gs://bucket/old');
    assert.deepEqual(await auditSince(mark, isDeletion, plane.auditLog), []);
  });

  it('is nobody’s business when a ModelDeployment of another API group owns it', async () => {
    await leftover('foreign', { apiVersion: 'ml.example.com/v1' });
    const mark = auditMark(plane.auditLog);
    await apply(aModel('foreign', namespace));
    const model = await until('foreign', 'False', 'InferenceServiceNotOurs');
    assert.match(conditionOf(model, 'Ready')?.message ?? '', /managed by ModelDeployment foreign of ml\.example\.com\/v1/);
    assert.deepEqual(await auditSince(mark, isDeletion, plane.auditLog), []);
    assert.equal(await servedModel('foreign'), 'gs://bucket/old');
  });

  it('has put no error into the log through all of this', () => assert.deepEqual(operator.errors(), []));
});
