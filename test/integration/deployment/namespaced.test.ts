/** An operator that may do nothing outside two namespaces: the Role of manifests/namespaced in each, and no ClusterRole. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { apply, applyCrds, eventually, freshNamespace, kubectl, list } from '../../support/cluster.ts';
import { installInferenceServices, playStatus, servingStatus } from './light-kserve.ts';
import { aModel, conditionOf, deployed, says, serviceIfAny } from './objects.ts';
import { kubeconfigOf, OperatorProcess } from './operator-process.ts';

describe('an operator limited to two namespaces, with a Role in each', () => {
  let namespace: { readonly name: string } & AsyncDisposable;
  let second: { readonly name: string } & AsyncDisposable;
  let other: { readonly name: string } & AsyncDisposable;
  let operator: OperatorProcess;

  before(async () => {
    await applyCrds();
    await installInferenceServices();
    namespace = await freshNamespace('namespaced');
    second = await freshNamespace('namespaced');
    other = await freshNamespace('other');
    const account = `--serviceaccount=${namespace.name}:modelwright`;
    for (const { name } of [namespace, second]) {
      await kubectl(['apply', '-k', 'manifests/namespaced', '-n', name]);
      await kubectl(['create', 'rolebinding', 'modelwright-operator', '--role=modelwright-operator', account, '-n', name]);
    }
    operator = await OperatorProcess.startAs(
      await kubeconfigOf('modelwright', namespace.name),
      [namespace.name, second.name],
      ['--image', 'registry.example.com/modelwright:test'],
    );
  });
  after(async () => {
    await operator?.[Symbol.asyncDispose]();
    await other?.[Symbol.asyncDispose]();
    await second?.[Symbol.asyncDispose]();
    await namespace?.[Symbol.asyncDispose]();
  });

  it('serves the models in both', async () => {
    for (const { name } of [namespace, second]) {
      await apply(aModel('iris', name));
      await eventually(
        () => serviceIfAny('iris', name),
        (service) => service !== undefined,
      );
      await playStatus('iris', name, servingStatus('iris', name));
      await eventually(() => deployed('iris', name), says('Ready', 'True'));
    }
  });

  it('leaves those of other namespaces alone', async () => {
    await apply(aModel('iris', other.name));
    await apply(aModel('second', namespace.name));
    await eventually(() => deployed('second', namespace.name), says('Reconciling', 'True'));
    assert.equal((await deployed('iris', other.name)).status, undefined);
    assert.equal(await serviceIfAny('iris', other.name), undefined);
  });

  it('has packages verified by a Job', async () => {
    const storageUri = `https://models.example.com/packages/${'a'.repeat(64)}/model.zip`;
    await apply(aModel('verified', namespace.name, { source: { storageUri, verify: true } }));
    const jobs = () => list<{ spec: { suspend?: boolean }; metadata: { labels?: Record<string, string> } }>('jobs', namespace.name);
    // It is made suspended, as every Job of packaging is, and then let run.
    await eventually(jobs, (found) =>
      found.some(({ metadata, spec }) => metadata.labels?.['modelwright.dev/packaging'] === 'verified' && spec.suspend === false),
    );
    assert.equal(await serviceIfAny('verified', namespace.name), undefined);
  });

  it('makes no packages, and says what it lacks for that', async () => {
    await apply(aModel('packaged', namespace.name, { source: { volume: { claimName: 'models' } } }));
    const refused = await eventually(() => deployed('packaged', namespace.name), says('Packaged', 'False', 'NamespaceNotReadable'));
    assert.match(conditionOf(refused, 'Packaged')?.message ?? '', /may not read namespaces.*ServingPlatform.*modelwright push/s);
  });

  it('takes what it may not read for unknown, and not for an error', () => assert.deepEqual(operator.errors(), []));
});
