/** An operator that may do nothing outside one namespace: the Role of manifests/namespaced, and no ClusterRole. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { apply, applyCrds, eventually, freshNamespace, kubectl } from '../../support/cluster.ts';
import { installInferenceServices, playStatus, servingStatus } from './light-kserve.ts';
import { aModel, deployed, says, serviceIfAny } from './objects.ts';
import { kubeconfigOf, OperatorProcess } from './operator-process.ts';

describe('an operator limited to a namespace, with a Role alone', () => {
  let namespace: { readonly name: string } & AsyncDisposable;
  let other: { readonly name: string } & AsyncDisposable;
  let operator: OperatorProcess;

  before(async () => {
    await applyCrds();
    await installInferenceServices();
    namespace = await freshNamespace('namespaced');
    other = await freshNamespace('other');
    const here = ['-n', namespace.name];
    await kubectl(['apply', '-k', 'manifests/namespaced', ...here]);
    const account = `--serviceaccount=${namespace.name}:modelwright`;
    await kubectl(['create', 'rolebinding', 'modelwright-operator', '--role=modelwright-operator', account, ...here]);
    operator = await OperatorProcess.startAs(await kubeconfigOf('modelwright', namespace.name), [namespace.name]);
  });
  after(async () => {
    await operator?.[Symbol.asyncDispose]();
    await other?.[Symbol.asyncDispose]();
    await namespace?.[Symbol.asyncDispose]();
  });

  it('serves the models there', async () => {
    await apply(aModel('iris', namespace.name));
    await eventually(
      () => serviceIfAny('iris', namespace.name),
      (service) => service !== undefined,
    );
    await playStatus('iris', namespace.name, servingStatus('iris', namespace.name));
    await eventually(() => deployed('iris', namespace.name), says('Ready', 'True'));
  });

  it('leaves those of other namespaces alone', async () => {
    await apply(aModel('iris', other.name));
    await apply(aModel('second', namespace.name));
    await eventually(() => deployed('second', namespace.name), says('Reconciling', 'True'));
    assert.equal((await deployed('iris', other.name)).status, undefined);
    assert.equal(await serviceIfAny('iris', other.name), undefined);
  });

  it('takes what it may not read for unknown, and not for an error', () => assert.deepEqual(operator.errors(), []));
});
